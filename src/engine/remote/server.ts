import { setMaxListeners } from 'node:events';
import type { Agent } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { type Diagnostic, fail, warning } from '../../diagnostics/diagnostic.ts';
import { moduleFor } from './node-http.ts';
import { type Answer, type Request, request, Stale, TimedOut, WrongSize } from './request.ts';

export interface ServerOptions {
  /** Where /ac and /cas are, without user and password. */
  readonly url: string;
  /** How long an answer may take. */
  readonly timeoutMs: number;
  /** The Authorization header. It goes to this server only, and into no message. */
  readonly authorization?: string | undefined;
  warn(diagnostic: Diagnostic): void;
  /** When it aborts, every request ends at once. */
  readonly signal?: AbortSignal | undefined;
  /** The pause before the first further attempt; each after it is four times as long. Default 100. */
  readonly retryMs?: number | undefined;
}

/** Connections at once. */
export const connections = { pull: 16, push: 8 } as const;
const sockets = connections.pull + connections.push;

const credentials =
  'FINN_REMOTE_TOKEN, or FINN_REMOTE_USER and FINN_REMOTE_PASSWORD, in the environment give credentials';
const furtherAttempts = 3;
const worthAnother: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

/** Why the server is of no use any more. */
class Trouble extends Error {}

type Wanted = Pick<Request, 'method' | 'limit' | 'exact' | 'body'>;

/**
 * A server of objects by name. What is wrong with it is said once, as a warning; after that it is not asked any more,
 * and everything is as if it had nothing. Attempts that failed are made again where that may help.
 */
export class Server {
  /** Name and port, for messages. */
  readonly host: string;
  readonly #base: URL;
  readonly #options: ServerOptions;
  #agent: Agent | undefined;
  readonly #end = new AbortController();
  #writable: boolean;
  #heads = true;
  #tooLarge = false;

  /** FinnError 'config/wrong-value' for a URL that is none, or has a password in it. */
  constructor(options: ServerOptions, writable: boolean) {
    this.#options = options;
    this.#base = addressOf(options.url);
    this.host = this.#base.host;
    this.#writable = writable;
    setMaxListeners(0, this.#end.signal);
    if (options.signal?.aborted) this.#end.abort();
    options.signal?.addEventListener('abort', () => this.#end.abort(), { once: true });
  }

  /** Is it still asked? */
  get readable(): boolean {
    return !this.#end.signal.aborted;
  }

  /** Is it still given anything? */
  get writable(): boolean {
    return this.#writable && this.readable;
  }

  /** What is there under a name, up to `limit` bytes; undefined if nothing is, or the server is of no use. Throws WrongSize. */
  async get(name: string, limit: number, exact = false): Promise<Uint8Array | undefined> {
    return this.#reading(async () => {
      const { status, body } = await this.#ask(name, { method: 'GET', limit, exact });
      if (status === 200) return body;
      if (status === 404 || status === 410) return undefined;
      return this.#refusal(status, 'a request to read');
    });
  }

  /** Is something of this size there? False too where the server cannot tell. */
  async has(name: string, size: number): Promise<boolean> {
    if (!this.#heads) return false;
    const found = await this.#reading(async () => {
      const { status, length } = await this.#ask(name, { method: 'HEAD', limit: 0 });
      if (status === 200) return length === undefined || length === size;
      if (status !== 404 && status !== 410) this.#heads = false;
      return false;
    });
    return found ?? false;
  }

  /** Puts contents under a name; false if the server did not take them. */
  async put(name: string, body: Uint8Array): Promise<boolean> {
    if (!this.writable) return false;
    try {
      const { status } = await this.#ask(name, { method: 'PUT', limit: 0, body });
      if (status >= 200 && status < 300) return true;
      this.#unwritten(status, body.length);
    } catch (cause) {
      // Servers that refuse a large body may do so by closing the connection; they may still be read.
      const cut = ['ECONNRESET', 'EPIPE'].includes((cause as NodeJS.ErrnoException).code ?? '');
      if (cut || cause instanceof Trouble) this.#noWrites('cache/remote-write', `takes no results: ${reasonOf(cause)}`);
      else this.#down(cause);
    }
    return false;
  }

  async #reading<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (!this.readable) return undefined;
    try {
      return await work();
    } catch (cause) {
      if (cause instanceof WrongSize) throw cause;
      this.#down(cause);
      return undefined;
    }
  }

  #down(cause: unknown): void {
    const told = cause instanceof Trouble ? cause.message : `does not answer: ${reasonOf(cause)}`;
    const message = `the remote cache at ${this.host} ${told}`;
    this.#giveUp(warning('cache/remote-down', message, { hint: 'this run goes on without it' }));
  }

  #refusal(status: number, what: string): undefined {
    if (status !== 401 && status !== 403) throw new Trouble(`answers ${what} with status ${status}`);
    const told = this.#options.authorization ? 'does not accept the credentials' : 'wants credentials';
    const message = `the remote cache at ${this.host} ${told} (status ${status})`;
    this.#giveUp(warning('cache/remote-credentials', message, { hint: credentials }));
    return undefined;
  }

  #unwritten(status: number, size: number): void {
    if (status === 413 || status === 507) {
      // Others may be small enough.
      if (this.#tooLarge) return;
      this.#tooLarge = true;
      const message = `the remote cache at ${this.host} has no room for a file of ${size} bytes (status ${status})`;
      this.#options.warn(warning('cache/remote-write', message, { hint: 'results with such files are not shared' }));
    } else if (status === 401) {
      const told = this.#options.authorization
        ? 'does not let these credentials write'
        : 'wants credentials for writing';
      this.#noWrites('cache/remote-credentials', `${told} (status 401)`, credentials);
    } else {
      const hint = '`mode: read` of cache.remote in finn.config.yaml says that nothing is to be sent there';
      this.#noWrites('cache/remote-write', `takes no results: it answers PUT with status ${status}`, hint);
    }
  }

  #noWrites(code: 'cache/remote-write' | 'cache/remote-credentials', told: string, hint?: string): void {
    if (!this.writable) return;
    this.#writable = false;
    this.#options.warn(
      warning(code, `the remote cache at ${this.host} ${told}; it is only read from now on`, { hint }),
    );
  }

  #giveUp(diagnostic: Diagnostic): void {
    if (!this.readable) return;
    this.#end.abort();
    this.#options.warn(diagnostic);
  }

  /** One answer that is worth looking at, after as many attempts as that takes. */
  async #ask(name: string, wanted: Wanted): Promise<Answer> {
    let url = new URL(`${this.#base.pathname.replace(/\/+$/, '')}/${name}`, this.#base.origin);
    let redirects = 0;
    for (let failed = 0, stale = 0; ; ) {
      let again: number;
      try {
        const answer = await this.#once(url, wanted);
        if (answer.location !== undefined && [301, 302, 303, 307, 308].includes(answer.status)) {
          url = this.#redirected(url, answer.location, wanted.method);
          redirects += 1;
          if (redirects > 3) throw new Trouble('redirects in a circle');
          continue;
        }
        if (!worthAnother.has(answer.status)) return answer;
        if (failed >= furtherAttempts) {
          if (wanted.method === 'PUT') return answer;
          throw new Trouble(`answers with status ${answer.status}, ${failed + 1} times`);
        }
        again = Math.max(this.#pauseMs(failed), 1000 * Math.min(answer.retryAfter ?? 0, 10));
      } catch (cause) {
        if (cause instanceof Trouble || cause instanceof WrongSize || !this.readable) throw cause;
        if (cause instanceof Stale && stale < sockets) {
          stale += 1;
          continue;
        }
        // One that hangs is given one more chance, on another connection: the first may have been cut silently.
        if (failed >= (cause instanceof TimedOut ? 1 : furtherAttempts)) throw cause;
        again = this.#pauseMs(failed);
      }
      failed += 1;
      await pause(again, undefined, { signal: this.#end.signal });
    }
  }

  #once(url: URL, wanted: Wanted): Promise<Answer> {
    const { authorization, timeoutMs } = this.#options;
    const headers = {
      Accept: '*/*',
      'Accept-Encoding': 'identity',
      'User-Agent': 'finn',
      ...(wanted.body && { 'Content-Type': 'application/octet-stream' }),
      ...(authorization !== undefined && { Authorization: authorization }),
    };
    const { Agent } = moduleFor(url.protocol);
    this.#agent ??= new Agent({ keepAlive: true, maxSockets: sockets });
    return request({ ...wanted, url, headers, timeoutMs, agent: this.#agent, signal: this.#end.signal });
  }

  /** Only within the server that the config names: no other gets the credentials, or is asked at all. */
  #redirected(from: URL, location: string, method: string): URL {
    const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
    if (method === 'PUT') throw new Trouble('redirects what is written, which finn does not follow');
    if (to?.origin !== this.#base.origin) {
      throw new Trouble(
        `redirects to ${to?.host || 'nowhere'}, and finn asks no server but the one that is configured`,
      );
    }
    return to;
  }

  /** With up to half of it by chance, lest many come back at the same instant. */
  #pauseMs(failed: number): number {
    return (this.#options.retryMs ?? 100) * 4 ** failed * (0.5 + Math.random() / 2);
  }
}

function addressOf(url: string): URL {
  const base = URL.canParse(url) ? new URL(url) : undefined;
  if (base && /^https?:$/.test(base.protocol) && base.username === '' && base.password === '') return base;
  return fail('config/wrong-value', 'the address of the remote cache is none that finn can use', {
    hint: 'cache.remote.url is http://… or https://…, without user and password',
  });
}

/** In words, without addresses that the system puts in. */
function reasonOf(cause: unknown): string {
  if (cause instanceof Trouble || cause instanceof TimedOut) return cause.message;
  const { code, message } = cause as NodeJS.ErrnoException;
  return code ?? message;
}

import { setMaxListeners } from 'node:events';
import { type Diagnostic, FinnError, fail, warning } from '../../diagnostics/diagnostic.ts';
import type { Found, Incoming } from '../incoming.ts';
import { Damaged } from '../outgoing.ts';
import { Asker } from './asker.ts';
import { TimedOut, Trouble, WrongSize } from './failures.ts';
import type { Body } from './request.ts';

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

const credentials =
  'FINN_REMOTE_TOKEN, or FINN_REMOTE_USER and FINN_REMOTE_PASSWORD, in the environment give credentials';
const readOnly = '`mode: read` of cache.remote in finn.config.yaml says that nothing is to be sent there';
/** How servers refuse one file: too large for bazel-remote, too large for nginx, and no room at this time. */
const refusing: ReadonlySet<number> = new Set([400, 413, 507]);
/** A server that refuses so many files one after the other takes none. */
const mostRefused = 5;

/**
 * A server of objects by name. What is wrong with it is said once, as a warning; after that it is not asked any more,
 * and everything is as if it had nothing. Attempts that failed are made again where that may help.
 */
export class Server {
  /** Name and port, for messages. */
  readonly host: string;
  readonly #options: ServerOptions;
  readonly #asker: Asker;
  readonly #end = new AbortController();
  #writable: boolean;
  #heads = true;
  /** Files that it refused, one after the other. */
  #refused = 0;
  #refusalTold = false;

  /** FinnError 'config/wrong-value' for a URL that is none, or has a password in it. */
  constructor(options: ServerOptions, writable: boolean) {
    this.#options = options;
    const base = addressOf(options.url);
    this.host = base.host;
    this.#writable = writable;
    const { timeoutMs, authorization, retryMs } = options;
    this.#asker = new Asker({ base, timeoutMs, authorization, retryMs, signal: this.#end.signal });
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
      const { status, body } = await this.#asker.ask(name, { method: 'GET', limit, exact });
      return status === 200 ? body : this.#nothing(status);
    });
  }

  /**
   * What becomes of an object that is there under a name; undefined if none is, or the server is of no use. Throws
   * WrongSize, and FinnError 'cache/write'.
   */
  async fetch(name: string, size: number, into: () => Incoming): Promise<Found | undefined> {
    return this.#reading(async () => {
      const { status, found } = await this.#asker.ask(name, { method: 'GET', limit: size, exact: true, into });
      return status === 200 ? found : this.#nothing(status);
    });
  }

  /** Is something of this size there? False too where the server cannot tell. */
  async has(name: string, size: number): Promise<boolean> {
    if (!this.#heads) return false;
    const found = await this.#reading(async () => {
      const { status, length } = await this.#asker.ask(name, { method: 'HEAD', limit: 0 });
      if (status === 200) return length === undefined || length === size;
      if (status !== 404 && status !== 410) this.#heads = false;
      return false;
    });
    return found ?? false;
  }

  /** Puts contents under a name; false if the server did not take them. Throws Damaged. */
  async put(name: string, body: Body): Promise<boolean> {
    if (!this.writable) return false;
    try {
      const { status } = await this.#asker.ask(name, { method: 'PUT', limit: 0, body });
      if (status >= 200 && status < 300) {
        this.#refused = 0;
        return true;
      }
      this.#unwritten(status, body.size);
    } catch (cause) {
      if (cause instanceof Damaged) throw cause;
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
      if (cause instanceof WrongSize || cause instanceof FinnError) throw cause;
      this.#down(cause);
      return undefined;
    }
  }

  #down(cause: unknown): void {
    const told = cause instanceof Trouble ? cause.message : `does not answer: ${reasonOf(cause)}`;
    const message = `the remote cache at ${this.host} ${told}`;
    this.#giveUp(warning('cache/remote-down', message, { hint: 'this run goes on without it' }));
  }

  /** What is read is not there; or the server will not say. */
  #nothing(status: number): undefined {
    if (status === 404 || status === 410) return undefined;
    if (status !== 401 && status !== 403) throw new Trouble(`answers a request to read with status ${status}`);
    const told = this.#options.authorization ? 'does not accept the credentials' : 'wants credentials';
    const message = `the remote cache at ${this.host} ${told} (status ${status})`;
    this.#giveUp(warning('cache/remote-credentials', message, { hint: credentials }));
    return undefined;
  }

  #unwritten(status: number, size: number): void {
    if (refusing.has(status)) {
      // Others may be smaller, or there may be room again.
      this.#refused += 1;
      if (this.#refused >= mostRefused) {
        this.#noWrites('cache/remote-write', `takes no results: it answers PUT with status ${status}`, readOnly);
      } else if (!this.#refusalTold) {
        this.#refusalTold = true;
        const message = `the remote cache at ${this.host} does not take a file of ${size} bytes (status ${status})`;
        this.#options.warn(warning('cache/remote-write', message, { hint: 'results with such files are not shared' }));
      }
    } else if (status === 401) {
      const told = this.#options.authorization
        ? 'does not let these credentials write'
        : 'wants credentials for writing';
      this.#noWrites('cache/remote-credentials', `${told} (status 401)`, credentials);
    } else {
      this.#noWrites('cache/remote-write', `takes no results: it answers PUT with status ${status}`, readOnly);
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
}

function addressOf(url: string): URL {
  const base = URL.canParse(url) ? new URL(url) : undefined;
  const bare = base?.username === '' && base.password === '' && base.search === '' && base.hash === '';
  if (bare && /^https?:$/.test(base.protocol)) return base;
  return fail('config/wrong-value', 'the address of the remote cache is none that finn can use', {
    hint: 'cache.remote.url is http://… or https://…, without user, password, ? and #',
  });
}

/** In words, without addresses that the system puts in. */
function reasonOf(cause: unknown): string {
  if (cause instanceof Trouble || cause instanceof TimedOut) return cause.message;
  const { code, message } = cause as NodeJS.ErrnoException;
  return code ?? message;
}

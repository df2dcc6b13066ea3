import type { Agent } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { FinnError } from '../../diagnostics/diagnostic.ts';
import { Damaged } from '../outgoing.ts';
import { Stale, TimedOut, Trouble, WrongSize } from './failures.ts';
import { moduleFor } from './node-http.ts';
import { type Answer, type Request, request } from './request.ts';

/** Connections at once. */
export const connections = { pull: 16, push: 8 } as const;
const sockets = connections.pull + connections.push;

const furtherAttempts = 3;
const worthAnother: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504, 507]);
const redirecting: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** The most that a server may make a build wait between two attempts. */
const mostSeconds = 10;
/** Before it sends more than this, a server is asked whether it wants it. */
const unaskedBytes = 1 << 18;

export type Wanted = Pick<Request, 'method' | 'limit' | 'exact' | 'body' | 'into'>;

export interface AskerOptions {
  readonly base: URL;
  readonly timeoutMs: number;
  readonly authorization?: string | undefined;
  readonly retryMs?: number | undefined;
  /** When it aborts, every request ends at once. */
  readonly signal: AbortSignal;
}

/** Asks a server: attempts that failed are made again where that may help, and redirects are followed within it. */
export class Asker {
  readonly #options: AskerOptions;
  #agent: Agent | undefined;
  /** It knows the question whether it wants a body. */
  #expects = true;

  constructor(options: AskerOptions) {
    this.#options = options;
  }

  /** One answer that is worth looking at. Rejects with what `request` does, Trouble after as many attempts as that takes. */
  async ask(name: string, wanted: Wanted): Promise<Answer> {
    let url = this.#urlOf(name);
    let redirects = 0;
    let stale = false;
    for (let failed = 0; ; ) {
      let again: number;
      try {
        const answer = await this.#once(url, wanted, stale);
        if (answer.status === 417 && this.#expects) {
          this.#expects = false;
          continue;
        }
        if (answer.location !== undefined && redirecting.has(answer.status)) {
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
        again = Math.max(this.#pauseMs(failed), 1000 * Math.min(answer.retryAfter ?? 0, mostSeconds));
      } catch (cause) {
        if (isFinal(cause) || this.#options.signal.aborted) throw cause;
        // At once, and on a connection that no server has had the time to close.
        if (cause instanceof Stale) {
          stale = true;
          continue;
        }
        // One that hangs is given one more chance, on another connection: the first may have been cut silently.
        if (failed >= (cause instanceof TimedOut ? 1 : furtherAttempts)) throw cause;
        again = this.#pauseMs(failed);
      }
      failed += 1;
      await pause(again, undefined, { signal: this.#options.signal });
    }
  }

  #once(url: URL, wanted: Wanted, alone: boolean): Promise<Answer> {
    const { authorization, timeoutMs, signal } = this.#options;
    const { body } = wanted;
    const headers = {
      Accept: '*/*',
      'Accept-Encoding': 'identity',
      'User-Agent': 'finn',
      ...(body && { 'Content-Type': 'application/octet-stream' }),
      ...(body && this.#expects && body.size > unaskedBytes && { Expect: '100-continue' }),
      ...(authorization !== undefined && { Authorization: authorization }),
    };
    const { Agent } = moduleFor(url.protocol);
    this.#agent ??= new Agent({ keepAlive: true, maxSockets: sockets });
    return request({ ...wanted, url, headers, timeoutMs, agent: alone ? false : this.#agent, signal });
  }

  /** Whatever the path of the base is, the host stays. */
  #urlOf(name: string): URL {
    const url = new URL(this.#options.base);
    url.pathname = `${url.pathname.replace(/\/+$/, '')}/${name}`;
    return url;
  }

  /** Only within the server that the config names: no other gets the credentials, or is asked at all. */
  #redirected(from: URL, location: string, method: string): URL {
    const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
    if (method === 'PUT') throw new Trouble('redirects what is written, which finn does not follow');
    if (to?.origin !== from.origin) {
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

/** Would it be the same again? */
const isFinal = (cause: unknown): boolean =>
  cause instanceof Trouble || cause instanceof WrongSize || cause instanceof Damaged || cause instanceof FinnError;

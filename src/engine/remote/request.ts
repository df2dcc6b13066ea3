import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import type { Found, Incoming } from '../incoming.ts';
import { Stale, TimedOut, Trouble, WrongSize } from './failures.ts';
import { moduleFor } from './node-http.ts';

export interface Request {
  readonly method: 'GET' | 'HEAD' | 'PUT';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Body | undefined;
  /** The most bytes that the answer's body may have; with `exact`, the only number. */
  readonly limit: number;
  readonly exact?: boolean | undefined;
  /** Where the body of a GET that is answered by 200 goes, if it is not to be in the answer. */
  readonly into?: (() => Incoming) | undefined;
  /** How long it may take until something moves. */
  readonly timeoutMs: number;
  /** `false`: on a connection of its own. */
  readonly agent: Agent | false;
  readonly signal: AbortSignal;
}

/** What is sent: bytes, or what gives their parts, as they are wanted, anew for each attempt. */
export interface Body {
  readonly size: number;
  readonly content: Uint8Array | (() => AsyncIterable<Uint8Array>);
}

export interface Answer {
  readonly status: number;
  /** Of a GET that was answered by 200; empty otherwise. */
  readonly body: Uint8Array;
  /** What came of the body where it went `into` something. */
  readonly found: Found | undefined;
  /** What the server says that the body has, where it does. */
  readonly length: number | undefined;
  readonly location: string | undefined;
  /** Seconds that the server asks to wait, where it does. */
  readonly retryAfter: number | undefined;
}

/** A server has to send and take 10 kB a second, lest one that trickles holds a build for ever. */
const slowestBytesPerMs = 10;
/** So many bytes a server may take in, check and store while it says nothing. */
const storedBytesPerMs = 20_000;
/** How long a server that was asked whether it wants a body may say nothing: some do not know that question. */
const continueMs = 1000;
/** A timer that is so late tells that this process was busy, or asleep. */
const busyMs = 1000;
/** The body of a refusal is read only to leave the connection usable. */
const refusalBytes = 1_000_000;

/**
 * One request over HTTP. Rejects with TimedOut, WrongSize, Stale, Trouble, the signal's reason, what `into` or the body
 * reject with, or the system's error. Nothing of the headers that are sent is in any of these.
 */
export function request(options: Request): Promise<Answer> {
  const { url, method, headers, body, agent, signal } = options;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const timeoutMs = options.timeoutMs + (body?.size ?? 0) / storedBytesPerMs;
    // The time-out counts from before there is a connection.
    const sent = moduleFor(url.protocol).request(url, {
      method,
      agent,
      timeout: timeoutMs,
      headers: { ...headers, ...(body && { 'Content-Length': body.size }) },
    });
    let into: Incoming | undefined;
    const abandon = (cause: Error): void => {
      sent.destroy(cause);
      if (into) void into.drop().finally(() => reject(cause));
      else reject(cause);
    };
    const abort = (): void => abandon(signal.reason);
    const tooLate = (): void => abandon(new TimedOut(`nothing came for ${options.timeoutMs / 1000} s`));
    signal.addEventListener('abort', abort, { once: true });
    let closed = false;
    const carried = body?.size ?? (options.exact ? options.limit : 0);
    const end = deadline(2 * timeoutMs + carried / slowestBytesPerMs, tooLate);
    sent.once('close', () => {
      closed = true;
      signal.removeEventListener('abort', abort);
      clearTimeout(end);
    });
    sent.on('timeout', () => {
      // This process may have been too busy to look at what came meanwhile, which it does next.
      const before = progressOf(sent);
      setImmediate(() => {
        if (closed) return;
        if (progressOf(sent) === before) tooLate();
        else sent.setTimeout(timeoutMs);
      });
    });
    sent.on('error', (cause) => {
      const code = (cause as NodeJS.ErrnoException).code;
      abandon(sent.reusedSocket && (code === 'ECONNRESET' || code === 'EPIPE') ? new Stale(cause.message) : cause);
    });
    sent.on('response', (response) => {
      const takes = method === 'GET' && response.statusCode === 200 ? options.into : undefined;
      into = takes?.();
      receive(options, response, into, sent).then(resolve, abandon);
    });
    if (typeof body?.content === 'function') send(sent, body.content, headers['Expect'] !== undefined, abandon);
    else sent.end(body?.content);
  });
}

/** Changes when something moves on the connection of a request. */
function progressOf({ socket }: ClientRequest): string {
  return socket ? `${socket.connecting} ${socket.bytesRead} ${socket.writableLength}` : '';
}

/** Calls once so much time has passed in which this process could do something. */
function deadline(ms: number, tooLate: () => void): NodeJS.Timeout {
  const period = Math.min(ms, 2 ** 31 - 1);
  let due = performance.now() + period;
  const timer = setTimeout(() => {
    const now = performance.now();
    if (now < due + busyMs) return tooLate();
    due = now + period;
    timer.refresh();
  }, period);
  return timer;
}

/** Sends a body in parts, once the server wants it. */
function send(
  sent: ClientRequest,
  parts: () => AsyncIterable<Uint8Array>,
  asks: boolean,
  abandon: (cause: Error) => void,
): void {
  let answered = false;
  const all = async (): Promise<void> => {
    for await (const part of parts()) {
      if (answered || sent.destroyed) return;
      if (!sent.write(part)) await drained(sent);
    }
    sent.end();
  };
  let begun = false;
  const begin = (): void => {
    clearTimeout(silence);
    if (begun || answered || sent.destroyed) return;
    begun = true;
    all().catch(abandon);
  };
  const silence = setTimeout(begin, continueMs);
  sent.once('close', () => clearTimeout(silence));
  sent.once('response', () => {
    answered = true;
    clearTimeout(silence);
  });
  if (!asks) begin();
  else {
    sent.once('continue', begin);
    sent.flushHeaders();
  }
}

const drained = (sent: ClientRequest): Promise<void> =>
  new Promise((resolve) => {
    const go = (): void => {
      sent.off('drain', go);
      sent.off('close', go);
      resolve();
    };
    sent.on('drain', go);
    sent.on('close', go);
  });

function receive(
  { method, limit, exact, timeoutMs }: Request,
  response: IncomingMessage,
  into: Incoming | undefined,
  sent: ClientRequest,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { statusCode: status = 0, headers } = response;
    const length = numberOf(headers['content-length']);
    const retryAfter = numberOf(headers['retry-after']);
    const told = { status, length, location: headers.location, retryAfter, body: new Uint8Array(), found: undefined };
    response.on('error', reject);
    response.on('aborted', () => reject(new Error(`the connection broke off after ${size} bytes`)));
    let size = 0;
    if (method !== 'GET' || status !== 200) {
      const done = (): void => {
        resolve(told);
        // A server that answers before it has the whole body is not sent the rest of it.
        if (!sent.writableFinished || size > refusalBytes) sent.destroy();
      };
      response.on('data', (part: Buffer) => {
        size += part.length;
        if (size > refusalBytes) done();
      });
      response.on('end', done);
      return;
    }
    const encoding = headers['content-encoding'] ?? 'identity';
    if (encoding.toLowerCase() !== 'identity') {
      return reject(new Trouble(`packs what it sends (Content-Encoding: ${encoding}), which it was asked not to do`));
    }
    if (length !== undefined && (exact ? length !== limit : length > limit)) {
      return reject(new WrongSize(`it has ${length} bytes, ${exact ? 'not' : 'more than'} ${limit}`));
    }
    const parts: Uint8Array[] = [];
    response.on('data', (part: Buffer) => {
      size += part.length;
      if (size > limit) return reject(new WrongSize(`it has more than ${limit} bytes`));
      const wait = into ? into.write(part) : void parts.push(part);
      if (!wait) return;
      // A disk that is slower than the server is not the server's fault.
      response.pause();
      sent.setTimeout(0);
      wait.then(() => {
        sent.setTimeout(timeoutMs);
        response.resume();
      }, reject);
    });
    response.on('end', () => {
      if (exact && size !== limit) return reject(new WrongSize(`it has ${size} bytes, not ${limit}`));
      if (!into) return resolve({ ...told, body: parts.length === 1 ? parts[0]! : Buffer.concat(parts) });
      into.end().then((found) => resolve({ ...told, found }), reject);
    });
  });
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

import type { Agent, IncomingMessage } from 'node:http';
import { moduleFor } from './node-http.ts';

export interface Request {
  readonly method: 'GET' | 'HEAD' | 'PUT';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
  /** The most bytes that the answer's body may have; with `exact`, the only number. */
  readonly limit: number;
  readonly exact?: boolean | undefined;
  /** How long it may take until something moves. */
  readonly timeoutMs: number;
  readonly agent: Agent;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  /** Of a GET that was answered by 200; empty otherwise. */
  readonly body: Uint8Array;
  /** What the server says that the body has, where it does. */
  readonly length: number | undefined;
  readonly location: string | undefined;
  /** Seconds that the server asks to wait, where it does. */
  readonly retryAfter: number | undefined;
}

/** The server took longer than it may. */
export class TimedOut extends Error {}

/** The body has another size than was asked for, or more than is allowed. */
export class WrongSize extends Error {}

/** The connection was an old one that the server may just have closed: another attempt is due. */
export class Stale extends Error {}

/** A server has to send and take 10 kB a second, lest one that trickles holds a build for ever. */
const slowestBytesPerMs = 10;

/**
 * One request over HTTP. Rejects with TimedOut, WrongSize, Stale, the signal's reason, or the system's error. Nothing of
 * the headers that are sent is in any of these.
 */
export function request(options: Request): Promise<Answer> {
  const { url, method, headers, body, agent, signal, timeoutMs } = options;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const length: Record<string, number> = body ? { 'Content-Length': body.length } : {};
    const sent = moduleFor(url.protocol).request(url, { method, agent, headers: { ...headers, ...length } });
    const abandon = (cause: Error): void => {
      sent.destroy(cause);
      reject(cause);
    };
    const abort = (): void => abandon(signal.reason);
    const late = (): void => abandon(new TimedOut(`nothing came for ${timeoutMs / 1000} s`));
    signal.addEventListener('abort', abort, { once: true });
    const bytes = method === 'PUT' ? (body?.length ?? 0) : options.exact ? options.limit : 0;
    const deadline = setTimeout(late, Math.min(2 * timeoutMs + bytes / slowestBytesPerMs, 2 ** 31 - 1));
    sent.once('close', () => {
      signal.removeEventListener('abort', abort);
      clearTimeout(deadline);
    });
    sent.setTimeout(timeoutMs, late);
    sent.on('error', (cause) => {
      const code = (cause as NodeJS.ErrnoException).code;
      reject(sent.reusedSocket && (code === 'ECONNRESET' || code === 'EPIPE') ? new Stale(cause.message) : cause);
    });
    sent.on('response', (response) => receive(options, response, resolve, abandon));
    sent.end(body);
  });
}

function receive(
  { method, limit, exact }: Request,
  response: IncomingMessage,
  resolve: (answer: Answer) => void,
  abandon: (cause: Error) => void,
): void {
  const { statusCode: status = 0, headers } = response;
  const length = numberOf(headers['content-length']);
  const told = { status, length, location: headers.location, retryAfter: numberOf(headers['retry-after']) };
  const wanted = method === 'GET' && status === 200;
  if (wanted && length !== undefined && (exact ? length !== limit : length > limit)) {
    abandon(new WrongSize(`it has ${length} bytes, ${exact ? 'not' : 'more than'} ${limit}`));
    return;
  }
  // The body of an error is read only to leave the connection usable.
  const most = wanted ? limit : 1_000_000;
  const whole = wanted && length !== undefined ? Buffer.allocUnsafeSlow(length) : undefined;
  const parts: Buffer[] = [];
  let size = 0;
  response.on('data', (part: Buffer) => {
    if (size + part.length > most) return abandon(new WrongSize(`it has more than ${most} bytes`));
    if (whole) whole.set(part, size);
    else if (wanted) parts.push(part);
    size += part.length;
  });
  response.on('error', abandon);
  response.on('aborted', () => abandon(new Error(`the connection broke off after ${size} bytes`)));
  response.on('end', () => {
    if (wanted && exact && size !== limit) return abandon(new WrongSize(`it has ${size} bytes, not ${limit}`));
    resolve({ ...told, body: whole ?? Buffer.concat(parts) });
  });
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

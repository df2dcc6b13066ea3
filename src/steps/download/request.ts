import { lookup as lookUp } from 'node:dns';
import { type IncomingMessage, request as overHttp } from 'node:http';
import { request as overHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { type Reach, reachOf } from './addresses.ts';

/** Why nothing is fetched, in words that go on behind the URL: 'answers 404 Not Found'. */
export class NoAnswer extends Error {}

/** What is sent, and how long it may take. */
export interface RequestOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Without a byte for so long, the connection is given up. Milliseconds. */
  readonly idle: number;
}

const MOST_REDIRECTS = 10;

/**
 * One GET, followed through redirects: to http and https only, never from https to http, and never from the public network into a
 * private one. Bytes come as they are sent, no coding undone. Throws NoAnswer, or the system's error.
 */
export async function get(url: string, options: RequestOptions): Promise<IncomingMessage> {
  let at = parsed(url);
  let reach: Reach | undefined;
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects += 1) {
    const { response, from } = await once(at, options, reach === 'public');
    reach = reach === 'local' ? 'local' : from;
    const { statusCode = 0, headers } = response;
    if (![301, 302, 303, 307, 308].includes(statusCode) || headers.location === undefined) return response;
    response.destroy();
    const next = parsed(headers.location, at);
    if (at.protocol === 'https:' && next.protocol === 'http:')
      throw new NoAnswer(`redirects from https to ${shown(next)}, which anybody on the way could change`);
    at = next;
  }
  throw new NoAnswer(`redirects more than ${MOST_REDIRECTS} times`);
}

function parsed(text: string, base?: URL): URL {
  let url: URL;
  try {
    url = new URL(text, base);
  } catch {
    throw new NoAnswer(base ? `redirects to '${text.slice(0, 200)}', which is no address` : 'is no address');
  }
  const is = base ? 'redirects to' : 'is';
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new NoAnswer(`${is} ${url.protocol}…; finn fetches from http and https`);
  if (url.username !== '' || url.password !== '') throw new NoAnswer(`${is} an address with a user name in it`);
  return url;
}

/** A URL for messages, without what may be a secret. */
const shown = ({ origin, pathname }: URL): string => `${origin}${pathname}`.slice(0, 200);

function once(
  url: URL,
  { headers, signal, idle }: RequestOptions,
  fromPublic: boolean,
): Promise<{ response: IncomingMessage; from: Reach }> {
  return new Promise((resolve, reject) => {
    let from: Reach = 'public';
    const refused = (address: string): NoAnswer | undefined => {
      from = reachOf(address);
      if (from === 'link')
        return new NoAnswer(`is at ${address}, an address of this link alone, where finn fetches nothing`);
      if (from === 'local' && fromPublic)
        return new NoAnswer(
          `redirects from the public network to ${url.host}, which is at ${address}, a private address`,
        );
      return undefined;
    };
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const wrong = isIP(host) ? refused(host) : undefined;
    if (wrong) return void reject(wrong);
    // Asked once and used at once: what is looked at is what is connected to.
    const lookup: LookupFunction = (name, asked, done) =>
      lookUp(name, asked, (problem, address, family) => {
        const all = typeof address === 'string' ? [address] : (address ?? []).map((one) => one.address);
        const bad = problem ?? all.map(refused).find((one) => one !== undefined) ?? null;
        done(bad as NodeJS.ErrnoException | null, address, family);
      });
    const request = (url.protocol === 'https:' ? overHttps : overHttp)(url, {
      headers: { 'accept-encoding': 'identity', 'user-agent': 'finn', ...headers },
      lookup,
      signal,
      // A connection of its own: what a pool would keep open would keep the process.
      agent: false,
    });
    let answered: IncomingMessage | undefined;
    request.setTimeout(idle, () => {
      const words = `sends nothing for ${Math.round(idle / 1000)} s`;
      // What goes wrong behind the answer's head is for its reader to hear, who may try again.
      if (answered) answered.destroy(new Error(words));
      else request.destroy(new NoAnswer(words));
    });
    request.on('error', (cause) => (answered ? answered.destroy(cause) : reject(cause)));
    request.once('response', (response) => {
      answered = response;
      resolve({ response, from });
    });
    request.end();
  });
}

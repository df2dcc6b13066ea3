import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { FinnError, fail, type Location } from '../../diagnostics/diagnostic.ts';
import { writing } from '../../engine/objects.ts';
import { writeAtomically } from '../../util/files.ts';
import { contentHash } from '../../util/hash.ts';
import { Part } from './part.ts';
import { get, NoAnswer } from './request.ts';

/** Bounds of a download. */
export interface DownloadLimits {
  readonly bytes: number;
  /** Milliseconds without a byte. */
  readonly idle: number;
  /** Milliseconds in all. */
  readonly total: number;
  /** How often a connection may break off. */
  readonly attempts: number;
}

/** 2 GB, a minute without a byte, six hours in all. */
export const downloadLimits: DownloadLimits = { bytes: 2 ** 31, idle: 60_000, total: 6 * 3600_000, attempts: 4 };

export interface DownloadOptions {
  /** Where downloads lie by their sha256, and parts of them that a later attempt goes on from. */
  readonly folder: string;
  readonly sha256?: string | undefined;
  /** Where the recipe names the URL. */
  readonly at: Location;
  readonly signal: AbortSignal;
  note(text: string): void;
  readonly limits?: DownloadLimits;
}

const hint = 'put the file into a folder that `mirrors` of finn.config.yaml names; it is found there by its sha256';

/**
 * What a URL gives, kept in the folder under its sha256. Where the server can go on (it names the version by an ETag) a
 * part is kept, which the next attempt goes on from; that of another process only where the sha256 is known. Fails with model/fetch,
 * model/hash or cache/write.
 */
export async function download(url: string, options: DownloadOptions): Promise<Uint8Array> {
  const { folder, at, signal, limits = downloadLimits } = options;
  const ends = AbortSignal.any([signal, AbortSignal.timeout(limits.total)]);
  const part = await Part.of(url, folder, options.sha256 !== undefined);
  try {
    const bytes = await whole(part, url, { ...options, signal: ends }, limits);
    const path = join(folder, contentHash(bytes));
    writing(path, () => writeAtomically(path, bytes));
    await part.remove();
    return bytes;
  } catch (cause) {
    await part.leave();
    signal.throwIfAborted();
    if (cause instanceof FinnError) throw cause;
    if (ends.aborted) fail('model/fetch', `${url} is not there after ${limits.total / 1000} s`, { at, hint });
    if (cause instanceof NoAnswer) fail('model/fetch', `${url} ${cause.message}`, { at, hint });
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === undefined) throw cause;
    return fail('model/fetch', `cannot fetch ${url}: ${message || code}`, { at, hint });
  }
}

/** The bytes that are meant; begun anew where what an earlier process left proves to be wrong. */
async function whole(part: Part, url: string, options: DownloadOptions, limits: DownloadLimits): Promise<Uint8Array> {
  for (let resumed = part.size > 0; ; resumed = false) {
    const coding = await fill(part, url, options, limits);
    const bytes = meant(await part.read(), coding, url, options.sha256, limits);
    const found = contentHash(bytes);
    if (options.sha256 === undefined || found === options.sha256) return bytes;
    await part.remove();
    if (!resumed)
      fail('model/hash', `${url} has sha256 ${found}, not ${options.sha256}`, {
        at: options.at,
        hint: 'the file has changed, or the recipe means another one',
      });
  }
}

/** Fetches what the part lacks; gives the coding that the server put around it. */
async function fill(
  part: Part,
  url: string,
  { signal, note }: DownloadOptions,
  limits: DownloadLimits,
): Promise<string | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    const before = part.size;
    if (before > 0) note(`going on with ${url} behind ${before} bytes`);
    const response = await get(url, { headers: part.range(), signal, idle: limits.idle });
    try {
      if (response.statusCode === 416 && before > 0) {
        // What is kept is no part of what is there now.
        await part.remove();
        continue;
      }
      if (response.statusCode !== 206 || before === 0) await begin(part, response, limits);
      else goesOn(response, before);
      for await (const chunk of response as AsyncIterable<Uint8Array>) {
        if (part.size + chunk.length > limits.bytes) throw tooLarge(limits);
        await part.add(chunk);
      }
      if (!response.complete) throw new Broken(`broke off after ${part.size} bytes`);
      return response.headers['content-encoding']?.toLowerCase();
    } catch (cause) {
      signal.throwIfAborted();
      if (cause instanceof FinnError || (cause instanceof NoAnswer && !(cause instanceof Broken))) throw cause;
      if (!part.resumable || part.size <= before || attempt >= limits.attempts)
        throw cause instanceof Broken
          ? cause
          : new Broken(`broke off after ${part.size} bytes: ${(cause as Error).message}`);
    } finally {
      response.destroy();
    }
  }
}

/** What another attempt may mend. */
class Broken extends NoAnswer {}

const tooLarge = ({ bytes }: DownloadLimits): NoAnswer =>
  new NoAnswer(`has more than ${bytes === 2 ** 31 ? '2 GB' : `${bytes} bytes`}`);

async function begin(part: Part, response: IncomingMessage, limits: DownloadLimits): Promise<void> {
  const { statusCode = 0, statusMessage = '', headers } = response;
  if (statusCode !== 200) throw new NoAnswer(`answers ${statusCode} ${statusMessage}`.trimEnd());
  if (Number(headers['content-length'] ?? 0) > limits.bytes) throw tooLarge(limits);
  const etag = headers.etag;
  const plain = headers['content-encoding'] === undefined && headers['accept-ranges'] === 'bytes';
  // A weak ETag (W/"…") promises the same meaning, not the same bytes.
  await part.begin(plain && etag?.startsWith('"') ? etag : undefined);
}

/** Does the answer begin where the part ends? */
function goesOn({ headers }: IncomingMessage, from: number): void {
  const range = headers['content-range'] ?? '';
  if (headers['content-encoding'] === undefined && Number(/^bytes (\d+)-/.exec(range)?.[1]) === from) return;
  throw new NoAnswer(`answers with another part (${range.slice(0, 60)}) than it was asked for`);
}

/**
 * The bytes on the wire, or what they unpack to where a server puts gzip around a file unasked. Some servers say so of files that are
 * gzip themselves, and mean those: the hash decides where it is known, else the name.
 */
function meant(
  raw: Uint8Array,
  coding: string | undefined,
  url: string,
  hash: string | undefined,
  limits: DownloadLimits,
): Uint8Array {
  if (coding === undefined || coding === 'identity' || contentHash(raw) === hash) return raw;
  if (coding !== 'gzip' && coding !== 'x-gzip')
    throw new NoAnswer(`answers in the coding '${coding.slice(0, 40)}', which it was not asked for`);
  if (hash === undefined && /\.t?gz$/i.test(new URL(url).pathname)) return raw;
  try {
    const { buffer, byteOffset, byteLength } = gunzipSync(raw, { maxOutputLength: limits.bytes });
    return new Uint8Array(buffer, byteOffset, byteLength);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(limits);
    throw new NoAnswer(`says that it is gzip, but it is not: ${(cause as Error).message}`);
  }
}

import { error } from '../diagnostics/diagnostic.ts';
import { render } from '../diagnostics/render.ts';
import { type Fault, type Finding, verifyStore } from '../engine/verify-store.ts';
import { cacheOf } from './cache-folder.ts';
import type { Io } from './session.ts';
import { bytesText, plural } from './table.ts';

export interface CacheVerifyOptions {
  readonly repair?: boolean | undefined;
  readonly json?: boolean | undefined;
}

const what: Readonly<Record<Fault, string>> = {
  damaged: 'is not what its name or its checksum says',
  truncated: 'is cut off',
  incomplete: 'names contents that are not there',
  unreadable: 'cannot be read',
  leftover: 'was left by a process that was killed',
  foreign: 'is not of finn, and is left alone',
};

/**
 * `finn cache verify`: reads all of the cache. 0 where everything is whole (files that are not finn's are told of and do
 * no harm), or was not and is removed; 1 where something is wrong and stays.
 */
export async function cacheVerify(
  recipe: string | undefined,
  { repair = false, json }: CacheVerifyOptions,
  io: Io,
): Promise<number> {
  const { path } = cacheOf(recipe);
  const { findings, ...read } = verifyStore(path, repair);
  const wrong = findings.filter(({ fault }) => fault !== 'foreign');
  const left = wrong.filter(({ removed }) => !removed);
  if (json) io.out(JSON.stringify({ path, ...read, findings }));
  else {
    for (const finding of findings) io.out(lineOf(finding));
    const { objects, records, downloads, bytes } = read;
    io.out(
      `read ${plural(objects, 'object')}, ${plural(records, 'record')} and ${plural(downloads, 'download')} (${bytesText(bytes)}) in ${path}: ` +
        `${wrong.length === 0 ? 'all whole' : `${wrong.length} not as they should be`}${wrong.length > left.length ? ', removed' : ''}`,
    );
  }
  if (left.length === 0) return 0;
  io.err(
    render(
      error('cache/corrupt', `${plural(left.length, 'file')} of the cache cannot be used`, {
        hint: '`finn cache verify --repair` removes what is damaged; the next build makes it again',
      }),
      { color: io.color },
    ),
  );
  return 1;
}

const lineOf = ({ path, fault, removed }: Finding): string => `${path} ${what[fault]}${removed ? '; removed' : ''}`;

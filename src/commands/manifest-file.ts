import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fail } from '../diagnostics/diagnostic.ts';
import { staysBelow } from '../util/files.ts';
import type { Manifest } from './manifest.ts';

/** A build.json that was read, and the folder that it lies in. */
export interface ManifestFile {
  readonly folder: string;
  readonly manifest: Manifest;
}

const hint = 'give the folder of a build, such as build/digits/icebreaker, or its build.json';

/** The manifest of a build, by its folder or the path of its build.json. FinnError 'build/malformed', 'cli/file'. */
export function readManifest(given: string): ManifestFile {
  const path = existsSync(given) && statSync(given).isDirectory() ? join(given, 'build.json') : given;
  if (!existsSync(path)) fail('cli/file', `${path}: there is no such file`, { hint });
  // A pipe would be waited for.
  if (!statSync(path).isFile()) fail('build/malformed', `${path} is no build.json of finn: it is no file`, { hint });
  let read: unknown;
  try {
    read = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    return fail('build/malformed', `${path} is no build.json of finn: ${(cause as Error).message}`, { hint });
  }
  const format = isRecord(read) ? read['format'] : undefined;
  if (typeof format === 'number' && format !== 2)
    fail('build/malformed', `${path} has format ${format}; this finn reads format 2`, {
      hint: format < 2 ? 'build again' : 'use the finn that made it, or a later one',
    });
  const wrong = problemOf(read);
  if (wrong !== undefined) fail('build/malformed', `${path} is no build.json of finn: ${wrong}`, { hint });
  return { folder: dirname(path), manifest: read as Manifest };
}

type Test = (value: unknown) => boolean;
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText: Test = (value) => typeof value === 'string';
const isHash: Test = (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
const recordOf =
  (test: Test): Test =>
  (value) =>
    isRecord(value) && Object.values(value).every(test);
const shaped =
  (shape: Readonly<Record<string, Test>>): Test =>
  (value) =>
    isRecord(value) && Object.entries(shape).every(([key, test]) => test(value[key]));
const listOf =
  (test: Test): Test =>
  (value) =>
    Array.isArray(value) && value.every(test);

const isFile = shaped({ sha256: isHash, size: (size) => Number.isSafeInteger(size) && (size as number) >= 0 });
const parts: Readonly<Record<string, Test>> = {
  finn: shaped({ version: isText, code: isText }),
  recipe: isText,
  build: isText,
  network: isText,
  folding: isText,
  target: shaped({ name: isText, board: isText, part: isText, clock_mhz: isText }),
  outputs: listOf(isText),
  recipe_files: recordOf(isHash),
  model: recordOf(isText),
  inputs: recordOf(isHash),
  tools: recordOf(recordOf(isText)),
  plugins: recordOf(isText),
  steps: recordOf(shaped({ key: isHash, makes: recordOf(isHash) })),
  verdicts: listOf(shaped({ stage: isText })),
  expect: listOf(shaped({ metric: isText, wanted: isText })),
  files: (files) => recordOf(isFile)(files) && Object.keys(files as object).every(staysBelow),
};

/** What of it is not as it should be; undefined where all is. */
function problemOf(read: unknown): string | undefined {
  if (!isRecord(read)) return 'it is no JSON object';
  if (read['format'] === undefined) return 'it has no `format`';
  if (read['format'] !== 2) return '`format` is no number';
  const bad = Object.keys(parts).find((key) => !parts[key]!(read[key]));
  return bad === undefined ? undefined : read[bad] === undefined ? `it lacks \`${bad}\`` : `\`${bad}\` is malformed`;
}

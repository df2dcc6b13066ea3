import { readFileSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Host, Sources } from './step.ts';

/** Bytes of the largest file that Node reads at once: 2 GB. */
const LARGEST = 2 ** 31;
const SMALL = 1e6;

/** Which files the sources of steps were read from: what is to be watched, and looked at before a build does nothing. */
export class Readings {
  readonly #paths = new Set<string>();
  readonly #contents = new WeakSet<Uint8Array>();
  readonly #opaque = new Set<string>();

  /** As `Host.read`. The file is noted be it there or not. */
  async read(path: string): Promise<Uint8Array> {
    this.#paths.add(resolve(path));
    const { size } = statSync(path);
    if (size > LARGEST) throw Object.assign(new Error(`EFBIG: ${path} has ${size} bytes`), { code: 'EFBIG' });
    // Small ones are read in less time than a promise takes.
    const { buffer, byteOffset, byteLength } = size < SMALL ? readFileSync(path) : await readFile(path);
    const contents = new Uint8Array(buffer, byteOffset, byteLength);
    this.#contents.add(contents);
    return contents;
  }

  /** A step has these sources: do they come from files that were read here? */
  check(step: string, sources: Sources): void {
    if (Object.values(sources).some((contents) => !this.#contents.has(contents))) this.#opaque.add(step);
  }

  /** All files that were asked for, as absolute paths. */
  get paths(): readonly string[] {
    return [...this.#paths];
  }

  /** Names of steps with sources of which nobody knows where they come from. */
  get opaque(): ReadonlySet<string> {
    return this.#opaque;
  }
}

/** A host for `sources` in a plan. */
export const planHost = (signal: AbortSignal, readings = new Readings()): Host => ({
  mode: 'plan',
  signal,
  note: () => {},
  read: (path) => readings.read(path),
});

import { join } from 'node:path';
import { readIfThere, writeAtomically } from '../util/files.ts';

/** How large a store is, as far as that is known without looking at all of it. */
export interface Estimate {
  readonly bytes: number;
  /** How large it was when all of it was looked at last, and nobody could remove more. */
  readonly left: number;
  /** When all of it was looked at last, in ms since 1970; 0 for never. */
  readonly looked: number;
}

/** It is looked at once a day, since processes that write at the same time may miss what the others add. */
const dayMilliseconds = 24 * 3_600_000;
/** Where even that did not bring it below the limit, it is not tried again for so long. */
const pauseMilliseconds = 10 * 60_000;

const pathOf = (folder: string): string => join(folder, 'size.json');

/** The estimate with so many bytes more, which is kept. */
export function addToEstimate(folder: string, bytes: number): Estimate {
  const old = readEstimate(folder);
  const estimate = { ...old, bytes: old.bytes + bytes };
  writeEstimate(folder, estimate);
  return estimate;
}

/** Is it time to look whether the store is above the limit? A clock that was set back is a reason too. */
export function mayBeAbove({ bytes, left, looked }: Estimate, limit: number): boolean {
  const age = Date.now() - looked;
  if (age < 0 || age > dayMilliseconds) return true;
  const inVain = left > limit && bytes < left + limit / 10 && age < pauseMilliseconds;
  return bytes > limit && !inVain;
}

/** Keeps an estimate, as far as possible. */
export function writeEstimate(folder: string, estimate: Estimate): void {
  try {
    writeAtomically(pathOf(folder), `${JSON.stringify(estimate)}\n`);
  } catch {
    // Then it is looked at the next time.
  }
}

function readEstimate(folder: string): Estimate {
  try {
    const read = JSON.parse(new TextDecoder().decode(readIfThere(pathOf(folder)))) as Partial<Estimate>;
    if ([read.bytes, read.left, read.looked].every(Number.isFinite)) return read as Estimate;
  } catch {
    // There is none yet.
  }
  return { bytes: 0, left: 0, looked: 0 };
}

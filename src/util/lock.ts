import { closeSync, openSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeFolder } from './files.ts';
import { isGone, isMark, myMark, type ProcessMark } from './process-mark.ts';

export type Lock =
  | { readonly held: true; release(): void }
  | { readonly held: false; readonly by: ProcessMark | undefined };

/** A lock without a name in it, or a breaker, that is older than this was left by a crash in the instant it is made. */
const crashMilliseconds = 10_000;
/** How often a holder touches its lock, and how long one of another machine may be left untouched. */
const beatMilliseconds = 30_000;
const silentMilliseconds = 5 * 60_000;

/**
 * Tries to take the lock that is the file `path`: made exclusively, with the mark of this process in it. A lock whose
 * process is gone is broken. Does not wait. Throws the system's error where the file cannot be written.
 */
export function tryLock(path: string): Lock {
  makeFolder(dirname(path));
  for (let attempt = 0; attempt < 3; attempt += 1) {
    if (create(path)) return { held: true, release: () => release(path) };
    if (!breakIf(path, () => isStale(path))) break;
  }
  return { held: false, by: holderOf(path) };
}

/**
 * Takes the lock, and waits for it as long as it takes. A holder on another machine that does not touch its lock for
 * five minutes is taken for gone: measured here, so that clocks of machines do not matter. Rejects with the signal's
 * reason when that aborts, with the system's error where the file cannot be written.
 */
export async function waitForLock(path: string, signal?: AbortSignal): Promise<() => void> {
  let seen: { readonly state: string; readonly since: number } | undefined;
  for (let pause = 20; ; pause = Math.min(500, pause * 1.5)) {
    signal?.throwIfAborted();
    const lock = tryLock(path);
    if (lock.held) {
      const beat = setInterval(() => touch(path), beatMilliseconds);
      beat.unref();
      return () => {
        clearInterval(beat);
        lock.release();
      };
    }
    const state = stateOf(path);
    if (seen?.state !== state) seen = { state, since: performance.now() };
    else if (performance.now() - seen.since > silentMilliseconds) breakIf(path, () => stateOf(path) === state);
    await sleep(pause, signal);
  }
}

/**
 * As `tryLock`; breaks too what a process of another machine has, if the file `seen` says that it has not been touched for
 * so long. Whoever does not get it writes that file: all times are of the file system's one clock.
 */
export function tryLockOfSilent(path: string, seen: string, silent: number): Lock {
  const lock = tryLock(path);
  if (lock.held) {
    rmSync(seen, { force: true });
    return lock;
  }
  const state = stateOf(path);
  const noted = statSync(seen, { throwIfNoEntry: false })?.mtimeMs;
  if (noted === undefined || readFileSync(seen, 'utf8') !== state) {
    writeFileSync(seen, state);
    return lock;
  }
  const probe = `${seen}.now`;
  writeFileSync(probe, '');
  const now = statSync(probe).mtimeMs;
  rmSync(probe, { force: true });
  if (now - noted < silent || !breakIf(path, () => stateOf(path) === state)) return lock;
  rmSync(seen, { force: true });
  return tryLock(path);
}

function create(path: string): boolean {
  let file: number;
  try {
    file = openSync(path, 'wx');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  try {
    writeSync(file, myMark());
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
  return true;
}

/** Only its own: one that was taken for gone and comes back does not end another's lock. */
function release(path: string): void {
  if (holderOf(path) === myMark()) rmSync(path, { force: true });
}

/**
 * Removes the lock if `stale` says so; true if another attempt is worth while. Judged and removed under a second lock,
 * so that two processes cannot both find it stale and the slower remove the quicker's new one.
 */
function breakIf(path: string, stale: () => boolean): boolean {
  const breaker = `${path}.break`;
  if (!create(breaker)) {
    if (!isOld(breaker)) return false;
    rmSync(breaker, { force: true });
    return true;
  }
  try {
    if (!stale()) return false;
    rmSync(path, { force: true });
    return true;
  } finally {
    rmSync(breaker, { force: true });
  }
}

function isStale(path: string): boolean {
  const holder = holderOf(path);
  // Made an instant ago and not written yet, or written by a process that died between the two.
  return holder === undefined ? isOld(path) : isGone(holder) === true;
}

/** The time of a file that is neither now nor a moment ago, whichever way the clock was set since. */
function isOld(path: string): boolean {
  const time = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  return time !== undefined && Math.abs(Date.now() - time) > crashMilliseconds;
}

const stateOf = (path: string): string => {
  const stat = statSync(path, { throwIfNoEntry: false });
  return `${holderOf(path)} ${stat?.ino} ${stat?.mtimeMs}`;
};

function touch(path: string): void {
  try {
    if (holderOf(path) === myMark()) utimesSync(path, new Date(), new Date());
  } catch {
    // It was broken: then the work is done twice, which is no harm.
  }
}

function holderOf(path: string): ProcessMark | undefined {
  try {
    const text = readFileSync(path, 'utf8');
    return isMark(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      if (signal?.aborted) reject(signal.reason as Error);
      else resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal?.addEventListener('abort', end, { once: true });
  });
}

import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Who holds a lock: a process id, and when that process started where the system tells (ids are used again). */
export interface Holder {
  readonly pid: number;
  readonly started: string | undefined;
}
export type Lock = { readonly held: true; release(): void } | { readonly held: false; readonly by: Holder | undefined };

/** A breaker that is older than this was left by a crash in the instant it breaks a lock. */
const breakerMilliseconds = 10_000;

/**
 * Tries to take the lock that is the file `path`: made exclusively, with this process in it. A lock whose process is
 * gone is broken. Does not wait.
 */
export function tryLock(path: string): Lock {
  mkdirSync(dirname(path), { recursive: true });
  const me: Holder = { pid: process.pid, started: startOf(process.pid) };
  for (let attempt = 0; attempt < 3; attempt += 1) {
    if (create(path, me)) return { held: true, release: () => rmSync(path, { force: true }) };
    if (!breakStale(path, me)) return { held: false, by: holderOf(path) };
  }
  return { held: false, by: holderOf(path) };
}

function create(path: string, holder: Holder): boolean {
  let file: number;
  try {
    file = openSync(path, 'wx');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  writeSync(file, JSON.stringify(holder));
  closeSync(file);
  return true;
}

/**
 * Removes the lock if its holder is gone; true if another attempt is worth while. Judged and removed under a second
 * lock, so that two processes cannot both find it stale and the slower remove the quicker's new one.
 */
function breakStale(path: string, me: Holder): boolean {
  const breaker = `${path}.break`;
  if (!create(breaker, me)) {
    const age = Date.now() - (statSync(breaker, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > breakerMilliseconds) rmSync(breaker, { force: true });
    return age > breakerMilliseconds;
  }
  try {
    if (isAlive(path)) return false;
    rmSync(path, { force: true });
    return true;
  } finally {
    rmSync(breaker, { force: true });
  }
}

function isAlive(path: string): boolean {
  const holder = holderOf(path);
  if (!holder) {
    // Made an instant ago and not written yet, or written by a process that died between the two.
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);
    return age < breakerMilliseconds;
  }
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return holder.started === undefined || startOf(holder.pid) === holder.started;
}

function holderOf(path: string): Holder | undefined {
  try {
    const found: unknown = JSON.parse(readFileSync(path, 'utf8'));
    const pid = (found as Partial<Holder> | null)?.pid;
    return Number.isSafeInteger(pid) ? (found as Holder) : undefined;
  } catch {
    return undefined;
  }
}

/** Start time of a process in clock ticks since boot: field 22 of /proc/<pid>/stat; undefined where there is no /proc. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

/** Is the process of this id running? */
export function processIsAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

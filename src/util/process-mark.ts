import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { sha256 } from './hash.ts';

/**
 * A name of a process that no other has, on this machine or on another that shares its file system, at no other time:
 * machine, boot, namespace of process ids, id, time of start. It serves in file names.
 */
export type ProcessMark = string;

const form = 'm[0-9a-f]{8}b[0-9a-f]{8}n[0-9a-f]{8}p\\d+s\\d*';
const parts = /^(m[0-9a-f]{8})(b[0-9a-f]{8})(n[0-9a-f]{8})p(\d+)s(\d*)$/;
const temporary = new RegExp(`\\.(${form})-\\d+\\.tmp$`);

let mine: ProcessMark | undefined;

/** The mark of this process. */
export function myMark(): ProcessMark {
  mine ??= `${place().join('')}p${process.pid}s${startOf(process.pid)?.at ?? ''}`;
  return mine;
}

/**
 * Is the process gone? Of a process of another machine, or of one in another container here, nothing can be known:
 * undefined.
 */
export function isGone(mark: ProcessMark): boolean | undefined {
  const [, machine, boot, namespace, pid, started] = parts.exec(mark) ?? [];
  const [myMachine, myBoot, myNamespace] = place();
  if (machine !== myMachine) return undefined;
  // The machine has been started anew since.
  if (boot !== myBoot) return true;
  if (namespace !== myNamespace) return undefined;
  if (mark === mine) return false;
  if (!processIsAlive(Number(pid))) return true;
  const now = startOf(Number(pid));
  if (started === '' || now === undefined) return false;
  return now.at !== started || now.ended;
}

/** The mark in the name of a file that is being written, such as `x.json.<mark>-3.tmp`; undefined for other files. */
export const writerOf = (path: string): ProcessMark | undefined => temporary.exec(path)?.[1];

/** The id of the process in a mark. */
export const pidOf = (mark: ProcessMark): number => Number(parts.exec(mark)?.[4]);

/** Is it a mark? */
export const isMark = (text: string): boolean => parts.test(text);

/** Is there a process of this id? */
function processIsAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

let found: readonly [machine: string, boot: string, namespace: string] | undefined;

/** Where process ids mean what they mean here. */
function place() {
  const short = (text: string): string => sha256(text).slice(0, 8);
  found ??= [
    `m${short(`${hostname()}\n${textOf(() => readFileSync('/etc/machine-id', 'utf8'))}`)}`,
    `b${short(textOf(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')))}`,
    `n${short(textOf(() => readlinkSync('/proc/self/ns/pid')))}`,
  ];
  return found;
}

function textOf(read: () => string): string {
  try {
    return read();
  } catch {
    // Not every system tells.
    return '';
  }
}

/**
 * Start of a process in clock ticks since boot, field 22 of /proc/<pid>/stat, and whether it has ended and only its
 * parent has not asked yet; undefined where there is no /proc.
 */
function startOf(pid: number): { readonly at: string; readonly ended: boolean } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { at: fields[19] ?? '', ended: /^[ZX]$/.test(fields[0] ?? '') };
  } catch {
    return undefined;
  }
}

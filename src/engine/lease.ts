import { appendFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeFolder, readIfThere, removeFile } from '../util/files.ts';
import { isGone, isMark, myMark, type ProcessMark } from '../util/process-mark.ts';

/** Says which process uses a store, since when, and what of it: what lies in leases/ while it lives. */
export interface Lease {
  /** Its file in leases/. */
  readonly name: string;
  /** Takes it, unless it is taken; `root` is the file of what a build used the last time. */
  take(root?: string): void;
  /** Notes a record that is used. It is told to others with the next write. */
  note(record: string): void;
  /** Something is about to be written: takes the lease and tells what is used. */
  tell(): void;
  /** What was used so far is named by a root now: the lease begins anew. */
  renew(): void;
  end(): void;
}

/** A lease as others see it. */
export interface LeaseRead {
  readonly name: string;
  readonly mark: ProcessMark;
  /** When it began and when it was last written, by the clock of the file system, in ms. */
  readonly born: number;
  readonly written: number;
  readonly roots: readonly string[];
  /** Records that it uses or wrote. */
  readonly records: readonly string[];
}

let leases = 0;
/**
 * Leases of this process: those that nobody ends are ended when it has nothing more to do. One that ends in the midst of its work, by
 * a second Ctrl-C or a defect, leaves them: they tell the next one that there is something to sweep.
 */
const open = new Set<Lease>();
function endAll(): void {
  for (const lease of open) lease.end();
}

/** A lease in a folder, not yet taken. Where nothing can be written there is none, and nothing that it could guard. */
export function leaseIn(folder: string, onTaken: () => void): Lease {
  leases += 1;
  const name = `${myMark()}-${leases}`;
  const path = join(folder, 'leases', name);
  const roots = new Set<string>();
  let untold: string[] = [];
  let taken = false;
  const write = (): void => {
    try {
      makeFolder(dirname(path));
      writeFileSync(path, '');
      const lines = [`born ${statSync(path).mtimeMs}`, ...[...roots].map((root) => `root ${root}`)];
      appendFileSync(path, `${lines.join('\n')}\n`);
    } catch {
      // A cache that cannot be written is used as it is.
    }
  };
  const lease: Lease = {
    name,
    take(root) {
      if (root !== undefined) roots.add(root);
      if (taken && root === undefined) return;
      if (!taken) {
        taken = true;
        if (open.size === 0) process.once('beforeExit', endAll);
        open.add(lease);
        onTaken();
      }
      write();
    },
    note: (record) => void untold.push(record),
    tell() {
      lease.take();
      if (untold.length === 0) return;
      const lines = untold.map((record) => `uses ${record}\n`).join('');
      untold = [];
      try {
        appendFileSync(path, lines);
      } catch {
        // As above.
      }
    },
    renew() {
      untold = [];
      if (taken) write();
    },
    end() {
      open.delete(lease);
      if (open.size === 0) process.off('beforeExit', endAll);
      if (!taken) return;
      taken = false;
      try {
        removeFile(path);
      } catch {
        // The next one that may write removes it.
      }
    },
  };
  return lease;
}

/** All leases of a store, of living processes and of others. */
export function readLeases(folder: string): LeaseRead[] {
  return names(join(folder, 'leases')).flatMap((name): LeaseRead[] => {
    const mark = name.replace(/-\d+$/, '');
    const path = join(folder, 'leases', name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!isMark(mark) || !stat) return [];
    const lines = new TextDecoder().decode(readIfThere(path) ?? new Uint8Array()).split('\n');
    // The last one may be cut off.
    const said = (word: string): string[] =>
      lines.slice(0, -1).flatMap((line) => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []));
    const born = Number(said('born')[0]);
    return [
      {
        name,
        mark,
        born: Number.isFinite(born) ? born : stat.mtimeMs,
        written: stat.mtimeMs,
        roots: said('root'),
        records: said('uses'),
      },
    ];
  });
}

/** How long a lease of another machine lasts after it was last written. */
const otherMachineMilliseconds = 7 * 24 * 3_600_000;

/** Is the process of this lease gone? One of another machine is taken for gone when it has long been silent. */
export function hasEnded({ mark, written }: LeaseRead, now: number): boolean {
  return isGone(mark) ?? Math.abs(now - written) > otherMachineMilliseconds;
}

/** Names of the processes' leases, without a look into them. */
export const leaseNames = (folder: string): string[] => names(join(folder, 'leases'));

function names(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

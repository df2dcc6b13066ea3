import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readLeases } from '../../src/engine/lease.ts';
import { openStore, type Store } from '../../src/engine/store.ts';
import { endOrphans } from '../../src/engine/sweep.ts';
import { removeFile } from '../../src/util/files.ts';
import { myMark } from '../../src/util/process-mark.ts';
import { Rig } from './rig.ts';

let rig: Rig;
const stores: Store[] = [];
const children: ChildProcess[] = [];
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => {
  for (const store of stores.splice(0)) store.close();
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rig.remove();
});

const cache = (): string => join(rig.folder, '.finn');
const open = (): Store => {
  const store = openStore(cache());
  stores.push(store);
  return store;
};
/** The mark of a process of this machine that is gone, one of another machine, and one of this before it was started. */
const gone = (): string => myMark().replace(/p\d+/, `p${spawnSync('true').pid}`);
const elsewhere = (): string => myMark().replace(/^m\w{8}/, 'm00000000');
const earlier = (): string => myMark().replace(/b\w{8}/, 'b00000000');
const reused = (): string => myMark().replace(/s\d+$/, 's1');

/** Everything that the process of this mark may leave. */
function leave(mark: string): string[] {
  const paths = [
    `leases/${mark}-1`,
    `work/scratch-${mark}-1/in/a.v`,
    `work/scratch-${mark}-12/b`,
    `objects/ab/cdef.${mark}-3.tmp`,
    `steps/fold/0123.json.${mark}-4.tmp`,
    `last/fold/net.json.${mark}-5.tmp`,
    `calls/0123.json.${mark}-6.tmp`,
    `builds/0123.txt.${mark}-7.tmp`,
    `roots/0123.txt.${mark}-8.tmp`,
    `downloads/0123.${mark}-9.tmp`,
    `size.json.${mark}-10.tmp`,
    `mirrors.json.${mark}-11.tmp`,
  ];
  for (const path of paths) {
    mkdirSync(dirname(join(cache(), path)), { recursive: true });
    writeFileSync(join(cache(), path), 'x');
  }
  const lock = `work/lock-${mark}`;
  writeFileSync(join(cache(), lock), mark);
  return [...paths, lock];
}
const left = (paths: readonly string[]): string[] => paths.filter((path) => existsSync(join(cache(), path)));

describe('what processes left behind', () => {
  it('goes with the next build, if they are gone: by their end, a new start of the machine, another of their id', () => {
    const paths = [gone(), earlier(), reused()].flatMap(leave);
    const kept = ['work/failed-yosys-1/log', 'work/job-1/script', 'objects/ab/cdef', 'downloads/0123.part'];
    for (const path of kept) {
      mkdirSync(dirname(join(cache(), path)), { recursive: true });
      writeFileSync(join(cache(), path), 'x');
    }
    open().begin('a build');
    expect(left(paths)).toEqual([]);
    expect(left(kept)).toEqual(kept);
  });

  it('stays while they live, and a week if they are of another machine', () => {
    const [mine, others] = [leave(myMark()), leave(elsewhere())];
    open().begin('a build');
    expect(left([...mine, ...others])).toEqual([...mine, ...others]);
    const eightDaysAgo = Date.now() / 1000 - 8 * 24 * 3600;
    for (const path of [...mine, ...others]) utimesSync(join(cache(), path), eightDaysAgo, eightDaysAgo);
    open().begin('a build');
    expect(left(mine)).toEqual(mine);
    // Its lock is broken by who waits for it.
    expect(left(others)).toEqual(others.filter((path) => path.startsWith('work/lock-')));
  });

  it('is not looked for where no lease tells of it', () => {
    const paths = leave(gone());
    removeFile(join(cache(), paths[0]!));
    open().begin('a build');
    expect(left(paths)).toEqual(paths.slice(1));
    leave(gone());
    open().begin('a build');
    expect(left(paths)).toEqual([]);
  });
});

describe('a lease', () => {
  it('says who uses the cache, since when, and what; it ends with the store or the process', () => {
    const store = open();
    expect(readLeases(cache())).toEqual([]);
    store.begin('a build');
    store.records.writeCall('k1', { tool: 't', version: '1', args: [], outputs: {}, log: ['0', 0], seconds: 1 });
    store.records.readCall('k1');
    store.records.readCall('none');
    store.objects.write(Buffer.from('x'));
    const [lease] = readLeases(cache());
    expect(lease).toMatchObject({ mark: myMark(), records: ['calls/k1', 'calls/k1'], roots: [expect.any(String)] });
    store.used('a build', { steps: [['fold', 'k2']], calls: ['k1'] });
    expect(readLeases(cache())[0]).toMatchObject({ records: [], roots: lease!.roots });
    expect(readFileSync(join(cache(), 'roots', lease!.roots[0]!), 'utf8')).toMatch(
      /^\w{64}\ncalls\/k1\nsteps\/fold\/k2\n$/,
    );
    store.close();
    expect(readLeases(cache())).toEqual([]);
  });
});

describe('tools of a finn that is gone', () => {
  const start = (scratch: string, script: string): ChildProcess => {
    const child = spawn('sh', ['-c', script], {
      env: { PATH: process.env['PATH'], FINN_SCRATCH: scratch },
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    children.push(child);
    return child;
  };

  it('end with all that they started, and no others do', async () => {
    const mark = gone();
    const paths = leave(mark);
    const tool = start(join(cache(), `work/scratch-${mark}-1`), '(setsid sleep 300 & echo $!; wait) & wait');
    const other = start(join(cache(), `work/scratch-${myMark()}-1`), 'echo $$; exec sleep 300');
    const grandchild = Number(String((await once(tool.stdout!, 'data'))[0]));
    await once(other.stdout!, 'data');
    const end = once(tool, 'exit');
    open().begin('a build');
    expect(await end).toEqual([null, 'SIGKILL']);
    const state = (pid: number): string => {
      try {
        return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.slice(0, 1);
      } catch {
        return 'gone';
      }
    };
    // Killed, it may need a moment to be gone.
    await vi.waitFor(() => expect(['gone', 'Z', 'X']).toContain(state(grandchild)), { timeout: 10_000 });
    expect(other.exitCode).toBeNull();
    expect(other.signalCode).toBeNull();
    expect(left(paths)).toEqual([]);
  });

  it('are told by the folder alone, however one comes to it', async () => {
    const tool = start('/some/where/else/scratch-1-2', 'echo; sleep 300');
    await once(tool.stdout!, 'data');
    endOrphans([]);
    endOrphans(['/work/scratch-1-3']);
    expect(tool.signalCode).toBeNull();
    const end = once(tool, 'exit');
    endOrphans(['/work/scratch-1-2']);
    expect(await end).toEqual([null, 'SIGKILL']);
  });
});

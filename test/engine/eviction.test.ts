import { existsSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { evict, evictInTurn } from '../../src/engine/gc.ts';
import { type AnyStep, step } from '../../src/engine/step.ts';
import { openStore, type Store } from '../../src/engine/store.ts';
import { listTree, writeAtomically } from '../../src/util/files.ts';
import { tryLock } from '../../src/util/lock.ts';
import { myMark } from '../../src/util/process-mark.ts';
import { Rig, scope, text, tool } from './rig.ts';

let rig: Rig;
let stores: Store[] = [];
beforeEach(() => {
  rig = new Rig();
  stores = [];
});
afterEach(() => {
  for (const store of stores) store.close();
  rig.remove();
});

const made = text('made');
const size = 10_000;
/** A call makes 10 kB that follow from the value, and the step the same bytes and some more. */
const steps = [
  step({
    name: 'make',
    doc: '',
    per: 'net',
    needs: {},
    makes: { made },
    config: (settings: { value: string }) => ({ value: settings.value }),
    tools: () => [tool('fake')],
    async run(_: object, { config, call }) {
      const { out } = await call({
        tool: tool('fake'),
        args: [config.value],
        files: {},
        outputs: { out: 'o' },
        label: config.value,
      });
      return { made: `${new TextDecoder().decode(out)}!` };
    },
  }),
] as AnyStep[];

/** Builds with a value, as a process of its own would: its lease ends with it, unless it is kept. */
async function build(value: string, options: { keep?: boolean; limit?: number } = {}) {
  rig.execute = async (invocation) => ({ outputs: { out: Buffer.from(invocation.args[0]!.repeat(size)) } });
  const store = openStore(cache());
  stores.push(store);
  const engine = rig.engine(steps, { store, place: value, limit: options.limit });
  const net = scope('net', 'n', { value });
  const built = await engine.run(engine.graph([{ scope: net, artifact: made }]), { display: rig.display });
  expect(built.value(net, made)?.value).toBe(`${value.repeat(size)}!`);
  if (!options.keep) store.close();
}

const cache = (): string => join(rig.folder, '.finn');
const hour = 3_600_000;

/** Sets the time of everything in the cache. */
function age(milliseconds: number, only: (path: string) => boolean = () => true): void {
  for (const path of listTree(cache()).filter(only)) {
    const time = statSync(join(cache(), path)).mtimeMs - milliseconds;
    utimesSync(join(cache(), path), time / 1000, time / 1000);
  }
}

/** What runs when these are built again. */
async function missing(...values: string[]): Promise<string[]> {
  const lost: string[] = [];
  rig.take();
  for (const value of values) {
    await build(value);
    if (rig.take().length > 0) lost.push(value);
  }
  return lost;
}

const whole = (): number => evict(cache(), Number.POSITIVE_INFINITY)!.after;

describe('eviction', () => {
  it('removes what builds used longest ago, whatever the files are', async () => {
    for (const value of ['a', 'b', 'c']) {
      await build(value);
      age(hour);
    }
    // Nothing is written by this: only the root of 'a' says that it was used.
    await build('a');
    const { before, after, removed } = evict(cache(), 45_000)!;
    expect(before).toBeGreaterThan(60_000);
    expect(after).toBeLessThanOrEqual(45_000);
    expect(removed).toMatchObject({ steps: { entries: 1 }, calls: { entries: 1 }, objects: { entries: 2 } });
    expect(await missing('a', 'c', 'b')).toEqual(['b']);
  });

  it('goes on in the order of use, and to nothing', async () => {
    for (const value of ['a', 'b']) {
      await build(value);
      age(hour);
    }
    expect(evict(cache(), 0)?.after).toBe(0);
    expect(listTree(cache()).filter((path) => !/^(size\.json|leases)/.test(path))).toEqual([]);
    expect(await missing('a', 'b')).toEqual(['a', 'b']);
  });

  it('takes the record of a step before that of its calls', async () => {
    await build('a');
    const calls = 10_000;
    age(hour);
    const { removed } = evict(cache(), calls + 2000)!;
    expect(removed).toMatchObject({ steps: { entries: 1 }, objects: { entries: 1 } });
    expect(removed).not.toHaveProperty('calls');
    rig.executed.length = 0;
    expect(await missing('a')).toEqual(['a']);
    expect(rig.executed).toEqual([]);
  });

  it('leaves what several name as long as one of them stays', async () => {
    await build('a');
    age(hour);
    const record = (path: string): string => join(cache(), path);
    const path = listTree(cache()).find((one) => one.startsWith('calls/'))!;
    const again = `calls/${'0'.repeat(64)}.json`;
    writeAtomically(record(again), readFileSync(record(path)));
    utimesSync(record(again), 1, 1);
    evict(cache(), whole() - 1);
    expect(existsSync(record(again))).toBe(false);
    expect(await missing('a')).toEqual([]);
  });

  it('removes what no record names, and nothing else, while there is room', async () => {
    await build('a');
    age(hour);
    const before = listTree(cache()).filter((path) => path !== 'size.json');
    const store = openStore(cache());
    store.objects.write(Buffer.from('nobody names this'));
    store.close();
    const { removed } = evict(cache(), 1e9)!;
    expect(removed).toEqual({ objects: { entries: 1, bytes: 17 } });
    expect(listTree(cache()).filter((path) => path !== 'size.json')).toEqual(before);
  });

  it('removes folders of failed calls, and those of jobs not for a week', async () => {
    const store = openStore(cache());
    const week = 7 * 24 * hour;
    for (const name of ['failed-x-1', 'job-1', 'failed-x-2', 'job-2', 'job-3']) {
      mkdirSync(join(cache(), 'work', name), { recursive: true });
      writeFileSync(join(cache(), 'work', name, 'log'), 'x'.repeat(100));
    }
    for (const name of ['failed-x-2', 'job-2']) {
      const old = (Date.now() - week - hour) / 1000;
      for (const path of ['', 'log']) utimesSync(join(cache(), 'work', name, path), old, old);
    }
    // An old folder into which a job still writes.
    utimesSync(join(cache(), 'work/job-3'), 1, 1);
    store.close();
    expect(evict(cache(), 1e9)?.removed).toEqual({ work: { entries: 2, bytes: 200 } });
    expect(evict(cache(), 0)).toMatchObject({ removed: { work: { entries: 1, bytes: 100 } }, after: 200 });
    for (const name of ['job-1', 'job-3']) expect(existsSync(join(cache(), 'work', name, 'log'))).toBe(true);
  });

  it('spares what a living process wrote or used, even one of another machine', async () => {
    await build('a');
    age(hour);
    await build('b', { keep: true });
    expect(evict(cache(), 0)!.after).toBeGreaterThan(20_000);
    expect(await missing('b', 'a')).toEqual(['a']);
    for (const store of stores) store.close();
    // 'a' is what a process of another machine uses: it found the record and then wrote something.
    age(hour);
    const record = listTree(join(cache(), 'steps')).find((path) =>
      readFileSync(join(cache(), 'steps', path), 'utf8').includes('"a"'),
    )!;
    const lease = join(cache(), 'leases', `${myMark().replace(/^m\w{8}/, 'm00000000')}-1`);
    mkdirSync(dirname(lease), { recursive: true });
    writeFileSync(lease, `born ${Date.now()}\nuses steps/${record.replace('.json', '')}\nuses ste`);
    evict(cache(), 0);
    expect(await missing('a')).toEqual([]);
    // It was silent for more than a week.
    for (const store of stores) store.close();
    age(8 * 24 * hour);
    expect(evict(cache(), 0)!.after).toBe(0);
    expect(existsSync(lease)).toBe(false);
  });

  it('spares what is written again while it works', async () => {
    await build('a');
    age(hour);
    // Between the look at everything and the removal of an object another process stores the same content again.
    const store = openStore(cache());
    const path = listTree(join(cache(), 'objects'))[0]!;
    const bytes = readFileSync(join(cache(), 'objects', path));
    store.objects.write(bytes);
    expect(evict(cache(), 0)!.after).toBe(bytes.length);
    store.close();
  });

  it('copes with times in the future and a clock that was set back', async () => {
    await build('a');
    age(-10 * hour);
    await build('b');
    const [objects] = listTree(join(cache(), 'objects'));
    evict(cache(), whole());
    expect(statSync(join(cache(), 'objects', objects!)).mtimeMs).toBeLessThan(Date.now() + 2000);
    expect(evict(cache(), 0)!.after).toBe(0);
    expect(await missing('a', 'b')).toEqual(['a', 'b']);
    // Freshness is no matter of time.
    age(-1000 * hour, (path) => path.startsWith('steps'));
    age(1000 * hour, (path) => path.startsWith('objects'));
    expect(await missing('a', 'b')).toEqual([]);
  });

  it('comes at the end of a build that wrote, and spares what that used', async () => {
    await build('a');
    age(hour);
    await build('b', { limit: 30_000 });
    expect(rig.events.flatMap((event) => (event.type === 'diagnostic' ? [event.diagnostic.code] : []))).toEqual([
      'cache/evicted',
    ]);
    expect(await missing('b', 'a')).toEqual(['a']);
    // Larger than all that is allowed: what a build uses itself stays.
    await build('c', { limit: 1 });
    expect(await missing('c')).toEqual([]);
  });

  it('is not tried by builds that wrote nothing, nor while the cache is known to be small', async () => {
    await build('a', { limit: 1e9 });
    const estimate = (): string => readFileSync(join(cache(), 'size.json'), 'utf8');
    const before = estimate();
    await build('a', { limit: 1 });
    expect(estimate()).toBe(before);
    await build('b', { limit: 1e9 });
    expect(JSON.parse(estimate())).toMatchObject({ looked: JSON.parse(before).looked });
    expect(JSON.parse(estimate()).bytes).toBeGreaterThan(JSON.parse(before).bytes + 20_000);
  });

  it('is left to the process that does it already; or is done after it', async () => {
    await build('a');
    age(hour);
    const lock = tryLock(join(cache(), 'work/lock-gc'));
    expect(evict(cache(), 0)).toBeUndefined();
    const after = evictInTurn(cache(), 0, new AbortController().signal);
    if (lock.held) lock.release();
    expect(await after).toMatchObject({ after: 0 });
  });

  it('while builds run: what they lose they make again', async () => {
    await Promise.all([
      ...['a', 'b', 'c', 'd'].map((value) => build(value)),
      (async () => {
        for (let i = 0; i < 20; i += 1) {
          await new Promise((resolve) => setImmediate(resolve));
          if (existsSync(cache())) evict(cache(), 0);
        }
      })(),
    ]);
  });
});

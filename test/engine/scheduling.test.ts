import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AnyStep, Scope } from '../../src/engine/step.ts';
import { step } from '../../src/engine/step.ts';
import { held, Rig, scope, text, tool } from './rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.remove());

const net: Scope = scope('net', 'n');

interface Shape {
  readonly name: string;
  readonly reads?: readonly string[];
  readonly cost?: { readonly threads: number; readonly memory: number };
}

/** Steps that wait for `work` and make a text of what they read. */
function steps(shapes: readonly Shape[], work: (name: string, signal: AbortSignal) => Promise<void>): AnyStep[] {
  const artifacts = new Map(shapes.map(({ name }) => [name, text(name)]));
  return shapes.map(
    ({ name, reads = [], cost }) =>
      step({
        name,
        doc: '',
        per: 'net',
        needs: Object.fromEntries(reads.map((read) => [read, artifacts.get(read)!])),
        makes: { out: artifacts.get(name)! },
        config: () => ({}),
        ...(cost && { cost: () => cost }),
        async run(inputs: Readonly<Record<string, string>>, { signal }) {
          await work(name, signal);
          return { out: `${name}(${reads.map((read) => inputs[read]).join()})` };
        },
      }) as AnyStep,
  );
}

const build = (list: readonly AnyStep[], options: Parameters<ReturnType<Rig['engine']>['run']>[1] = {}) => {
  const engine = rig.engine(list);
  return engine.run(engine.graph(list.map(({ name }) => ({ scope: net, step: name }))), {
    display: rig.display,
    ...options,
  });
};

/** What a clock that only waiting moves says; tasks wait on it for given seconds. */
class VirtualTime {
  now = 0;
  readonly #sleeping: { readonly at: number; readonly wake: () => void }[] = [];
  #idle = 0;

  sleep(seconds: number): Promise<void> {
    return new Promise((wake) => {
      this.#sleeping.push({ at: this.now + seconds, wake });
      this.#sleeping.sort((a, b) => a.at - b.at);
    });
  }

  /** Moves on to the next who sleeps whenever nothing else has been going on for a few turns of the event loop. */
  async run(over: Promise<unknown>): Promise<void> {
    let ended = false;
    void over.finally(() => {
      ended = true;
    });
    while (!ended) {
      await new Promise(setImmediate);
      this.#idle += 1;
      if (this.#idle < 20) continue;
      this.#idle = 0;
      const first = this.#sleeping.shift();
      if (!first) continue;
      this.now = first.at;
      first.wake();
    }
  }
}

describe('what runs at once', () => {
  /** The most threads and MB that were in use at the same time. */
  async function most(shapes: readonly Shape[]): Promise<{ threads: number; memory: number }> {
    const time = new VirtualTime();
    const costs = new Map(shapes.map(({ name, cost }) => [name, cost ?? { threads: 1, memory: 200 }]));
    const running = new Set<string>();
    const peak = { threads: 0, memory: 0 };
    const built = build(
      steps(shapes, async (name) => {
        running.add(name);
        const sum = (key: 'threads' | 'memory'): number =>
          [...running].reduce((total, one) => total + costs.get(one)![key], 0);
        peak.threads = Math.max(peak.threads, sum('threads'));
        peak.memory = Math.max(peak.memory, sum('memory'));
        await time.sleep(1);
        running.delete(name);
      }),
    );
    await time.run(built);
    expect((await built).ok).toBe(true);
    return peak;
  }

  it('fits into the memory: 1000 MB, of which each takes 400', async () => {
    rig.jobs = 8;
    const shapes = Array.from({ length: 6 }, (_, i) => ({ name: `s${i}`, cost: { threads: 1, memory: 400 } }));
    expect(await most(shapes)).toEqual({ threads: 2, memory: 800 });
  });

  it('fits into the threads, and what wants more than there are gets all', async () => {
    rig.jobs = 3;
    const shapes = [4, 2, 1, 1, 1].map((threads, i) => ({ name: `s${i}`, cost: { threads, memory: 1 } }));
    const { threads } = await most(shapes);
    // The step that asks for 4 runs alone, on the 3 there are.
    expect(threads).toBe(4);
    const others = await most(shapes.slice(1).map((shape) => ({ ...shape, name: `t${shape.name}` })));
    expect(others.threads).toBe(3);
  });
});

it('the longest way by earlier times goes first, and the schedule is as short as it can be', async () => {
  // 12 layers of 10 s and one chain of 3 × 30 s: on 2 jobs 105 s at best, 180 s where the chain comes last.
  const shapes: Shape[] = [
    ...Array.from({ length: 12 }, (_, i) => ({ name: `layer${i}` })),
    { name: 'x' },
    { name: 'y', reads: ['x'] },
    { name: 'z', reads: ['y'] },
  ];
  const seconds = (name: string): number => (name.startsWith('layer') ? 10 : 30);
  rig.jobs = 2;
  const go = async (code: string): Promise<number> => {
    const time = new VirtualTime();
    rig.finn = code;
    const built = build(steps(shapes, (name) => time.sleep(seconds(name))));
    await time.run(built);
    expect((await built).ok).toBe(true);
    return time.now;
  };
  await go('first');
  // What is known of earlier runs is in real seconds; the rig's steps took none: say what they took.
  const store = rig.store;
  for (const { name } of shapes) {
    const id = { step: name, scope: ['n'] };
    const last = store.records.readLast(id)!;
    store.records.writeLast(id, { ...last, seconds: seconds(name) });
  }
  rig.take();
  expect(await go('second')).toBe(110);
});

it('N equal layers take 1/N of the time on N jobs, and give the same bytes', async () => {
  const shapes: Shape[] = [
    ...Array.from({ length: 24 }, (_, i) => ({ name: `layer${i}`, cost: { threads: 1, memory: 10 } })),
    { name: 'stitch', reads: Array.from({ length: 24 }, (_, i) => `layer${i}`) },
  ];
  const times: number[] = [];
  const results = new Set<string>();
  for (const jobs of [1, 2, 4, 8]) {
    const time = new VirtualTime();
    rig.remove();
    rig = new Rig();
    rig.jobs = jobs;
    const list = steps(shapes, (name) => time.sleep(name === 'stitch' ? 1 : 10));
    const built = build(list);
    await time.run(built);
    times.push(time.now);
    const stitch = list.at(-1)!.makes as { out: ReturnType<typeof text> };
    results.add((await built).hash(net, stitch.out)!);
  }
  expect(times).toEqual([241, 121, 61, 31]);
  expect(results.size).toBe(1);
});

describe('failures that are remembered', () => {
  it('are told again and not tried again, until an input changes', async () => {
    let broken = true;
    let tried = 0;
    const list = (setting: string): AnyStep[] => {
      const [first, second] = steps([{ name: 'a' }, { name: 'b', reads: ['a'] }], async (name) => {
        if (name !== 'a') return;
        tried += 1;
        if (broken) throw new Error('no luck');
      }) as [AnyStep, AnyStep];
      return [{ ...first, config: () => ({ setting }) }, second];
    };
    const failures = new Map();
    const first = await build(list('1'), { failures });
    expect(first.ok).toBe(false);
    const again = await build(list('1'), { failures });
    expect(tried).toBe(1);
    expect(again.outcomes.map(({ how }) => how)).toEqual(['failed', 'skipped']);
    expect(again.outcomes[0]?.diagnostics).toEqual(first.outcomes[0]?.diagnostics);
    broken = false;
    expect((await build(list('2'), { failures })).ok).toBe(true);
    expect(tried).toBe(2);
    // Without the memory it is tried again.
    expect((await build(list('1'))).ok).toBe(true);
  });

  it('do not hold what was interrupted', async () => {
    const abort = new AbortController();
    const failures = new Map();
    const list = steps([{ name: 'a' }], async (_, signal) => {
      abort.abort(new Error('stop'));
      signal.throwIfAborted();
    });
    expect((await build(list, { failures, signal: abort.signal })).interrupted).toBe(true);
    expect(failures.size).toBe(0);
  });
});

describe('a tool that hangs', () => {
  it('is ended at its limit; the message has what it said last, and its folder is kept', async () => {
    const yosys = tool('yosys');
    const ended = held();
    rig.execute = (_invocation, _directory, signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          ended.release();
          reject(signal.reason as Error);
        });
      });
    rig.timeLimit = (name) => (name === 'synthesize' ? 0.05 : undefined);
    rig.says = 'reading a.v';
    const synthesize = step({
      name: 'synthesize',
      doc: '',
      per: 'net',
      needs: {},
      makes: { netlist: text('netlist') },
      config: () => ({}),
      tools: () => [yosys],
      async run(_, { call }) {
        await call({
          tool: yosys,
          args: [],
          files: { 'a.v': 'module a;' },
          outputs: { o: 'o' },
          label: 'synthesis of a',
        });
        return { netlist: '' };
      },
    }) as AnyStep;
    const built = await build([synthesize]);
    await ended.promise;
    expect(built).toMatchObject({ ok: false, interrupted: false });
    const [diagnostic] = built.outcomes[0]!.diagnostics;
    expect(diagnostic).toMatchObject({ code: 'tool/time-limit' });
    expect(diagnostic?.message).toBe(
      'yosys was ended after 0.05 s, its limit (synthesis of a); its last lines were:\nreading a.v',
    );
    expect(diagnostic?.hint).toMatch(
      /`time_limits` of the recipe or of finn\.config\.yaml .* kept in \.finn\/work\/failed-yosys-/,
    );
  });
});

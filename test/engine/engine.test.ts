import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FinnError, warning } from '../../src/diagnostics/diagnostic.ts';
import { each, item } from '../../src/engine/artifact.ts';
import { explain } from '../../src/engine/explain.ts';
import { type AnyStep, step, unknownUntilRun } from '../../src/engine/step.ts';
import { listTree } from '../../src/util/files.ts';
import { myMark } from '../../src/util/process-mark.ts';
import { held, Rig, type Settings, scope, text, texts } from './rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.remove());

const source = text('source');
const middle = text('middle');
const result = text('result');
const layers = texts('layers', 'layer');
const netlist = text('netlist');
const top = text('top');

const setting = (name: string) => (settings: Settings) => ({ [name]: settings[name] ?? '' });

/** source → middle (first letter only) → result. */
const column: AnyStep[] = [
  step({
    name: 'read',
    doc: '',
    per: 'net',
    needs: {},
    makes: { source },
    config: setting('text'),
    run: async (_, { config }) => ({ source: String(config['text']) }),
  }),
  step({
    name: 'cut',
    doc: '',
    per: 'net',
    needs: { source },
    makes: { middle },
    config: setting('suffix'),
    run: async ({ source }, { config }) => ({ middle: source.slice(0, 1) + config['suffix'] }),
  }),
  step({
    name: 'finish',
    doc: '',
    per: 'build',
    needs: { middle },
    makes: { result },
    config: setting('end'),
    run: async ({ middle }, { config }) => ({ result: `${middle}${config['end']}` }),
  }),
];

/** fold makes layers 'a=1 b=2'; each layer is synthesised; top joins them. */
const layered: AnyStep[] = [
  step({
    name: 'fold',
    doc: '',
    per: 'build',
    needs: {},
    makes: { layers },
    config: setting('layers'),
    run: async (_, { config }) => ({
      layers: new Map(
        String(config['layers'])
          .split(' ')
          .map((one) => one.split('=') as [string, string]),
      ),
    }),
  }),
  step({
    name: 'synthesize',
    doc: '',
    per: 'layer',
    needs: { layer: item(layers) },
    makes: { netlist },
    config: () => ({}),
    run: async ({ layer }) => ({ netlist: `<${layer}>` }),
  }),
  step({
    name: 'stitch',
    doc: '',
    per: 'build',
    needs: { netlists: each(netlist) },
    makes: { top },
    config: () => ({}),
    run: async ({ netlists }) => ({ top: [...netlists].map(([key, value]) => `${key}${value}`).join(',') }),
  }),
];

async function build(steps: AnyStep[], settings: Settings, options: object = {}) {
  const net = scope('net', 'n', settings);
  const at = scope('build', 'b', settings, net);
  const engine = rig.engine(steps);
  const graph = engine.graph([{ scope: at, artifact: steps === layered ? top : result }]);
  const built = await engine.run(graph, { display: rig.display, ...options });
  return { built, at, net, graph, engine };
}

describe('a column of steps', () => {
  it('runs each once and then nothing', async () => {
    const { built, at } = await build(column, { text: 'hello', end: '!' });
    expect(built.ok).toBe(true);
    expect(built.value(at, result)?.value).toBe('h!');
    expect(rig.take()).toEqual(['cut n', 'finish n b', 'read n']);
    const again = await build(column, { text: 'hello', end: '!' });
    expect(rig.take()).toEqual([]);
    expect(again.built.outcomes.map(({ how }) => how)).toEqual(['fresh', 'fresh', 'fresh']);
    expect(again.built.value(again.at, result)?.value).toBe('h!');
    expect(again.built.hash(again.at, middle)).toBe(built.hash(at, middle));
    expect(Buffer.from(again.built.files(again.at, source)?.['value.txt'] ?? []).toString()).toBe('hello');
  });

  it('stops where the same bytes come out', async () => {
    await build(column, { text: 'hello', end: '!' });
    rig.take();
    await build(column, { text: 'help', end: '!' });
    expect(rig.take()).toEqual(['cut n', 'read n']);
    await build(column, { text: 'zero', end: '!' });
    expect(rig.take()).toEqual(['cut n', 'finish n b', 'read n']);
  });

  it('restores what an earlier setting made, and calls it fresh the time after', async () => {
    await build(column, { text: 'hello', end: '!' });
    await build(column, { text: 'hello', end: '?' });
    rig.take();
    const back = await build(column, { text: 'hello', end: '!' });
    expect(rig.take()).toEqual([]);
    expect(back.built.outcomes.map(({ how }) => how)).toEqual(['fresh', 'fresh', 'restored']);
    const after = await build(column, { text: 'hello', end: '!' });
    expect(after.built.outcomes.map(({ how }) => how)).toEqual(['fresh', 'fresh', 'fresh']);
  });

  it('runs everything when the code changes, and what is forced', async () => {
    await build(column, { text: 'hello' });
    rig.take();
    rig.finn = 'code-2';
    await build(column, { text: 'hello' });
    expect(rig.take()).toEqual(['cut n', 'finish n b', 'read n']);
    await build(column, { text: 'hello' }, { force: ['cut'] });
    expect(rig.take()).toEqual(['cut n']);
  });

  it('says in a plan what would run and because of what, and writes nothing', async () => {
    await build(column, { text: 'hello', end: '1' });
    const files = listTree(rig.folder);
    const net = scope('net', 'n', { text: 'help' });
    const at = scope('build', 'b', { text: 'help', end: '2' }, net);
    const engine = rig.engine(column);
    const plan = await engine.plan(engine.graph([{ scope: at, step: 'finish' }]));
    expect(plan.instances.map(({ id, state, because }) => [id.step, state, because])).toEqual([
      ['read', 'run', ['config.text: hello → help']],
      ['cut', 'waits', ['after read']],
      // Its own reason counts whatever comes of that.
      ['finish', 'waits', ['config.end: 1 → 2', 'after cut']],
    ]);
    const explained = [...explain(plan.instances, plan.known).values()].map(({ planned, own, inputs, causes }) => [
      planned.id.step,
      own,
      inputs,
      causes.map(({ of, reason }) => `${of.step.name}: ${reason}`),
    ]);
    const cause = 'read: config.text: hello → help';
    expect(explained).toEqual([
      ['read', ['config.text: hello → help'], [], []],
      ['cut', [], ['source from read'], [cause]],
      ['finish', ['config.end: 1 → 2'], ['middle from cut'], [cause]],
    ]);
    expect(listTree(rig.folder)).toEqual(files);
  });

  it('has no empty store after a plan', async () => {
    const engine = rig.engine(column);
    const at = scope('build', 'b', {}, scope('net', 'n'));
    const plan = await engine.plan(engine.graph([{ scope: at, artifact: result }]));
    expect(plan.instances.map(({ because }) => because)).toEqual([['never ran here'], ['after read'], ['after cut']]);
    expect(readdirSync(rig.folder)).toEqual([]);
  });

  it('computes equal keys once, whatever the scope', async () => {
    const nets = ['x', 'y', 'z'].map((name) => scope('net', name, { text: 'same' }));
    const engine = rig.engine(column);
    const graph = engine.graph(nets.map((net) => ({ scope: net, artifact: middle })));
    const built = await engine.run(graph, { display: rig.display });
    expect(built.ok).toBe(true);
    expect(rig.take().map((one) => one.split(' ')[0])).toEqual(['cut', 'read']);
    expect(nets.map((net) => built.value(net, middle)?.value)).toEqual(['s', 's', 's']);
  });
});

describe('sources', () => {
  const file = (contents: () => string): AnyStep[] => [
    step({
      name: 'load',
      doc: '',
      per: 'net',
      needs: {},
      makes: { source },
      config: () => ({}),
      sources: async (_settings: Settings, host) =>
        host.mode === 'plan' ? unknownUntilRun('the model is fetched') : { model: Buffer.from(contents()) },
      run: async (_, { sources }) => ({ source: Buffer.from(sources['model'] ?? []).toString() }),
    }),
  ];
  it('are in the key by content, and may be unknown in a plan', async () => {
    let contents = 'one';
    const net = scope('net', 'n');
    const engine = rig.engine(file(() => contents));
    const graph = engine.graph([{ scope: net, artifact: source }]);
    expect((await engine.plan(graph)).instances[0]).toMatchObject({
      state: 'waits',
      because: ['the model is fetched'],
    });
    expect((await engine.run(graph, { display: rig.display })).value(net, source)?.value).toBe('one');
    await engine.run(graph, { display: rig.display });
    expect(rig.take()).toEqual(['load n']);
    contents = 'two';
    await engine.run(graph, { display: rig.display });
    expect(rig.take()).toEqual(['load n']);
    expect(rig.events.findLast(({ type }) => type === 'started')).toMatchObject({ because: 'sources.model: changed' });
  });
});

describe('families', () => {
  it('open a scope for each key; only the changed layer runs again', async () => {
    const { built, at } = await build(layered, { layers: 'a=1 b=2 c=3' });
    expect(built.value(at, top)?.value).toBe('a<1>,b<2>,c<3>');
    expect(rig.take()).toEqual(['fold n b', 'stitch n b', 'synthesize n b a', 'synthesize n b b', 'synthesize n b c']);
    const changed = await build(layered, { layers: 'a=1 b=9 c=3' });
    expect(rig.take()).toEqual(['fold n b', 'stitch n b', 'synthesize n b b']);
    expect(changed.built.value(changed.at, top)?.value).toBe('a<1>,b<9>,c<3>');
    expect([...changed.built.each(changed.at, netlist)].map(([key, { value }]) => [key, value])).toEqual([
      ['a', '<1>'],
      ['b', '<9>'],
      ['c', '<3>'],
    ]);
    expect(changed.built.value(changed.at, layers)?.value).toEqual(
      new Map([
        ['a', '1'],
        ['b', '9'],
        ['c', '3'],
      ]),
    );
  });

  it('notice a layer that came, one that went, and another order', async () => {
    await build(layered, { layers: 'a=1 b=2' });
    rig.take();
    expect((await build(layered, { layers: 'a=1' })).built.ok).toBe(true);
    expect(rig.take()).toEqual(['fold n b', 'stitch n b']);
    const { built, at } = await build(layered, { layers: 'b=2 a=1' });
    expect(rig.take()).toEqual(['fold n b', 'stitch n b']);
    expect(built.value(at, top)?.value).toBe('b<2>,a<1>');
  });

  it('are shown as known later until they are', async () => {
    const at = scope('build', 'b', { layers: 'a=1 b=2' });
    const engine = rig.engine(layered);
    const graph = engine.graph([{ scope: at, artifact: top }]);
    const states = async () =>
      (await engine.plan(graph)).instances.map(({ id, state }) => [id.step, id.scope.at(-1), state]);
    expect(await states()).toEqual([
      ['fold', 'b', 'run'],
      ['synthesize', '*', 'later'],
      ['stitch', 'b', 'waits'],
    ]);
    expect((await engine.plan(graph)).instances[1]?.because).toEqual(['known after fold']);
    await engine.run(graph);
    expect(await states()).toEqual([
      ['fold', 'b', 'fresh'],
      ['synthesize', 'a', 'fresh'],
      ['synthesize', 'b', 'fresh'],
      ['stitch', 'b', 'fresh'],
    ]);
  });

  it('can be wanted by the name of the layers’ step', async () => {
    const at = scope('build', 'b', { layers: 'a=1 b=2' });
    const engine = rig.engine(layered);
    const built = await engine.run(engine.graph([{ scope: at, step: 'synthesize' }]), { display: rig.display });
    expect(built.ok).toBe(true);
    expect(rig.take()).toEqual(
      ['fold n b', 'synthesize n b a', 'synthesize n b b'].map((one) => one.replace(' n', '')),
    );
    expect(built.value(at, top)).toBeUndefined();
  });

  it('share the work of equal layers', async () => {
    const { built, at } = await build(layered, { layers: 'a=1 b=1 c=1' });
    expect(built.value(at, top)?.value).toBe('a<1>,b<1>,c<1>');
    expect(rig.take().filter((one) => one.startsWith('synthesize')).length).toBe(1);
  });
});

describe('what is wrong with a graph', () => {
  const maker = (name: string, needs: object, makes: object, applies = true): AnyStep =>
    ({
      name,
      doc: '',
      per: 'net',
      needs,
      makes,
      config: () => ({}),
      applies: () => applies,
      run: async () => ({}),
    }) as AnyStep;
  const problems = (steps: AnyStep[]): string[] => {
    try {
      rig.engine(steps).graph([{ scope: scope('net', 'n'), artifact: result }]);
    } catch (error) {
      if (error instanceof FinnError) return error.diagnostics.map(({ code, message }) => `${code}: ${message}`);
      throw error;
    }
    return [];
  };

  it('two makers, unless only one applies', () => {
    const one = maker('one', {}, { result });
    expect(problems([one, maker('two', {}, { result })])).toEqual([
      "plan/ambiguous: 'result' of net n is made by two steps, 'one' and 'two'",
    ]);
    expect(problems([one, maker('two', {}, { result }, false)])).toEqual([]);
  });

  it('no maker: every one of them is named', () => {
    expect(problems([maker('one', { source, middle }, { result }), maker('two', {}, { middle }, false)])).toEqual([
      "plan/no-maker: nothing makes 'source', which step 'one' (net n) needs",
      "plan/no-maker: nothing makes 'middle', which step 'one' (net n) needs",
    ]);
  });

  it('a circle', () => {
    expect(problems([maker('one', { middle }, { result }), maker('two', { result }, { middle })])).toEqual([
      'plan/cycle: steps need each other in a circle: one → two → one',
    ]);
  });

  it('an unknown step', () => {
    expect(() => rig.engine(column).graph([{ scope: scope('net', 'n'), step: 'cutt' }])).toThrow(/no step 'cutt'/);
    expect(() => rig.engine(column).graph([{ scope: scope('net', 'n'), step: 'finish' }])).toThrow(
      /does not apply to net n/,
    );
  });
});

describe('failures', () => {
  const left = text('left');
  const right = text('right');
  const hold = held();
  let broken = true;
  const fork: AnyStep[] = [
    ...column.slice(0, 1),
    step({
      name: 'left',
      doc: '',
      per: 'net',
      needs: { source },
      makes: { left },
      config: () => ({}),
      run: async () => {
        if (broken) throw new FinnError({ code: 'tool/failed', severity: 'error', message: 'left is broken' });
        return { left: 'l' };
      },
    }),
    step({
      name: 'right',
      doc: '',
      per: 'net',
      needs: { source },
      makes: { right },
      config: () => ({}),
      run: async () => ({ right: 'r' }),
    }),
    step({
      name: 'both',
      doc: '',
      per: 'net',
      needs: { left, right },
      makes: { result },
      config: () => ({}),
      run: async ({ left, right }) => ({ result: left + right }),
    }),
  ];
  const go = async (options: object = {}) => {
    const engine = rig.engine(fork);
    return engine.run(engine.graph([{ scope: scope('net', 'n'), artifact: result }]), {
      display: rig.display,
      ...options,
    });
  };
  const states = (outcomes: readonly { id: { step: string }; how: string; because: string }[]) =>
    outcomes.map(({ id, how, because }) => [id.step, how, because].filter((word) => word !== '').join(' '));

  it('stop what has not begun; going on is asked for', async () => {
    broken = true;
    rig.jobs = 1;
    const stopped = await go();
    expect(stopped.ok).toBe(false);
    expect(states(stopped.outcomes)).toEqual([
      'read ran never ran here',
      'left failed',
      'right skipped stopped after a failure',
      'both skipped needs left (n), which failed',
    ]);
    const went = await go({ keepGoing: true });
    expect(states(went.outcomes)).toEqual([
      'read fresh',
      'left failed',
      'right ran never ran here',
      'both skipped needs left (n), which failed',
    ]);
    expect(rig.events.at(-1)).toMatchObject({ type: 'done', ok: false, ran: 1, fresh: 1, failed: 1 });
    broken = false;
    rig.take();
    const mended = await go();
    expect(mended.ok).toBe(true);
    expect(rig.take()).toEqual(['both n', 'left n']);
  });

  it('are bugs where they are not diagnostics', async () => {
    const engine = rig.engine([{ ...column[0]!, run: () => Promise.reject(new TypeError('x is undefined')) }]);
    const built = await engine.run(engine.graph([{ scope: scope('net', 'n'), artifact: source }]));
    expect(built.outcomes[0]?.diagnostics[0]).toMatchObject({ code: 'internal/bug' });
    expect(built.outcomes[0]?.diagnostics[0]?.message).toContain('x is undefined');
  });

  it('leave what was interrupted to be resumed', async () => {
    const abort = new AbortController();
    const slow: AnyStep[] = [
      ...column.slice(0, 1),
      step({
        ...(column[1] as AnyStep),
        run: async (_: unknown, { signal }: { signal: AbortSignal }) => {
          abort.abort(new Error('interrupted by the user'));
          signal.throwIfAborted();
          return {};
        },
      }) as AnyStep,
      column[2]!,
    ];
    const { built } = await build(slow, { text: 'hello' }, { signal: abort.signal });
    expect(built).toMatchObject({ ok: false, interrupted: true });
    expect(states(built.outcomes)).toEqual([
      'read ran never ran here',
      'cut skipped interrupted',
      'finish skipped needs cut (n), which did not run',
    ]);
    rig.take();
    expect((await build(column, { text: 'hello' })).built.ok).toBe(true);
    expect(rig.take()).toEqual(['cut n', 'finish n b']);
    hold.release();
  });
});

describe('parallel work', () => {
  const makeLayers = (count: number): string => Array.from({ length: count }, (_, i) => `l${i}=${i}`).join(' ');
  it('is bounded by jobs, and uses them', async () => {
    let now = 0;
    let most = 0;
    const gate = held();
    const steps = layered.map((one) =>
      one.name !== 'synthesize'
        ? one
        : ({
            ...one,
            run: async ({ layer }: { layer: string }) => {
              now += 1;
              most = Math.max(most, now);
              if (now === 3) gate.release();
              await gate.promise;
              now -= 1;
              return { netlist: layer };
            },
          } as AnyStep),
    );
    rig.jobs = 3;
    const engine = rig.engine(steps);
    const at = scope('build', 'b', { layers: makeLayers(9) });
    expect((await engine.run(engine.graph([{ scope: at, artifact: top }]))).ok).toBe(true);
    expect(most).toBe(3);
  });

  it('gives the same results in any order', async () => {
    const hashes = new Set<string | undefined>();
    const orders = new Set<string>();
    for (let seed = 0; seed < 5; seed += 1) {
      const other = new Rig();
      other.jobs = 2;
      const engine = other.engine(layered);
      const at = scope('build', 'b', { layers: makeLayers(6) });
      const built = await engine.run(engine.graph([{ scope: at, artifact: top }]), { display: other.display, seed });
      hashes.add(built.hash(at, top));
      orders.add(other.ran.join());
      other.remove();
    }
    expect(hashes.size).toBe(1);
    expect(orders.size).toBeGreaterThan(1);
  });
});

describe('a damaged cache', () => {
  const objectOf = (contents: string): string => {
    const root = join(rig.folder, '.finn', 'objects');
    const found = listTree(root).find((path) => readFileSync(join(root, path), 'utf8') === contents);
    if (!found) throw new Error(`no object '${contents}'`);
    return join(root, found);
  };
  const damage = (contents: string, to: string): void => {
    chmodSync(objectOf(contents), 0o644);
    writeFileSync(objectOf(contents), to);
  };

  it('makes again an input that is corrupt, and says so', async () => {
    await build(column, { text: 'hello', end: '!' });
    rig.take();
    damage('h', 'x');
    const { built, at } = await build(column, { text: 'hello', end: '?' });
    expect(built.ok).toBe(true);
    expect(built.value(at, result)?.value).toBe('h?');
    expect(rig.take()).toEqual(['cut n', 'finish n b', 'finish n b']);
    expect(rig.events.filter(({ type }) => type === 'diagnostic')).toMatchObject([
      { diagnostic: { code: 'cache/corrupt' } },
    ]);
  });

  it('makes again a wanted result that is corrupt, in a build that has nothing else to do', async () => {
    await build(column, { text: 'hello', end: '!' });
    rig.take();
    damage('h!', 'h?');
    const { built, at } = await build(column, { text: 'hello', end: '!' });
    expect(rig.take()).toEqual(['finish n b']);
    expect(built.value(at, result)?.value).toBe('h!');
  });

  it('makes again what is truncated or gone', async () => {
    await build(column, { text: 'hello', end: '!' });
    rig.take();
    chmodSync(objectOf('h!'), 0o644);
    truncateSync(objectOf('h!'), 1);
    const { built } = await build(column, { text: 'hello', end: '!' });
    expect(built.ok).toBe(true);
    expect(rig.take()).toEqual(['finish n b']);
  });

  it('that gives other bytes when it is made again takes all that used the old ones along', async () => {
    const other = text('other');
    let count = 0;
    const steps: AnyStep[] = [
      step({
        name: 'odd',
        doc: '',
        per: 'net',
        needs: {},
        makes: { middle },
        config: () => ({}),
        run: async () => {
          count += 1;
          return { middle: String(count) };
        },
      }),
      column[2]!,
      step({
        name: 'twin',
        doc: '',
        per: 'build',
        needs: { middle },
        makes: { other },
        config: () => ({}),
        run: async ({ middle }) => ({ other: middle }),
      }),
    ];
    const net = scope('net', 'n');
    const go = async (wanted: (typeof result)[], end: string) => {
      const at = scope('build', 'b', { end }, net);
      const engine = rig.engine(steps);
      const graph = engine.graph(wanted.map((artifact) => ({ scope: at, artifact })));
      const built = await engine.run(graph, { display: rig.display });
      return wanted.map((artifact) => built.value(at, artifact)?.value);
    };
    expect(await go([result], '!')).toEqual(['1!']);
    damage('1', 'x');
    expect(await go([result, other], '!')).toEqual(['2!', '2']);
    expect(count).toBe(2);
    rig.take();
    expect(await go([result, other], '!')).toEqual(['2!', '2']);
    expect(rig.take()).toEqual([]);
  });

  it('is not harmed by what a killed process left behind', async () => {
    await build(column, { text: 'hello', end: '!' });
    rig.take();
    const gone = myMark().replace(/p\d+/, `p${spawnSync('true').pid}`);
    const stray = `${objectOf('h!')}.${gone}-1.tmp`;
    writeFileSync(stray, 'h');
    const scratch = join(rig.folder, '.finn', 'work', `scratch-${gone}-1`);
    mkdirSync(scratch, { recursive: true });
    const lease = join(rig.folder, '.finn', 'leases', `${gone}-1`);
    mkdirSync(dirname(lease), { recursive: true });
    writeFileSync(lease, '');
    const mine = rig.store.scratch();
    for (const path of [stray, scratch, lease]) expect(existsSync(path)).toBe(false);
    rig.store.scratch();
    expect(existsSync(mine)).toBe(true);
    expect((await build(column, { text: 'hello', end: '!' })).built.ok).toBe(true);
    expect(rig.take()).toEqual([]);
  });

  it('that cannot be written is a diagnostic', async () => {
    writeFileSync(join(rig.folder, '.finn'), 'a file where the folder should be');
    const { built } = await build(column, { text: 'hello' });
    expect(built.outcomes[0]?.diagnostics).toMatchObject([{ code: 'cache/write' }]);
  });

  it('takes half-written and altered records for none', async () => {
    await build(column, { text: 'hello', end: '!' });
    rig.take();
    const steps = join(rig.folder, '.finn', 'steps');
    const paths = listTree(steps).map((path) => join(steps, path));
    const contents = readFileSync(paths[0]!, 'utf8');
    writeFileSync(paths[0]!, contents.slice(0, contents.length / 2));
    writeFileSync(paths[1]!, '');
    writeFileSync(paths[2]!, readFileSync(paths[2]!, 'utf8').replace(/"seconds": [\d.e-]+/, '"seconds": 7'));
    const { built } = await build(column, { text: 'hello', end: '!' });
    expect(built.ok).toBe(true);
    expect(rig.take()).toEqual(['cut n', 'finish n b', 'read n']);
  });
});

it('two engines may use one cache at the same time', async () => {
  const settings = { layers: Array.from({ length: 20 }, (_, i) => `l${i}=${i}`).join(' ') };
  const results = await Promise.all([1, 2, 3].map((seed) => build(layered, settings, { seed })));
  expect(results.every(({ built }) => built.ok)).toBe(true);
  expect(new Set(results.map(({ built, at }) => built.hash(at, top))).size).toBe(1);
  rig.take();
  await build(layered, settings);
  expect(rig.take()).toEqual([]);
});

it('shows what a step reported again when its result is fresh', async () => {
  const steps: AnyStep[] = [
    step({
      ...(column[0] as AnyStep),
      run: async (_: unknown, { report }: { report(diagnostic: object): void }) => {
        report(warning('tool/log', 'look out'));
        return { source: 's' };
      },
    }) as AnyStep,
  ];
  for (let i = 0; i < 2; i += 1) {
    rig.events.length = 0;
    const engine = rig.engine(steps);
    await engine.run(engine.graph([{ scope: scope('net', 'n'), artifact: source }]), { display: rig.display });
    expect(rig.events.filter(({ type }) => type === 'diagnostic')).toMatchObject([
      { diagnostic: { message: 'look out' } },
    ]);
  }
});

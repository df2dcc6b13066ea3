import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { each, item } from '../../src/engine/artifact.ts';
import type { Invocation } from '../../src/engine/invocation.ts';
import { callKey, wholeLog } from '../../src/engine/invoke.ts';
import { type AnyStep, step } from '../../src/engine/step.ts';
import { held, Rig, type Settings, scope, text, texts, tool } from './rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
  rig.jobs = 4;
});
afterEach(() => rig.remove());

const layers = texts('layers', 'layer');
const netlist = text('netlist');
const top = text('top');
const yosys = tool('yosys');

const steps = (files: (layer: string) => Invocation['files'] = (layer) => ({ 'a.v': layer })): AnyStep[] => [
  step({
    name: 'fold',
    doc: '',
    per: 'build',
    needs: {},
    makes: { layers },
    config: (settings: Settings) => ({ layers: settings['layers'] ?? '' }),
    run: async (_, { config }) => ({ layers: new Map(config.layers.split(' ').map((one) => [one, one])) }),
  }),
  step({
    name: 'synthesize',
    doc: '',
    per: 'layer',
    needs: { layer: item(layers) },
    makes: { netlist },
    config: (_settings: Settings, { name }) => ({ name }),
    tools: () => [yosys],
    run: async ({ layer }, { call }) => {
      const made = await call({
        tool: yosys,
        args: ['-q', 'a.v'],
        files: files(layer[0]!),
        outputs: { netlist: 'out.json', log: wholeLog },
        label: `synthesis of ${layer}`,
      });
      return { netlist: `${Buffer.from(made.netlist)} ${Buffer.from(made.log).toString().split('\n').length}` };
    },
  }),
  step({
    name: 'stitch',
    doc: '',
    per: 'build',
    needs: { netlists: each(netlist) },
    makes: { top },
    config: () => ({}),
    run: async ({ netlists }) => ({ top: [...netlists.values()].join() }),
  }),
];

const build = (list: AnyStep[], layerNames: string, options: object = {}) => {
  const engine = rig.engine(list);
  const at = scope('build', 'b', { layers: layerNames });
  return engine.run(engine.graph([{ scope: at, artifact: top }]), { display: rig.display, ...options });
};
const outcomes = (): string[] =>
  rig.events.splice(0).flatMap((event) => (event.type === 'call' ? [`${event.outcome} ${event.label}`] : []));

describe('a tool call', () => {
  it('is run once and restored when only finn changed', async () => {
    expect((await build(steps(), 'a b')).ok).toBe(true);
    expect(rig.executed.splice(0).sort()).toEqual(['synthesis of a', 'synthesis of b']);
    rig.events.length = 0;
    rig.finn = 'code-2';
    const again = await build(steps(), 'a b');
    expect(rig.executed).toEqual([]);
    expect(outcomes().sort()).toEqual(['restored synthesis of a', 'restored synthesis of b']);
    expect(again.outcomes.find(({ id }) => id.scope.at(-1) === 'a')?.result?.record.calls).toMatchObject([
      { tool: 'yosys', version: '1.0', label: 'synthesis of a', seconds: 0.5 },
    ]);
  });

  it('is run again by another version of the tool, and the step too', async () => {
    await build(steps(), 'a');
    rig.take();
    rig.version = '2.0';
    await build(steps(), 'a');
    expect(rig.executed).toEqual(['synthesis of a', 'synthesis of a']);
    expect(rig.events.find((event) => event.type === 'started' && event.because.includes('tools.yosys'))).toMatchObject(
      {
        because: 'tools.yosys: native@1.0 → native@2.0',
      },
    );
  });

  it('has nothing of labels and costs in its key, and all else', () => {
    const call: Invocation = { tool: yosys, args: ['-q'], files: { a: 'x' }, outputs: { o: 'o.json' }, label: 'one' };
    const key = callKey(call, '1');
    expect(callKey({ ...call, label: 'two', cost: { memory: 1, threads: 2 } }, '1')).toBe(key);
    expect(callKey({ ...call, files: { a: Buffer.from('x') } }, '1')).toBe(key);
    const others = [
      callKey(call, '2'),
      callKey({ ...call, tool: tool('abc') }, '1'),
      callKey({ ...call, tool: { ...yosys, program: { kind: 'wasm', package: 'p', run: 'r' } } }, '1'),
      callKey({ ...call, args: ['-v'] }, '1'),
      callKey({ ...call, files: { a: 'y' } }, '1'),
      callKey({ ...call, files: { b: 'x' } }, '1'),
      callKey({ ...call, outputs: { o: 'p.json' } }, '1'),
    ];
    expect(new Set([key, ...others]).size).toBe(8);
  });

  it('is run once for equal calls at the same time', async () => {
    const gate = held();
    rig.execute = async () => {
      await gate.promise;
      return { outputs: { netlist: Buffer.from('n') } };
    };
    const building = build(steps(), 'a1 a2 a3');
    setTimeout(gate.release, 20);
    expect((await building).ok).toBe(true);
    expect(rig.executed.length).toBe(1);
    expect(
      outcomes()
        .map((one) => one.split(' ')[0])
        .sort(),
    ).toEqual(['ran', 'restored', 'restored', 'started']);
  });

  it('of a forced step runs', async () => {
    await build(steps(), 'a');
    await build(steps(), 'a', { force: ['synthesize'] });
    expect(rig.executed).toEqual(['synthesis of a', 'synthesis of a']);
  });

  it('that fails keeps its folder, names it, and is not cached', async () => {
    rig.execute = async () => ({ exit: 3, log: 'working\nERROR: no such module\nWarning: odd\n' });
    const built = await build(steps(), 'a');
    expect(built.ok).toBe(false);
    const failed = built.outcomes.find(({ how }) => how === 'failed');
    expect(failed?.diagnostics).toMatchObject([
      { code: 'tool/failed', message: 'yosys ended with exit status 3 (synthesis of a)' },
      { code: 'tool/log', severity: 'error', message: 'yosys: no such module', at: { in: 'log', line: 2 } },
      { code: 'tool/log', severity: 'warning', message: 'yosys: odd', at: { line: 3 } },
    ]);
    const kept = /\.finn\/(work\/failed-yosys-[0-9a-f]{12})/.exec(failed?.diagnostics[0]?.hint ?? '')?.[1];
    const folder = join(rig.folder, '.finn', kept ?? 'none');
    expect(readdirSync(folder).sort()).toEqual(['a.v', 'call.json', 'yosys.log']);
    expect(JSON.parse(readFileSync(join(folder, 'call.json'), 'utf8'))).toMatchObject({ args: ['-q', 'a.v'], exit: 3 });
    rig.execute = async () => ({ outputs: { netlist: Buffer.from('n') } });
    expect((await build(steps(), 'a')).ok).toBe(true);
    expect(rig.executed.length).toBe(2);
    expect(existsSync(folder)).toBe(false);
  });

  it('that says too much is ended, with the beginning of its log kept', async () => {
    const line = 'x'.repeat(1_000_000);
    rig.execute = async () => ({ log: Array(102).fill(line).join('\n') });
    const built = await build(steps(), 'a');
    expect(built.ok).toBe(false);
    const [diagnostic] = built.outcomes.flatMap(({ diagnostics }) => diagnostics);
    expect(diagnostic).toMatchObject({ code: 'tool/log-size' });
    expect(diagnostic?.message).toMatch(/^yosys was ended: it wrote more than 100 MB \(.*\); its last lines were:\n/);
    expect(diagnostic!.message.length).toBeLessThan(20_000);
    const [kept] = readdirSync(join(rig.folder, '.finn/work'));
    expect(statSync(join(rig.folder, '.finn/work', kept!, 'yosys.log')).size).toBe(99 * 1_000_001);
  });

  it('that fails and cannot be kept says both', async () => {
    // As on a full disk: nothing can be put into the folder.
    rig.execute = async (_, directory) => {
      rmSync(directory, { recursive: true });
      writeFileSync(directory, '');
      return { exit: 1, log: 'No space left on device' };
    };
    const built = await build(steps(), 'a');
    const [diagnostic] = built.outcomes.flatMap(({ diagnostics }) => diagnostics);
    expect(diagnostic).toMatchObject({ code: 'tool/failed' });
    expect(diagnostic?.message).toContain('No space left on device');
    expect(diagnostic?.hint).toMatch(/^its files and log could not be kept: E\w+/);
    expect(readdirSync(join(rig.folder, '.finn/work'))).toEqual([]);
  });

  it('whose files find no room is not a defect', async () => {
    rig.execute = async () => {
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    };
    const built = await build(steps(), 'a');
    const [diagnostic] = built.outcomes.flatMap(({ diagnostics }) => diagnostics);
    expect(diagnostic).toMatchObject({ code: 'cache/write', hint: expect.stringContaining('make room') });
    expect(readdirSync(join(rig.folder, '.finn/work'))).toEqual([]);
  });

  it('that leaves out an output is an error even if it ends well', async () => {
    rig.execute = async () => ({ exit: 0, log: 'all is well' });
    const built = await build(steps(), 'a');
    expect(built.outcomes.find(({ how }) => how === 'failed')?.diagnostics).toMatchObject([
      {
        code: 'tool/output',
        message: 'yosys ended well but left no out.json (synthesis of a); its last lines were:\nall is well',
      },
    ]);
  });

  it('whose tool ends because of an interruption has not failed', async () => {
    const abort = new AbortController();
    rig.execute = async () => {
      abort.abort(new Error('interrupted'));
      return { exit: 143 };
    };
    const built = await build(steps(), 'a', { signal: abort.signal });
    expect(built.outcomes.map(({ how }) => how)).toEqual(['ran', 'skipped', 'skipped']);
    expect(readdirSync(join(rig.folder, '.finn', 'work'))).toEqual([]);
  });

  it('that is interrupted leaves nothing in the cache and no scratch', async () => {
    const abort = new AbortController();
    rig.execute = (_invocation, _directory, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        abort.abort(new Error('interrupted'));
      });
    const built = await build(steps(), 'a', { signal: abort.signal });
    expect(built).toMatchObject({ ok: false, interrupted: true });
    expect(readdirSync(join(rig.folder, '.finn', 'work'))).toEqual([]);
    expect(existsSync(join(rig.folder, '.finn', 'calls'))).toBe(false);
  });

  it('warns each time its result is used', async () => {
    rig.execute = async () => ({ outputs: { netlist: Buffer.from('n') }, log: 'Warning: latch inferred\n' });
    for (const finn of ['code-1', 'code-2', 'code-2']) {
      rig.finn = finn;
      rig.events.length = 0;
      await build(steps(), 'a');
      expect(rig.events.filter(({ type }) => type === 'diagnostic')).toMatchObject([
        { diagnostic: { severity: 'warning', message: 'yosys: latch inferred' } },
      ]);
    }
    expect(rig.executed.length).toBe(1);
  });

  it('of a tool that the step does not declare is a defect', async () => {
    const list = steps().map((one) => (one.name === 'synthesize' ? { ...one, tools: () => [] } : one));
    const built = await build(list, 'a');
    expect(built.outcomes.find(({ how }) => how === 'failed')?.diagnostics[0]).toMatchObject({ code: 'internal/bug' });
  });
});

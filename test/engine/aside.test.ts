import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Artifact } from '../../src/engine/artifact.ts';
import { StepThreads } from '../../src/engine/executors/step-threads.ts';
import type { RunOptions } from '../../src/engine/scheduler.ts';
import { asideSteps } from './aside-steps.ts';
import { Rig, type Settings, scope } from './rig.ts';

let rig: Rig;
let threads: StepThreads;
beforeEach(() => {
  rig = new Rig();
  threads = threadsOf(rig);
});
afterEach(async () => {
  await threads.close();
  rig.remove();
});

const threadsOf = ({ folder }: Rig): StepThreads =>
  new StepThreads({ module: new URL('./aside-thread.ts', import.meta.url), data: folder, always: true });

const until = async (what: () => boolean): Promise<void> => {
  while (!what()) await new Promise((resolve) => setTimeout(resolve, 20));
};

/** Builds one step of a net with these settings, aside unless it is said where. */
function build(step: string, settings: Settings = {}, options: RunOptions & { here?: boolean; in?: Rig } = {}) {
  const at = options.in ?? rig;
  const steps = asideSteps(at.folder);
  const engine = at.engine(steps, options.here ? {} : { aside: threads });
  const net = scope('net', 'n', settings);
  const built = engine.run(engine.graph([{ scope: net, step }]), { display: at.display, ...options });
  const made = steps.find(({ name }) => name === step)!.makes as Record<string, Artifact<string>>;
  return built.then((of) => ({ ...of, made: of.value(net, Object.values(made)[0]!) }));
}

const diagnostics = ({ outcomes }: Awaited<ReturnType<typeof build>>) => outcomes.flatMap((one) => one.diagnostics);

describe('steps aside', () => {
  it('make what they make here: of families, items, all of a scope, sources and config', async () => {
    const other = new Rig();
    const settings = { words: 'eins zwei' };
    const here = await build('join', settings, { here: true, in: other });
    const aside = await build('join', settings);
    expect(aside.made).toEqual(here.made);
    expect(aside.made?.value).toBe('eins as eins of 15, zwei as zwei of 15, three as three of 15 (eins,zwei,three)');
    const keys = ({ outcomes }: typeof aside): unknown => outcomes.map(({ id, result }) => [id, result?.key]);
    expect(keys(aside)).toEqual(keys(here));
    other.remove();
  });

  it('tell what they have to tell', async () => {
    const built = await build('read');
    expect(rig.events).toContainEqual(expect.objectContaining({ type: 'note', text: 'reads' }));
    expect(diagnostics(built)).toEqual([
      expect.objectContaining({ code: 'fold/not-played', message: 'reads loosely' }),
    ]);
  });

  it('do not read again what their thread has made, and do where it was forgotten', async () => {
    rig.jobs = 1;
    await build('split');
    expect(existsSync(join(rig.folder, 'decoded'))).toBe(false);
    await build('split', {}, { force: ['split'] });
    expect(readFileSync(join(rig.folder, 'decoded'), 'utf8')).toBe('whole\n');
  });

  it('get what tools make, and what a tool refuses', async () => {
    const well = await build('call', { how: 'well' });
    expect(well.made?.value).toBe('out');
    expect(well.outcomes[0]?.result?.record.calls).toHaveLength(1);

    rig.execute = async () => ({ exit: 3, log: 'ERROR: no' });
    const badly = await build('call', { how: 'badly' }, { force: ['call'] });
    expect(badly.ok).toBe(false);
    expect(diagnostics(badly).map(({ code }) => code)).toContain('tool/failed');
  });

  it('fail as they fail here', async () => {
    for (const how of ['refuses', 'breaks']) {
      const told = async (here: boolean) => diagnostics(await build('call', { how }, { here }));
      const plain = (list: Awaited<ReturnType<typeof told>>) => list.map(({ hint: _, ...rest }) => rest);
      expect(plain(await told(false))).toEqual(plain(await told(true)));
    }
    const [broken] = diagnostics(await build('call', { how: 'breaks' }));
    expect(broken?.hint).toContain('aside-steps.ts');
  });

  it('whose thread ends under them fail', async () => {
    const built = await build('call', { how: 'ends' });
    expect(diagnostics(built)).toEqual([
      expect.objectContaining({ code: 'internal/bug', message: expect.stringContaining('ended with 7') }),
    ]);
    expect((await build('call', { how: 'well' })).ok).toBe(true);
  });

  it('have what they need made again where it is lost', async () => {
    await build('split');
    rmSync(join(rig.folder, '.finn/objects'), { recursive: true });
    rig.take();
    expect((await build('join')).ok).toBe(true);
    expect(rig.take()).toEqual(['join n', 'read n', 'split n', 'work n one', 'work n three', 'work n two']);
  });
});

describe('an interrupt', () => {
  it('ends what computes without a pause, after the tools that it called', async () => {
    const events: string[] = [];
    rig.execute = (_, __, signal) =>
      new Promise((___, reject) => {
        events.push('tool started');
        signal.addEventListener('abort', () =>
          setImmediate(() => {
            events.push('tool ended');
            reject(signal.reason as Error);
          }),
        );
      });
    const controller = new AbortController();
    const building = build('call', { how: 'never ends' }, { signal: controller.signal });
    await until(() => existsSync(join(rig.folder, 'begun')) && events.length > 0);
    controller.abort();
    const built = await building;
    events.push('build ended');
    expect(built.interrupted).toBe(true);
    expect(events).toEqual(['tool started', 'tool ended', 'build ended']);
    expect(built.made).toBeUndefined();
  });
});

describe('two steps that compute without a pause', () => {
  it('do so side by side, as many as there are jobs', async () => {
    rig.jobs = 2;
    const engine = rig.engine(asideSteps(rig.folder), { aside: threads });
    const nets = [scope('net', 'a', { mine: 'a', other: 'b' }), scope('net', 'b', { mine: 'b', other: 'a' })];
    const built = await engine.run(engine.graph(nets.map((net) => ({ scope: net, step: 'meet' }))));
    expect(built.ok).toBe(true);
  });
});

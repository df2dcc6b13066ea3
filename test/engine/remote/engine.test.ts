import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Diagnostic } from '../../../src/diagnostics/diagnostic.ts';
import { each, item } from '../../../src/engine/artifact.ts';
import { type HttpRemoteOptions, httpRemote } from '../../../src/engine/remote/http.ts';
import { type AnyStep, step } from '../../../src/engine/step.ts';
import { FakeBazelRemote, sha256 } from '../../helpers/fake-bazel-remote.ts';
import { readTree } from '../../helpers/read-tree.ts';
import { Rig, type Settings, scope, text, texts, tool } from '../rig.ts';

const layers = texts('layers', 'layer');
const netlist = text('netlist');
const top = text('top');

/** fold makes layers, a tool synthesises each of them, link joins them. */
const steps: AnyStep[] = [
  step({
    name: 'fold',
    doc: '',
    per: 'build',
    needs: {},
    makes: { layers },
    config: ({ layers }: Settings) => ({ layers: layers ?? '' }),
    run: async (_, { config }) => ({ layers: new Map(config.layers.split(' ').map((name) => [name, `<${name}>`])) }),
  }),
  step({
    name: 'synthesize',
    doc: '',
    per: 'layer',
    needs: { layer: item(layers) },
    makes: { netlist },
    config: () => ({}),
    tools: () => [tool('yosys')],
    run: async ({ layer }, { call }) => {
      const { out } = await call({
        tool: tool('yosys'),
        args: [],
        files: { 'in.v': layer },
        outputs: { out: 'out.json' },
        label: layer,
      });
      return { netlist: `${layer} ${Buffer.from(out).toString()}` };
    },
  }),
  step({
    name: 'link',
    doc: '',
    per: 'build',
    needs: { netlists: each(netlist) },
    makes: { top },
    config: () => ({}),
    run: async ({ netlists }) => ({ top: [...netlists.values()].join(', ') }),
  }),
];
const everything = ['fold b', 'link b', 'synthesize b x', 'synthesize b y'];
const result = '<x> out, <y> out';

let fake: FakeBazelRemote;
let rigs: Rig[];
beforeEach(async () => {
  rigs = [];
  fake = await new FakeBazelRemote().start();
});
afterEach(async () => {
  for (const rig of rigs) rig.remove();
  await fake.stop();
});

/** A machine, and a build on it. */
function machine(options: Partial<HttpRemoteOptions> = {}) {
  const rig = new Rig();
  rigs.push(rig);
  const warnings: Diagnostic[] = [];
  rig.remote = (store) =>
    httpRemote({
      url: fake.url,
      mode: 'read-write',
      timeoutMs: 10_000,
      retryMs: 1,
      store,
      warn: (diagnostic) => warnings.push(diagnostic),
      ...options,
    });
  const build = async (settings: Settings = { layers: 'x y' }, force: string[] = []) => {
    const engine = rig.engine(steps);
    const b = scope('build', 'b', settings);
    const built = await engine.run(engine.graph([{ scope: b, step: 'link' }]), { display: rig.display, force });
    expect(built.ok).toBe(true);
    return { ran: rig.take(), tools: rig.executed.splice(0).sort(), value: built.value(b, top)?.value };
  };
  const codes = (): string[] => warnings.map(({ code }) => code);
  return { rig, warnings, build, codes };
}

it('a second machine builds with nothing run, and a third too, from what it was given', async () => {
  expect(await machine().build()).toEqual({ ran: everything, tools: ['<x>', '<y>'], value: result });
  const second = machine({ mode: 'read' });
  expect(await second.build()).toEqual({ ran: [], tools: [], value: result });
  expect(second.warnings).toEqual([]);
  // From now on it needs no server.
  await fake.stop();
  expect(await second.build()).toEqual({ ran: [], tools: [], value: result });
});

it('runs on a second machine only what the first has not built', async () => {
  await machine().build();
  const second = machine();
  expect(await second.build({ layers: 'x y z' })).toEqual({
    ran: ['fold b', 'link b', 'synthesize b z'],
    tools: ['<z>'],
    value: `${result}, <z> out`,
  });
  expect(await machine().build({ layers: 'x y z' })).toMatchObject({ ran: [], tools: [] });
});

it('with other code of finn, steps run and no tool does', async () => {
  await machine().build();
  const second = machine();
  second.rig.finn = 'code-2';
  expect(await second.build()).toEqual({ ran: everything, tools: [], value: result });
});

it('what is forced runs, whatever the server has', async () => {
  await machine().build();
  expect(await machine().build(undefined, ['synthesize'])).toMatchObject({
    ran: ['synthesize b x', 'synthesize b y'],
    tools: ['<x>', '<y>'],
  });
});

it('in mode read nothing is ever sent', async () => {
  const reader = machine({ mode: 'read' });
  expect(await reader.build()).toMatchObject({ ran: everything });
  const methods = new Set(fake.seen.map(({ method }) => method));
  expect(methods).toEqual(new Set(['GET']));
  expect(fake.ac.size + fake.cas.size).toBe(0);
});

it('a poisoned object is told of, and what it belongs to is made here, right', async () => {
  await machine().build();
  const object = sha256(Buffer.from('<x> out'));
  fake.cas.set(object, Buffer.from('<x> evl'));
  const second = machine();
  expect(await second.build()).toEqual({ ran: ['synthesize b x'], tools: [], value: result });
  expect(second.codes()).toEqual(['cache/remote-object']);
  // And the server has it right again.
  expect(Buffer.from(fake.cas.get(object)!).toString()).toBe('<x> out');
  const third = machine();
  expect(await third.build()).toMatchObject({ ran: [], value: result });
  expect(third.warnings).toEqual([]);
});

it('what was half sent is not found', async () => {
  fake.intercept = ({ method, url }, response) => {
    if (method !== 'PUT' || !url?.startsWith('/ac')) return false;
    response.writeHead(503).end();
    return true;
  };
  const first = machine();
  await first.build();
  expect(first.codes()).toEqual(['cache/remote-write']);
  fake.intercept = undefined;
  expect(fake.cas.size).toBeGreaterThan(0);
  expect(fake.ac.size).toBe(0);
  expect(await machine().build()).toMatchObject({ ran: everything });
});

it.each([
  ['refuses connections', undefined],
  ['hangs', () => true],
])('a server that %s costs one warning, never a build', async (_, intercept) => {
  fake.intercept = intercept;
  if (!intercept) await fake.stop();
  const first = machine({ timeoutMs: 40 });
  expect(await first.build()).toEqual({ ran: everything, tools: ['<x>', '<y>'], value: result });
  expect(first.codes()).toEqual(['cache/remote-down']);
});

it('a server that dies during a build costs one warning, never the build', async () => {
  await machine().build();
  const second = machine();
  let answers = 3;
  fake.intercept = ({ socket }) => {
    answers -= 1;
    if (answers >= 0) return false;
    socket.destroy();
    return true;
  };
  expect(await second.build()).toMatchObject({ value: result });
  expect(second.codes()).toEqual(['cache/remote-down']);
});

it('keeps credentials out of the cache and of all that is said', async () => {
  const secret = 'b3BlbjpzZXNhbWU=';
  fake.authorization = `Basic ${secret}`;
  const first = machine({ authorization: `Basic ${secret}` });
  await first.build();
  const stranger = machine({ authorization: 'Basic wrongwrongwrong' });
  expect(await stranger.build()).toMatchObject({ ran: everything });
  expect(stranger.codes()).toEqual(['cache/remote-credentials']);
  const told = JSON.stringify([first.rig.events, first.warnings, stranger.rig.events, stranger.warnings]);
  const kept = Object.values(readTree(first.rig.folder)).map((bytes) => Buffer.from(bytes).toString('latin1'));
  const sent = [...fake.cas.values(), ...fake.ac.values()].map((bytes) => Buffer.from(bytes).toString('latin1'));
  expect(kept.length).toBeGreaterThan(5);
  for (const text of [told, ...kept, ...sent]) expect(text).not.toMatch(/b3BlbjpzZXNhbWU|wrongwrong/);
});

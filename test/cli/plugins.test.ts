import { cpSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { available } from '../helpers/require.ts';
import { shuffled } from '../plugins/network.ts';
import { type Ended, Rig } from './rig.ts';
import { Watch } from './watching.ts';

const example = fileURLToPath(new URL('../plugins/example/', import.meta.url));
const folder = 'build/shuffled/up5k';
const costs = `${folder}/plugins/layer-costs/layers.csv`;

/** The worked examples of docs/plugins.md with their network, in a folder of their own. */
function exampleRig(): Rig {
  const rig = new Rig();
  cpSync(example, rig.folder, { recursive: true });
  rig.write('net.onnx', shuffled());
  return rig;
}

function withPlugin(text: string, trusted = true): Rig {
  const rig = new Rig();
  cpSync(`${example}recipe.yaml`, rig.path('recipe.yaml'));
  rig.write('net.onnx', shuffled());
  mkdirSync(dirname(rig.path('plugins/own.ts')), { recursive: true });
  rig.write('plugins/own.ts', text);
  rig.write('finn.config.yaml', `plugins: [plugins/own.ts]\n${trusted ? 'trust: { plugins: [plugins] }\n' : ''}`);
  return rig;
}

const plain = ({ out, err }: Ended): string => `${out}\n${err}`;
const ran = ({ out }: Ended): string[] => [...out.matchAll(/^✓ (\S+)/gm)].map(([, step]) => step!);

describe('the worked examples', () => {
  let rig: Rig;
  let first: Ended;
  beforeAll(() => {
    rig = exampleRig();
    first = rig.finn(['build', 'recipe.yaml', '--plain']);
  });
  afterAll(() => rig.remove());

  it('an operator, a pass and a step are part of the build', () => {
    expect(first.status, plain(first)).toBe(0);
    expect(first.err).toMatch(/^plug-in plugins\/pick-channels\.ts \(sha256 [0-9a-f]{12}\)$/m);
    expect(first.out).toContain("dead-units: 'fc2' keeps 6 of 8 units");
    expect(
      rig
        .read(costs)
        .split('\n')
        .map((line) => line.split(',')[0]),
    ).toEqual(['layer', 'MVAU_0', 'PickChannels_0', 'MVAU_1', 'MVAU_2', '']);
    expect(rig.read(`${folder}/plugins/layer-costs/layers.md`)).toContain('| PickChannels_0 | shuffle | 1 |');
    // 6·8 + 8·6 + 6·3 weights are left, of which the estimate tells.
    const counts = JSON.parse(rig.read(`${folder}/report/op_and_param_counts.json`)) as Record<
      string,
      Record<string, number>
    >;
    expect(counts['total']!['param_weight_3b']).toBe(48 + 48 + 18);
  });

  it('nothing runs again, and the plan says so', () => {
    const again = rig.finn(['build', 'recipe.yaml', '--plain']);
    expect(again.status, plain(again)).toBe(0);
    expect(ran(again)).toEqual([]);
    expect(rig.finn(['plan', 'recipe.yaml']).out).toMatch(/6 fresh, 0 in the cache, 0 to run/);
    expect(rig.finn(['validate', 'recipe.yaml']).out).toBe('recipe.yaml: right, 1 build\n');
  });

  it('other commands know the operator', () => {
    expect(rig.finn(['operators', 'PickChannels']).out).toContain('a register and wires');
    const layers = `${folder}/intermediate_models/lower.onnx`;
    expect(rig.finn(['inspect', layers]).out).toContain('example.plugins:PickChannels 1');
    expect(rig.finn(['graph', 'recipe.yaml', '--of', 'layers']).out).toContain('PickChannels_0');
  });

  it('an edited plug-in counts at once, and only what differs goes on', () => {
    rig.edit('plugins/dead-units.ts', 'return live.size === 0 ? graph : keepOnly(graph, live);', 'return graph;');
    const plan = rig.finn(['plan', 'recipe.yaml']);
    expect(plan.out).toContain('a plug-in changed');
    const edited = rig.finn(['build', 'recipe.yaml', '--plain']);
    expect(edited.status, plain(edited)).toBe(0);
    expect(ran(edited)).toEqual(['fetch', 'import', 'streamline', 'lower', 'fold', 'layer-costs']);
    const counts = JSON.parse(rig.read(`${folder}/report/op_and_param_counts.json`)) as Record<
      string,
      Record<string, number>
    >;
    expect(counts['total']!['param_weight_3b']).toBe(48 + 64 + 24);
    // And back: everything is in the cache still.
    cpSync(`${example}plugins/dead-units.ts`, rig.path('plugins/dead-units.ts'));
    expect(ran(rig.finn(['build', 'recipe.yaml', '--plain']))).toEqual([]);
  });

  it('a step can be asked for by name', () => {
    const until = rig.finn(['build', 'recipe.yaml', '--until', 'layer-costs', '--plain']);
    expect(until.status, plain(until)).toBe(0);
    const early = rig.finn(['plan', 'recipe.yaml', '--until', 'lower']);
    // It goes along only where what it needs is made.
    expect(early.out).not.toContain('layer-costs');
    expect(rig.finn(['plan', 'recipe.yaml', '--until', 'layer-cost']).err).toContain('did you mean');
  });

  it('without them the network is refused', () => {
    const config = rig.read('finn.config.yaml');
    rig.write('finn.config.yaml', '# nothing\n');
    const bare = rig.finn(['build', 'recipe.yaml', '--plain']);
    expect(bare.status).toBe(1);
    expect(plain(bare)).toContain("'shuffle' (Gather) stands between hardware layers");
    rig.write('finn.config.yaml', config);
  });

  it('the stitched circuit computes what the network does', () => {
    rig.edit('recipe.yaml', 'outputs: [estimate]', 'outputs: [estimate, rtlsim_performance]');
    const simulator = available('iverilog') ? 'iverilog' : available('verilator') ? 'verilator' : 'npm';
    rig.write('recipe.yaml', `${rig.read('recipe.yaml')}tools: { simulation: ${simulator} }\n`);
    const built = rig.finn(['build', 'recipe.yaml', '--plain']);
    expect(built.status, plain(built)).toBe(0);
    const verdicts = JSON.parse(rig.read(`${folder}/verification_output/verdicts.json`)) as {
      stage: string;
      vectors: number;
    }[];
    for (const stage of ['streamline', 'lower', 'codegen', 'stitch'])
      expect(verdicts.find((one) => one.stage === stage)?.vectors, stage).toBeGreaterThan(0);
  });
});

describe('watching', () => {
  it('a saved plug-in is loaded anew; one that is broken is said to be, and waited for', {
    timeout: 120_000,
  }, async () => {
    const rig = exampleRig();
    const watch = new Watch(rig, ['recipe.yaml']);
    try {
      expect(await watch.until(/^watching /)).toContain("'fc2' keeps 6 of 8 units");
      expect(rig.read(costs)).toContain('MVAU_1,48,');
      rig.edit('plugins/dead-units.ts', 'return live.size === 0 ? graph : keepOnly(graph, live);', 'return graph;');
      const edited = await watch.until(/^watching /);
      expect(edited).toMatch(/^changed: plugins\/dead-units\.ts$/m);
      expect(edited).toMatch(/MVAU_1 +48 → 64/);
      expect(rig.read(costs)).toContain('MVAU_1,64,');
      rig.edit('plugins/dead-units.ts', 'export const plugin', 'export konst plugin');
      await watch.until(/^plugins\/dead-units\.ts:\d+:8: error: .*\[plugin\/load\]/);
      cpSync(`${example}plugins/dead-units.ts`, rig.path('plugins/dead-units.ts'));
      await watch.until(/MVAU_1 +64 → 48/);
      await watch.until(/^up5k: built/);
      expect(rig.read(costs)).toContain('MVAU_1,48,');
    } finally {
      await watch.end('SIGKILL');
      rig.remove();
    }
  });
});

describe('trust', () => {
  const text = `import { writeFileSync } from 'node:fs';
import { definePlugin } from 'finn';
writeFileSync('marker', '');
export const plugin = definePlugin({ name: 'own' });
`;

  it('no command runs a plug-in that nobody trusts', () => {
    const rig = withPlugin(text, false);
    for (const words of [['build'], ['plan'], ['validate'], ['graph'], ['lock']]) {
      const refused = rig.finn([...words, 'recipe.yaml']);
      expect(refused.status, `${words}: ${plain(refused)}`).toBe(2);
      expect(refused.err).toMatch(
        /finn\.config\.yaml wants to load the plug-in plugins\/own\.ts, which would run \[trust\/plugin\]\n {2}hint: /,
      );
      expect(rig.has('marker')).toBe(false);
    }
    const shown = rig.finn(['inspect', 'net.onnx']);
    expect(shown.status).toBe(0);
    expect(shown.err).toMatch(/^warning: .*\[trust\/plugin\]/);
    expect(rig.has('marker')).toBe(false);
    const allowed = rig.finn(['build', 'recipe.yaml', '--allow-run', '--until', 'import', '--plain']);
    expect(allowed.status, plain(allowed)).toBe(0);
    expect(allowed.err).toMatch(/^plug-in plugins\/own\.ts \(sha256 /);
    expect(rig.has('marker')).toBe(true);
    rig.remove();
  });
});

describe('a plug-in that is wrong', () => {
  const refused = (text: string): { status: number | null; said: string } => {
    const rig = withPlugin(text);
    const ended = rig.finn(['build', 'recipe.yaml', '--plain', '--until', 'import']);
    rig.remove();
    return { status: ended.status, said: plain(ended) };
  };

  it('does not compile: the place', () => {
    const { status, said } = refused(
      "import { definePlugin } from 'finn';\nexport const plugin = definePlugin({ name: 'own',,\n",
    );
    expect(status).toBe(2);
    expect(said).toMatch(
      /plugins\/own\.ts:2:50: error: Expected identifier but found "," \[plugin\/load\]\n {2}2 \| export const plugin/,
    );
  });

  it('throws while it is loaded: the line, and no stack of finn’s', () => {
    const { status, said } = refused(
      "import 'finn';\nconst wrong = undefined as unknown as { x: number };\nexport const plugin = wrong.x;\n",
    );
    expect(status).toBe(2);
    expect(said).toMatch(
      /plugins\/own\.ts:3:29: error: a plug-in broke: TypeError: Cannot read properties of undefined/,
    );
    expect(said).not.toMatch(/^ +at /m);
  });

  it('a pass that changes the meaning is caught at once, or by the next verification, and named', () => {
    // The last product with one weight more; in reals before streamlining, in integers behind it.
    const pass = (at: string): string => `import { constant, definePlugin, node, output, tensor } from 'finn';
export const plugin = definePlugin({
  name: 'own',
  passes: [{
    name: 'more', doc: 'changes a weight', at: '${at}',
    run(graph) {
      const [{ name, value }] = graph.outputs;
      const { op, inputs: [x, w], attrs, origin } = value.node;
      const given = w.kind === 'constant' ? w : w.node.inputs[0];
      const data = Float64Array.from(given.tensor.data, (one, i) => (i === 0 ? one - 1 : one));
      const other = constant(tensor(given.tensor.dtype, given.tensor.shape, data));
      const quantised = (from) => output(node(from.op, [other, ...from.inputs.slice(1)], from.attrs, from.origin));
      const weights = w.kind === 'constant' ? other : quantised(w.node);
      return { ...graph, outputs: [{ name, value: output(node(op, [x, weights], attrs, origin)) }] };
    },
  }],
});
`;
    const rig = withPlugin(pass('before streamline'));
    // A network that finn takes by itself.
    rig.write('net.onnx', shuffled({ shuffle: false }));
    const late = rig.finn(['build', 'recipe.yaml', '--plain', '--until', 'lower']);
    expect(late.status, plain(late)).toBe(1);
    expect(plain(late)).toMatch(/after streamline, vector 0: output 'y' gives [\s\S]*\[verify\/mismatch\]/);
    expect(plain(late)).toContain("what changed the graph before this check: pass 'more' of plugins/own.ts");
    rig.write('plugins/own.ts', pass('after streamline'));
    const soon = rig.finn(['build', 'recipe.yaml', '--plain', '--until', 'lower']);
    expect(soon.status, plain(soon)).toBe(1);
    expect(plain(soon)).toMatch(
      /pass 'more' of plugins\/own\.ts changes what the network computes: .* \[plugin\/pass\]/,
    );
    rig.remove();
  });

  it('a step that breaks, or makes something else than it says', () => {
    const step = (run: string): string => `import { artifacts, buildStep, definePlugin, files } from 'finn';
const made = files('own-table', 'a table');
const own = buildStep({
  name: 'own', doc: '', needs: { network: artifacts.network }, makes: { made }, config: () => ({}),
  ${run}
});
export const plugin = definePlugin({ name: 'own', steps: [own] });
`;
    const rig = withPlugin(step('run: async ({ network }) => ({ made: network.nodes.length }),'));
    const said = (text: string): string => {
      rig.write('plugins/own.ts', step(text));
      const ended = rig.finn(['build', 'recipe.yaml', '--plain', '--until', 'own']);
      expect(ended.status, plain(ended)).toBe(1);
      return plain(ended);
    };
    expect(said('run: async ({ network }) => ({ made: network.nodes.length }),')).toMatch(
      /plugins\/own\.ts:5:\d+: error: a plug-in broke: TypeError: Cannot read properties of undefined .*\[plugin\/threw\]/,
    );
    expect(said('run: async () => ({}),')).toContain("step 'own' of plugins/own.ts made no 'made' [plugin/step]");
    expect(said("run: async () => ({ made: { 'a.txt': 'text' } }),")).toContain(
      "has a file 'a.txt' that is no Uint8Array",
    );
    rig.remove();
  });
});

describe('settings of layers', () => {
  const text = `import { apply, definePlugin, operators } from 'finn';
// finn's own ChannelwiseOp under another name, with a setting more.
const own = operators.find((one) => one.name === 'PickChannels') ?? operators[0];
export const plugin = definePlugin({
  name: 'own',
  operators: [{ ...own, name: 'Own', lower: () => undefined, fields: { depth: { doc: 'stages', type: 'integer', finn: 'depth' } } }],
});
`;

  it('those of a plug-in’s operators may stand in a recipe; others are refused by name', () => {
    const rig = withPlugin(text);
    rig.write('net.onnx', shuffled({ shuffle: false }));
    const settings = (layer: string): Ended => {
      cpSync(`${example}recipe.yaml`, rig.path('recipe.yaml'));
      rig.edit('recipe.yaml', 'MVAU_0: { pe: 2, simd: 6 }', layer);
      return rig.finn(['validate', 'recipe.yaml']);
    };
    expect(settings('MVAU_0: { pe: 2, simd: 6 }').status).toBe(0);
    const other = settings('MVAU_0: { depth: 2 }');
    expect(other.status).toBe(2);
    expect(other.err).toMatch(/MVAU layers have no 'depth' \[fold\/no-such-attribute\]/);
    const typo = settings('MVAU_0: { dept: 2 }');
    expect(typo.status).toBe(2);
    expect(typo.err).toMatch(
      /recipe\.yaml:\d+:\d+: error: unknown key `dept` in `folding\.hand\.layers\.MVAU_0` \[config\/unknown-key\][\s\S]*did you mean/,
    );
    expect(settings('MVAU_0: { depth: [1] }').err).toMatch(/it must be a whole number or a word/);
    rig.remove();
  });
});

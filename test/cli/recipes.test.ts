import { mkdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Rig } from './rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
  rig.addDigits();
});
afterEach(() => rig.remove());

describe('finn validate', () => {
  it('goes through to folding and writes nothing', () => {
    expect(rig.finn(['validate', 'digits.yaml'])).toEqual({
      status: 0,
      out: 'digits.yaml: right, 2 builds\n',
      err: '',
    });
    expect(rig.has('.finn')).toBe(false);
    expect(rig.has('build')).toBe(false);
  });

  it('shows every mistake of a recipe at once, with its place', () => {
    rig.write(
      'bad.yaml',
      `finn: 1
networks:
  digits:
    model: { file: digit.onnx }
    input: { datatype: uint5, scal: 1/16 }
targets:
  here: { board: mine.yaml, clock_mhz: 24 }
builds:
  one: { network: digits, target: hree }
`,
    );
    expect(rig.finn(['validate', 'bad.yaml'])).toEqual({
      status: 2,
      out: 'bad.yaml: 6 errors\n',
      err: `bad.yaml:1:1: error: the file lacks the key \`folding\` [config/missing-key]
  1 | finn: 1
    | ~
  hint: \`folding\`: How parallel the layers are, by a name of your choice.
bad.yaml:4:20: error: \`networks.digits.model.file\`: there is no file digit.onnx [recipe/file-missing]
  4 |     model: { file: digit.onnx }
    |                    ~~~~~~~~~~
bad.yaml:5:31: error: unknown key \`scal\` in \`networks.digits.input\` [config/unknown-key]
  5 |     input: { datatype: uint5, scal: 1/16 }
    |                               ~~~~
  hint: did you mean \`scale\`? legal keys: datatype, scale, bias, mean, std
bad.yaml:7:18: error: there is no board file mine.yaml [board/unknown]
  7 |   here: { board: mine.yaml, clock_mhz: 24 }
    |                  ~~~~~~~~~
bad.yaml:9:3: error: \`builds.one\` lacks the key \`folding\` [config/missing-key]
  9 |   one: { network: digits, target: hree }
    |   ~~~
  hint: \`folding\`: A name from \`folding\`.
bad.yaml:9:35: error: there is no target \`hree\` [recipe/unknown-name]
  9 |   one: { network: digits, target: hree }
    |                                   ~~~~
  hint: did you mean \`here\`? targets: here
`,
    });
    expect(rig.has('.finn')).toBe(false);
  });

  it('finds in the networks what no schema can: a folding that does not divide', () => {
    rig.edit('digits.yaml', 'MVAU_0: { pe: 4, simd: 16', 'MVAU_0: { pe: 3, simd: 16');
    rig.edit('digits.yaml', 'MVAU_2: { pe: 5, simd: 2 }', 'MVAU_9: { pe: 5, simd: 2 }');
    const { status, err } = rig.finn(['validate', 'digits.yaml']);
    expect(status).toBe(2);
    expect(err).toMatch(/^digits\.yaml:\d+:\d+: error: .*3.*64/m);
    expect(err).toContain('MVAU_9');
    expect(err).toContain('[fold/no-such-layer]');
    expect(rig.has('.finn')).toBe(false);
  });

  it('finds a model that is broken', () => {
    rig.write('digits.onnx', 'this is no model');
    const { status, err } = rig.finn(['validate', 'digits.yaml']);
    expect(status).toBe(2);
    expect(err).toContain('[onnx/malformed]');
    expect(rig.has('.finn')).toBe(false);
  });

  it('takes several recipes, and goes on after a bad one', () => {
    const { status, out, err } = rig.finn(['validate', 'none.yaml', 'digits.yaml']);
    expect({ status, out }).toEqual({
      status: 2,
      out: 'none.yaml: 1 error\ndigits.yaml: right, 2 builds\n',
    });
    expect(err).toBe('error: there is no recipe none.yaml [config/unreadable]\n  hint: `finn init` writes one\n');
  });

  it('says with --json where and what', () => {
    rig.edit('digits.yaml', 'board: icebreaker', 'board: icebraker');
    const { status, out, err } = rig.finn(['validate', 'digits.yaml', '--json']);
    expect({ status, err }).toEqual({ status: 2, err: '' });
    const { recipes } = JSON.parse(out);
    expect(recipes).toHaveLength(1);
    expect(recipes[0]).toMatchObject({
      recipe: 'digits.yaml',
      ok: false,
      diagnostics: [{ severity: 'error', code: 'board/unknown', file: 'digits.yaml', column: 24 }],
    });
  });

  it('does not run the programs that make models', () => {
    rig.edit('digits.yaml', 'file: digits.onnx', 'run: [sh, make.sh]\n      inputs: [make.sh]\n      output: m.onnx');
    rig.write('make.sh', 'touch ran; cp digits.onnx m.onnx\n');
    expect(rig.finn(['validate', 'digits.yaml'])).toEqual({
      status: 0,
      out: 'digits.yaml: right, 2 builds\n  digits: not looked into, the model is made by `sh make.sh`\n',
      err: '',
    });
    const plan = rig.finn(['plan', 'digits.yaml']);
    expect(plan.status).toBe(0);
    expect(plan.out).toContain('known after fold');
    expect([rig.has('ran'), rig.has('.finn')]).toEqual([false, false]);
  });
});

describe('finn plan', () => {
  it('says what will run and leaves nothing behind', () => {
    const { status, out, err } = rig.finn(['plan', 'digits.yaml', '--until', 'codegen', '--build', 'icebreaker']);
    expect({ status, err }).toEqual({ status: 0, err: '' });
    expect(out).toBe(
      [
        '     STEP        OF                               TIME  BECAUSE',
        'run  fetch       digits                                 never ran here',
        'run  import      digits                                 never ran here',
        'run  streamline  digits                                 never ran here',
        'run  lower       digits                                 never ran here',
        'run  fold        digits/icebreaker                      never ran here',
        'run  codegen     digits/icebreaker/MVAU_0               never ran here',
        'run  codegen     digits/icebreaker/MVAU_1               never ran here',
        'run  codegen     digits/icebreaker/MVAU_2               never ran here',
        'run  codegen     digits/icebreaker/LabelSelect_0        never ran here',
        '',
        '0 fresh, 0 in the cache, 9 to run',
        'how long it takes is not known: nothing of it ran here before',
        '',
      ].join('\n'),
    );
    expect(rig.has('.finn')).toBe(false);
  });

  it('names the value that changed and the layers that it changes, and no others', () => {
    const until = ['digits.yaml', '--until', 'codegen', '--build', 'icebreaker'];
    expect(rig.finn(['build', ...until]).status).toBe(0);
    const fresh = JSON.parse(rig.finn(['plan', ...until, '--json']).out);
    expect(fresh).toMatchObject({ fresh: 9, cached: 0, run: 0, seconds: 0 });

    rig.edit('digits.yaml', 'MVAU_1: { pe: 2, simd: 16', 'MVAU_1: { pe: 4, simd: 16');
    const changed = JSON.parse(rig.finn(['plan', ...until, '--json']).out);
    type Line = { step: string; scope: string; state: string; because: string[] };
    expect(changed.steps.filter(({ state }: Line) => state !== 'fresh')).toMatchObject([
      { step: 'fold', state: 'run', because: ['folding.small.layers.MVAU_1.pe: 2 → 4'], causes: [] },
      {
        step: 'codegen',
        scope: 'digits/icebreaker/MVAU_1',
        state: 'run',
        because: ['layer from fold changed'],
        causes: ['folding.small.layers.MVAU_1.pe: 2 → 4 (fold digits/icebreaker)'],
      },
    ]);
    expect(changed.seconds).toBeGreaterThan(0);

    // The plan itself left no result: the second says the same, and going back is fresh.
    expect(JSON.parse(rig.finn(['plan', ...until, '--json']).out)).toEqual(changed);
    rig.edit('digits.yaml', 'MVAU_1: { pe: 4, simd: 16', 'MVAU_1: { pe: 2, simd: 16');
    expect(JSON.parse(rig.finn(['plan', ...until, '--json']).out)).toEqual(fresh);
  });

  it('shows what is wrong with a folding before it is built', () => {
    rig.edit('digits.yaml', 'MVAU_0: { pe: 4, simd: 16', 'MVAU_0: { pe: 3, simd: 16');
    const { status, out, err } = rig.finn(['plan', 'digits.yaml', '--build', 'icebreaker']);
    expect(status).toBe(2);
    expect(out).toMatch(/^wrong +fold +digits\/icebreaker/m);
    expect(err).toMatch(/^digits\.yaml:\d+:\d+: error:/m);
    expect(rig.has('.finn')).toBe(false);
  });
});

describe('finn build', () => {
  it('builds to a step, and again with nothing to do', () => {
    const first = rig.finn(['build', 'digits.yaml', '--until', 'fold', '--build', 'icebreaker']);
    expect({ status: first.status, err: first.err }).toEqual({ status: 0, err: '' });
    expect(first.out).toContain('build/digits/icebreaker\n');
    expect(rig.has('build/digits/icebreaker/report/estimate_layer_cycles.json')).toBe(true);
    const second = rig.finn(['build', 'digits.yaml', '--until', 'fold', '--build', 'icebreaker']);
    expect(second.status).toBe(0);
    expect(second.out).toMatch(/0 ran, 5 fresh/);
  });

  it('ends with 1 where a step fails and 2 where the command is wrong, and then writes nothing', () => {
    rig.edit('digits.yaml', 'MVAU_0: { pe: 4, simd: 16', 'MVAU_0: { pe: 3, simd: 16');
    expect(rig.finn(['build', 'digits.yaml', '--build', 'icebraker'])).toEqual({
      status: 2,
      out: '',
      err: "error: digits has no build 'icebraker' [recipe/unknown-name]\n  hint: did you mean `icebreaker`? builds: icebreaker, hx8k\n",
    });
    expect(rig.finn(['build', 'digits.yaml', '--until', 'folding']).status).toBe(2);
    expect(rig.finn(['build', 'digits.yaml', '--jobs', '0']).status).toBe(2);
    expect(rig.finn(['build', 'digits.yaml', '--locked']).status).toBe(2);
    expect(rig.has('.finn')).toBe(false);
    const failed = rig.finn(['build', 'digits.yaml', '--until', 'fold', '--build', 'icebreaker']);
    expect(failed.status).toBe(1);
    expect(failed.out + failed.err).toMatch(/digits\.yaml:\d+:\d+: error:/);
    expect(rig.has('build/digits/icebreaker/build.json')).toBe(false);
  });
});

describe('what is wrong with the command line', () => {
  it('is found before anything runs: steps to force, folders and jobs that are none', () => {
    for (const [words, said] of [
      [['--force', 'flod'], "there is no step 'flod' [cli/usage]\n  hint: did you mean `fold`?"],
      [['--out', ''], "option '--out <dir>' argument '' is invalid. It takes the path of a folder"],
      [['--jobs', '10000'], "option '--jobs <n>' argument '10000' is invalid. It takes a whole number from 1 to 9999."],
    ] as const) {
      const { status, out, err } = rig.finn(['build', 'digits.yaml', ...words]);
      expect([status, out]).toEqual([2, '']);
      expect(err).toContain(said);
    }
    expect(rig.has('.finn')).toBe(false);
  });

  it('is one JSON object with --json, whatever the command', () => {
    for (const [words, code] of [
      [['build', 'none.yaml'], 'config/unreadable'],
      [['plan', 'none.yaml'], 'config/unreadable'],
      [['plan', 'digits.yaml', '--until', 'flod'], 'cli/usage'],
      [['explain', 'digits.yaml', 'flod'], 'cli/usage'],
      [['build', 'digits.yaml', '--frce', 'fold'], 'cli/usage'],
      [['build', '--json'], 'cli/usage'],
      [['verify-build', 'none'], 'cli/file'],
      [['diff', 'none', 'none'], 'cli/file'],
      [['inspect', 'digits.yaml'], 'onnx/malformed'],
      [['boards', 'none'], 'board/unknown'],
      [['cache', 'verify', 'none/none.yaml', '--size'], 'cli/usage'],
    ] as const) {
      const { status, out, err } = rig.finn([...words, '--json']);
      expect(status).toBe(2);
      expect(err).toContain('error: ');
      const told = JSON.parse(out);
      expect(told).toMatchObject({ type: 'refused', status: 2, diagnostics: [{ severity: 'error', code }] });
      expect(told.diagnostics[0].message).not.toMatch(/^error/);
    }
  });
});

describe('finn graph', () => {
  it('draws steps, network and layers in every format', () => {
    const steps = rig.finn(['graph', 'digits.yaml', '--build', 'icebreaker']);
    expect({ status: steps.status, err: steps.err }).toEqual({ status: 0, err: '' });
    expect(steps.out).toMatch(/^digraph "digits" \{\n/);
    expect(steps.out).toContain('label="lower\\ndigits"');
    const network = rig.finn(['graph', 'digits.yaml', '--of', 'network', '--format', 'mermaid']);
    expect(network.out).toMatch(/^flowchart TD\n {2}n0\("pixels"\)\n/);
    expect(network.out.match(/MatMul<br>/g)).toHaveLength(3);
    const layers = rig.finn(['graph', 'digits.yaml', '--of', 'layers', '--format', 'svg', '--build', 'hx8k']);
    expect(layers.out).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
    for (const name of ['MVAU_0', 'MVAU_2', 'LabelSelect_0', 'pe 5, simd 2, memory auto'])
      expect(layers.out).toContain(`>${name}<`);
    expect(rig.finn(['graph', 'digits.yaml', '--of', 'layer']).err).toContain('did you mean `layers`?');
    expect(rig.finn(['graph', 'digits.yaml', '--format', 'png']).status).toBe(2);
    expect(rig.has('.finn')).toBe(false);
  });

  it('draws the time that builds took', () => {
    const none = rig.finn(['graph', 'digits.yaml', '--of', 'time', '--out', 'elsewhere']);
    expect(none.status).toBe(2);
    expect(none.err).toContain('there is no build of digits in elsewhere');
    mkdirSync(rig.path('elsewhere/digits/icebreaker'), { recursive: true });
    rig.write('elsewhere/digits/icebreaker/time_per_step.json', '{"fetch": 1, "synthesize/MVAU_0": 2}');
    const drawn = rig.finn(['graph', 'digits.yaml', '--of', 'time', '--out', 'elsewhere']);
    expect({ status: drawn.status, err: drawn.err }).toEqual({ status: 0, err: '' });
    expect(drawn.out).toMatch(/^<svg [\s\S]*<title>synthesize: 2\.0 s<\/title>[\s\S]*<\/svg>\n$/);
    expect(rig.finn(['graph', 'digits.yaml', '--of', 'time', '--format', 'dot']).status).toBe(2);
  });
});

describe('finn clean', () => {
  it('removes what finn made and nothing else', () => {
    expect(rig.finn(['build', 'digits.yaml', '--until', 'fold']).status).toBe(0);
    rig.write('build/digits/icebreaker/mine.txt', 'mine');
    expect(rig.finn(['cache', 'ls', 'digits.yaml']).out).toMatch(/^objects +\d+ +[\d.]+ kB +contents of results$/m);
    expect(rig.finn(['clean', 'digits.yaml'])).toEqual({
      status: 0,
      out: "removed build/digits/hx8k\ncleaned build/digits/icebreaker; not finn's, and left there: mine.txt\n",
      err: '',
    });
    expect(rig.read('build/digits/icebreaker/mine.txt')).toBe('mine');
    expect(rig.has('.finn')).toBe(true);
    rig.write('.finn/mine.txt', 'mine');
    const { status, out } = rig.finn(['clean', 'digits.yaml', '--cache']);
    expect(status).toBe(0);
    expect(out).toMatch(
      /^build\/digits: no builds of digits\ncleaned .*\.finn; not finn's, and left there: mine\.txt\n$/,
    );
    expect([rig.has('.finn/objects'), rig.has('.finn/mine.txt'), rig.has('digits.onnx')]).toEqual([false, true, true]);
    expect(rig.finn(['clean']).status).toBe(2);
  });
});

describe('finn lock', () => {
  it('pins the tools without building', () => {
    expect(rig.finn(['lock', 'digits.yaml']).status).toBe(0);
    const { lock, tools } = JSON.parse(rig.read('finn.lock'));
    expect(lock).toBe(2);
    expect(tools).toHaveProperty('yosys');
    expect(rig.has('build')).toBe(false);
    const before = rig.read('finn.lock');
    expect(rig.finn(['lock', 'digits.yaml']).status).toBe(0);
    expect(rig.read('finn.lock')).toBe(before);
  });
});

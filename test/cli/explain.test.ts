import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Rig } from './rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
  rig.addDigits();
});
afterEach(() => rig.remove());

const explain = (step: string, ...more: string[]) =>
  rig.finn(['explain', 'digits.yaml', step, '--build', 'icebreaker', ...more]);
const build = (until: string) => rig.finn(['build', 'digits.yaml', '--build', 'icebreaker', '--until', until]);

describe('finn explain', () => {
  it('says what changed since a step last ran, in the words of the recipe', () => {
    expect(explain('codegen/MVAU_1').out).toBe('codegen digits/icebreaker/MVAU_1: has to run\n  never ran here\n');
    expect(rig.has('.finn')).toBe(false);
    expect(build('codegen').status).toBe(0);
    expect(explain('codegen/MVAU_1')).toEqual({ status: 0, out: 'codegen digits/icebreaker/MVAU_1: fresh\n', err: '' });

    rig.edit('digits.yaml', 'MVAU_1: { pe: 2, simd: 16', 'MVAU_1: { pe: 4, simd: 16');
    const cause = 'folding.small.layers.MVAU_1.pe: 2 → 4';
    expect(explain('fold').out).toMatch(
      new RegExp(`^fold digits/icebreaker: has to run, [\\d.]+ s the last time\n {2}${cause}\n$`),
    );
    const { status, out, err } = explain('codegen');
    expect([status, err]).toEqual([0, '']);
    expect(out.split('\n')).toEqual([
      'codegen digits/icebreaker/MVAU_0: fresh',
      expect.stringMatching(/^codegen digits\/icebreaker\/MVAU_1: has to run, [\d.]+ s the last time$/),
      '  layer from fold changed',
      `  ${cause} (fold digits/icebreaker)`,
      'codegen digits/icebreaker/MVAU_2: fresh',
      'codegen digits/icebreaker/LabelSelect_0: fresh',
      '',
    ]);
    expect(explain('stitch').out).toContain(
      `has to run unless what it needs turns out as before\n  after codegen\n  ${cause} (`,
    );
    expect(JSON.parse(explain('codegen/icebreaker/MVAU_1', '--json').out)).toMatchObject({
      recipe: 'digits',
      steps: [
        {
          step: 'codegen',
          state: 'run',
          because: ['layer from fold changed'],
          causes: [`${cause} (fold digits/icebreaker)`],
        },
      ],
    });

    rig.edit('digits.yaml', 'MVAU_1: { pe: 4, simd: 16', 'MVAU_1: { pe: 2, simd: 16');
    expect(explain('codegen/MVAU_1').out).toBe('codegen digits/icebreaker/MVAU_1: fresh\n');
  });

  it('has a word of the recipe for inputs, targets, settings and files', () => {
    expect(build('fold').status).toBe(0);
    rig.edit('digits.yaml', 'datatype: uint5, scale: 1/16', 'datatype: uint5, scale: 1/15');
    rig.edit(
      'digits.yaml',
      'icebreaker: { board: icebreaker, clock_mhz: 24 }',
      'icebreaker: { board: icebreaker, clock_mhz: 36 }',
    );
    rig.edit(
      'digits.yaml',
      '\nbuilds:',
      '\nsteps: { stitch: { fifos: { depths: { StreamingFIFO_0: 8 } } } }\n\nbuilds:',
    );
    const labels = rig.bytes('test-labels.npy');
    labels[labels.length - 1]! ^= 1;
    rig.write('test-labels.npy', labels);
    expect(explain('import').out).toMatch(/^ {2}networks\.digits\.input\.scale(\[0\])?: 1\/16 → 1\/15$/m);
    expect(explain('import').out).toMatch(/^ {2}networks\.digits\.verify\.labels: changed$/m);
    const { out } = explain('fold');
    expect(out).toMatch(/^ {2}targets\.icebreaker\.clock_mhz: 24 → 36$/m);
    expect(out).toMatch(/^ {2}steps\.stitch\.fifos\.depths\.StreamingFIFO_0: unset → 8$/m);
  });

  it('suggests what was meant where there is no such step or instance', () => {
    expect(explain('codgen')).toMatchObject({
      status: 2,
      out: '',
      err: expect.stringContaining('did you mean `codegen`?'),
    });
    expect(explain('codegen/MVAU_O')).toMatchObject({
      status: 2,
      err: expect.stringContaining('did you mean `MVAU_0`?'),
    });
    expect(explain('run-model').err).toContain("step 'run-model' ");
  });
});

describe('finn plan', () => {
  it('says how long it takes by earlier runs, with the jobs that are asked for', () => {
    expect(build('codegen').status).toBe(0);
    rig.edit('digits.yaml', 'MVAU_1: { pe: 2, simd: 16', 'MVAU_1: { pe: 4, simd: 16');
    const plan = ['plan', 'digits.yaml', '--build', 'icebreaker', '--until', 'codegen'];
    const { out } = rig.finn([...plan, '--jobs', '3']);
    expect(out).toMatch(
      /^about [\d.]+ s with 3 jobs by earlier runs \([\d.]+ s of work, the longest chain [\d.]+ s\)$/m,
    );
    expect(out).toMatch(
      /^run +codegen +digits\/icebreaker\/MVAU_1 +[\d.]+ s +layer from fold changed: folding\.small\.layers\.MVAU_1\.pe: 2 → 4 \(fold digits\/icebreaker\)$/m,
    );
    const { seconds, expected, longest, jobs } = JSON.parse(rig.finn([...plan, '--json', '--jobs', '1']).out);
    expect(jobs).toBe(1);
    expect(expected).toBeCloseTo(seconds, 9);
    expect(longest).toBeLessThanOrEqual(seconds + 1e-9);
    expect(rig.finn([...plan, '--force', 'x']).status).toBe(2);
  });
});

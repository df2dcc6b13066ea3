import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Rig } from './rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
  rig.addDigits();
});
afterEach(() => rig.remove());

/** Gates for all builds of the recipe, which then ask for estimates alone. */
const gates = (text: string, outputs = '[estimate]'): void =>
  rig.edit('digits.yaml', '\nbuilds:', `\nexpect: ${text}\noutputs: ${outputs}\n\nbuilds:`);
const build = (...more: string[]) => rig.finn(['build', 'digits.yaml', '--build', 'hx8k', ...more]);
const told = () => JSON.parse(rig.read('build/digits/hx8k/build.json')).expect;

describe('expect', () => {
  it('lets a build pass that keeps its gates, and build.json tells what was measured', () => {
    gates('{ fps: ">= 750000", lut: "< 5000", cycles: "== 32", accuracy: ">= 98/100" }');
    expect(build()).toMatchObject({ status: 0, err: '' });
    expect(told()).toEqual([
      { metric: 'fps', wanted: '>= 750000', measured: 750000 },
      { metric: 'lut', wanted: '< 5000', measured: expect.any(Number) },
      { metric: 'cycles', wanted: '== 32', measured: 32 },
      { metric: 'accuracy', wanted: '>= 0.98', measured: 442 / 450 },
    ]);
  });

  it('fails a build that misses one, with the value, the gate and its place, and shows all that are missed', () => {
    gates('{ fps: ">= 800000", cycles: "> 32", lut: "<= 5000" }');
    const { status, err, out } = build();
    expect(status).toBe(1);
    expect(err).toMatch(
      /^digits\.yaml:\d+:\d+: error: hx8k: fps is 750000, not >= 800000: 50000 below it \[expect\/missed\]$/m,
    );
    expect(err).toMatch(/^ *\d+ \| expect: \{ fps: ">= 800000"/m);
    expect(err).toMatch(/^digits\.yaml:\d+:\d+: error: hx8k: cycles is 32, not > 32 \[expect\/missed\]$/m);
    expect(err).not.toContain('hx8k: lut');
    // What was built is there to be looked at, and says so itself.
    expect(out).toContain('build/digits/hx8k');
    expect(told()[0]).toEqual({ metric: 'fps', wanted: '>= 800000', measured: 750000 });
    expect(rig.finn(['verify-build', 'build/digits/hx8k']).status).toBe(0);
    // Nothing has to run, and it fails all the same.
    expect(build().status).toBe(1);
  });

  it('refuses before anything runs a gate that nothing in the recipe measures', () => {
    gates('{ fmax_mhz: ">= 24" }');
    const { status, err } = build();
    expect(status).toBe(2);
    expect(err).toContain('`fmax_mhz` is expected of hx8k, but none of its outputs measures it [recipe/expect]');
    expect(err).toContain('hint: ask for one of these under `outputs`: bitfile, deployment');
    expect(rig.has('.finn')).toBe(false);
  });

  it('does not judge what ends before its last step', () => {
    gates('{ fps: ">= 800000" }');
    expect(build('--until', 'fold')).toMatchObject({ status: 0, err: '' });
    expect(told()).toEqual([]);
  });
});

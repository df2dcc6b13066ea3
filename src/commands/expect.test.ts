import { describe, expect, it } from 'vitest';
import type { Build, Expectation } from '../config/model.ts';
import { parseRational } from '../util/rational.ts';
import { checkExpectations, judgeExpectations } from './expect.ts';

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const at = { in: 'recipe', pointer: '/expect/lut' } as const;
const gate = (metric: Expectation['metric'], operator: Expectation['operator'], value: string): Expectation => ({
  metric,
  operator,
  value: parseRational(value)!,
  at,
});
const build = (...gates: Expectation[]): Build => ({ name: 'b', expect: gates }) as unknown as Build;

describe('gates', () => {
  it('count what was simulated and synthesized before what was estimated', () => {
    const files = {
      'report/estimate_network_performance.json': json({ estimated_throughput_fps: 100, max_cycles: 7 }),
      'report/estimate_layer_resources.json': json({ total: { LUT: 10, FF: 20, EBR_4K: 1 } }),
    };
    const gates = build(gate('fps', '>=', '90'), gate('lut', '<=', '10'), gate('bram', '==', '1'));
    expect(judgeExpectations(gates, files).map(({ measured }) => measured)).toEqual([100, 10, 1]);
    const more = {
      ...files,
      'report/rtlsim_performance.json': json({ 'throughput[images/s]': 80, latency_cycles: 30, 'fclk[mhz]': 12 }),
      'report/post_synth_resources.json': json({ '(top)': { LUT: 12, FF: 20, EBR_4K: 1 } }),
    };
    expect(judgeExpectations(gates, more).map(({ measured }) => measured)).toEqual([80, 12, 1]);
    expect(checkExpectations(gates, more).map(({ message }) => message)).toEqual([
      'b: fps is 80, not >= 90: 10 below it',
      'b: lut is 12, not <= 10: 2 above it',
    ]);
    expect(checkExpectations(build(gate('latency_us', '<=', '5/2')), more)).toEqual([]);
    expect(checkExpectations(build(gate('latency_us', '<', '5/2')), more)).toHaveLength(1);
  });

  it('are missed by what was not measured, or is no number', () => {
    const [missed] = checkExpectations(build(gate('fmax_mhz', '>=', '24')), {});
    expect(missed).toMatchObject({
      code: 'expect/missed',
      severity: 'error',
      message: 'b: fmax_mhz was not measured, so `>= 24` cannot be checked',
      at,
    });
    const files = { 'report/post_route_timing.json': json({ fmax_mhz: null }) };
    expect(checkExpectations(build(gate('fmax_mhz', '>=', '24')), files)).toHaveLength(1);
    expect(judgeExpectations(build(gate('fmax_mhz', '>=', '24')), files)[0]).not.toHaveProperty('measured');
  });
});

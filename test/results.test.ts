import { describe, expect, it } from 'vitest';
import { measure } from '../scripts/results/measure.ts';
import { better, points } from '../scripts/results/published.ts';
import { placeOf, sweepLayer } from '../scripts/results/sweep-layer.ts';
import { simulateUnsw } from '../scripts/results/unsw-report.ts';
import { mvau } from '../src/operators/mvau/index.ts';
import { testCall } from '../src/sim/direct.ts';
import { conform } from './helpers/conform.ts';
import { available, shared } from './helpers/require.ts';

const simulates = available('iverilog');
const device = { family: 'xcup' } as const;

describe.skipIf(!simulates)('MVAU on LUTs of six inputs', () => {
  it('every sample keeps its word', { timeout: 600_000 }, async () => {
    const candidates = mvau.samples().map((layer, i) => ({ name: `lut6_${i}`, layer, device }));
    expect(await conform(candidates, testCall(), { simulator: 'iverilog' })).toEqual([]);
  });
});

/** Of each kind some of the smallest, and those where least was gained. */
const held = [
  ['4-bit', 2, 2],
  ['4-bit', 4, 4],
  ['4-bit', 8, 2],
  ['xnor', 1, 64],
  ['binary', 1, 64],
  ['xnor', 64, 1],
] as const;

describe.skipIf(!available('yosys'))('the published matrix-vector units are larger', () => {
  for (const [kind, pe, simd] of held) {
    it(`${kind}, PE ${pe}, SIMD ${simd}`, { timeout: 300_000 }, async () => {
      const point = points.find((p) => p.kind === kind && p.pe === pe && p.simd === simd)!;
      const layer = sweepLayer(point, placeOf(point));
      const { merged, through } = await measure(mvau.rtl(layer, device, 'sweep'), 'xcup', 'native');
      expect(merged + through).toBeLessThan(better(point));
    });
  }
});

describe.skipIf(!available('shared') || !simulates)('intrusion detection', () => {
  it('unfolded: a frame every cycle, every output right, with stalls too', { timeout: 600_000 }, async () => {
    expect(await simulateUnsw(shared, 1, 24, 'iverilog')).toMatchObject({ interval: 1, frames: 48 });
  });
});

import { describe, expect, it } from 'vitest';
import { mvau } from '../src/operators/mvau/index.ts';
import { testCall } from '../src/sim/direct.ts';
import { conform } from './helpers/conform.ts';
import { available } from './helpers/require.ts';

describe.skipIf(!available('iverilog'))('MVAU on LUTs of six inputs', () => {
  it('every sample keeps its word', { timeout: 600_000 }, async () => {
    const candidates = mvau
      .samples()
      .map((layer, i) => ({ name: `lut6_${i}`, layer, device: { family: 'xcup' } as const }));
    expect(await conform(candidates, testCall(), { simulator: 'iverilog' })).toEqual([]);
  });
});

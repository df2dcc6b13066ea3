import { describe, expect, it } from 'vitest';
import { rowData, rowLines, rowsOf } from './watch-rows.ts';

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

type Layer = readonly [cycles: number, lut: number, ram: number];

/** The reports of a build of these layers, with one FIFO of 10 LUT if asked for. */
function reports(layers: Readonly<Record<string, Layer>>, fifo: boolean): Record<string, Uint8Array> {
  const all = { ...layers, ...(fifo && { StreamingFIFO_0: [0, 10, 1] as const }) };
  const resources = Object.entries(all).map(([name, [, LUT, EBR_4K]]) => [name, { LUT, EBR_4K }] as const);
  const sum = (of: 'LUT' | 'EBR_4K'): number => resources.reduce((n, [, one]) => n + one[of], 0);
  const most = Math.max(...Object.values(layers).map(([cycles]) => cycles));
  return {
    'report/estimate_layer_cycles.json': json(
      Object.fromEntries(Object.entries(layers).map(([name, [cycles]]) => [name, cycles])),
    ),
    'report/estimate_layer_resources.json': json({
      ...Object.fromEntries(resources),
      total: { LUT: sum('LUT'), EBR_4K: sum('EBR_4K') },
    }),
    'report/estimate_network_performance.json': json({ max_cycles: most, estimated_throughput_fps: 24e6 / most }),
  };
}

const rows = (layers: Readonly<Record<string, Layer>>, fifo = true) => rowsOf(reports(layers, fifo))!;

describe('the lines of a build', () => {
  const first = rows({ MVAU_0: [64, 344, 8], MVAU_1: [64, 120, 4], LabelSelect_0: [10, 20, 0] });

  it('are all of them where nothing is known of before', () => {
    expect(rowLines(first, undefined)).toEqual([
      '  LAYER          CYCLES  LUT  EBR_4K',
      '  MVAU_0             64  344       8',
      '  MVAU_1             64  120       4',
      '  LabelSelect_0      10   20       0',
      '  all                64  494      13',
      '  375000 frames/s',
    ]);
  });

  it('are those that changed, with what they were, and the number of the others', () => {
    const now = rows({ MVAU_0: [32, 601.5, 8], MVAU_1: [64, 120, 4], LabelSelect_0: [10, 20, 0] });
    expect(rowLines(now, first)).toEqual([
      '  LAYER    CYCLES        LUT  EBR_4K',
      '  MVAU_0  64 → 32  344 → 602       8',
      '  2 layers as before',
      '  all          64  494 → 752      13',
      '  375000 frames/s',
    ]);
    expect(rowLines(now, now)).toEqual([
      '  LAYER  CYCLES  LUT  EBR_4K',
      '  3 layers as before',
      '  all        64  752      13',
      '  375000 frames/s',
    ]);
  });

  it('compare without FIFOs what has none yet', () => {
    const quick = rows({ MVAU_0: [16, 344, 8], MVAU_1: [16, 120, 4], LabelSelect_0: [10, 20, 0] }, false);
    expect(quick.whole).toBeUndefined();
    expect(rowLines(quick, first).slice(-2)).toEqual([
      '  all     64 → 16  484      12  without FIFOs',
      '  375000 → 1500000 frames/s',
    ]);
    expect(rowData(quick, first)).toMatchObject({
      fifos: false,
      ram: 'EBR_4K',
      all: { cycles: 16, fps: 1.5e6, lut: 484, ram: 12, before: { cycles: 64, lut: 484, ram: 12 } },
    });
  });

  it('name layers that came and went', () => {
    const now = rows({ MVAU_0: [64, 344, 8], Thresholding_0: [64, 50, 0] });
    expect(rowLines(now, first)).toEqual([
      '  LAYER           CYCLES        LUT  EBR_4K',
      '  Thresholding_0      64         50       0',
      '  1 layer as before',
      '  gone: MVAU_1, LabelSelect_0',
      '  all                 64  494 → 404  13 → 9',
      '  375000 frames/s',
    ]);
    const data = rowData(now, first) as { layers: { name: string; before?: unknown }[] };
    expect(data.layers).toEqual([
      { name: 'MVAU_0', cycles: 64, lut: 344, ram: 8, before: { cycles: 64, lut: 344, ram: 8 } },
      { name: 'Thresholding_0', cycles: 64, lut: 50, ram: 0 },
    ]);
  });

  it('are none without estimates', () => {
    expect(rowsOf({})).toBeUndefined();
  });
});

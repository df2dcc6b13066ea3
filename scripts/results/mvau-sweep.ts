import { argv } from 'node:process';
import { mvau } from '../../src/operators/mvau/index.ts';
import type { CellCounts } from '../../src/tools/stat.ts';
import { measure } from './measure.ts';
import { better, points } from './published.ts';
import { sweepLayer } from './sweep-layer.ts';

const most = Number(argv[2] ?? 512);
const kind = argv[3];
const from = Number(argv[4] ?? 0);
const memories = (argv[5] ?? 'lut').split(',') as ('lut' | 'block' | 'auto')[];
const device = { family: 'xcup' } as const;
for (const point of [...points].sort((a, b) => a.pe * a.simd - b.pe * b.simd)) {
  const n = point.pe * point.simd;
  if (n > most || n < from || (kind && kind !== 'all' && kind !== point.kind)) continue;
  for (const memory of memories) {
    const layer = sweepLayer(point, memory);
    const begin = Date.now();
    const c: CellCounts = await measure(mvau.rtl(layer, device, 'sweep'), 'xcup', 'native');
    const estimate = mvau.resources(layer, device);
    const detail = Object.entries(c.cells)
      .filter(([k]) => !/^FD|LUT[2-6]/.test(k))
      .map(([k, v]) => `${k}:${v}`)
      .join(' ');
    console.log(
      `${point.kind.padEnd(7)} ${String(point.pe).padStart(2)} ${String(point.simd).padStart(2)} ${memory.padEnd(5)} ours ${c.lut} ff ${c.ff} bram ${c.bram} | HLS ${point.hls.lut} RTL ${point.rtl.lut} (bram ${point.hls.bram}/${point.rtl.bram}) ff ${point.rtl.ff} ratio ${(c.lut / better(point)).toFixed(2)} est ${estimate.lut} ${((Date.now() - begin) / 1000).toFixed(0)}s ${detail}`,
    );
  }
}

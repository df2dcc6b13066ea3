import { mvau } from '../../src/operators/mvau/index.ts';
import type { Provider } from '../../src/tools/yosys.ts';
import { measure } from './measure.ts';
import { better, type Kind, points } from './published.ts';
import { placeOf, sweepLayer } from './sweep-layer.ts';

export interface SweepOptions {
  /** Only points of PE · SIMD up to this. */
  readonly most: number;
  readonly kind?: Kind;
  readonly provider: Provider;
  readonly print: (line: string) => void;
}

/** A row for each point: our counts beside the published ones, smallest first. */
export async function mvauSweep({ most, kind, provider, print }: SweepOptions): Promise<void> {
  const wanted = points
    .filter((p) => p.pe * p.simd <= most && (kind === undefined || p.kind === kind))
    .sort((a, b) => a.pe * a.simd - b.pe * b.simd || (a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : a.pe - b.pe));
  print(
    '| type | PE | SIMD | weights in | LUT | through | FF | RAMB18 | HLS LUT | RTL LUT | of the better | RTL FF | HLS, RTL BRAM |',
  );
  print('|---|---|---|---|---|---|---|---|---|---|---|---|---|');
  for (const point of wanted) {
    const layer = sweepLayer(point, placeOf(point));
    const ours = await measure(mvau.rtl(layer, { family: 'xcup' }, 'sweep'), 'xcup', provider);
    const memory = placeOf(point) === 'block' ? 'block RAM' : 'LUTs';
    const bram = point.rtl.bram === undefined ? '' : `${point.hls.bram}, ${point.rtl.bram}`;
    const ratio = (ours.merged / better(point)).toFixed(2);
    const own = [memory, ours.merged, ours.through, ours.ff, ours.bram];
    const theirs = [point.hls.lut, point.rtl.lut, ratio, point.rtl.ff ?? '', bram];
    print(`| ${[point.kind, point.pe, point.simd, ...own, ...theirs].join(' | ')} |`);
  }
}

import { BIPOLAR, int } from '../../src/ir/datatype.ts';
import { mvau } from '../../src/operators/mvau/index.ts';
import type { MvauAttrs } from '../../src/operators/mvau/layer.ts';
import { sampleLayer } from '../../src/operators/mvau/samples.ts';
import type { Layer } from '../../src/operators/operator.ts';
import type { Point } from './published.ts';

/** Types of inputs and weights: one-bit weights and xnor's inputs are −1 and 1, four bits are −8 … 7. */
const types = {
  xnor: { x: BIPOLAR, w: BIPOLAR },
  binary: { x: int(4), w: BIPOLAR },
  '4-bit': { x: int(4), w: int(4) },
} as const;

/** The layer of the published sweeps at one point: 64 × 1024 random weights (the same at all points of a kind), 25 vectors, sums as outputs. */
export function sweepLayer(
  { kind, pe, simd }: Pick<Point, 'kind' | 'pe' | 'simd'>,
  memory: 'auto' | 'lut' | 'block',
): Layer<MvauAttrs> {
  return sampleLayer(mvau, { name: `sweep ${kind}`, mw: 1024, mh: 64, vectors: 25, pe, simd, memory, ...types[kind] });
}

/**
 * Where the weights lie at a point: in block RAM where the published xnor circuits of both kinds have them there, which is from 128
 * words on, in LUTs below.
 */
export const placeOf = ({ pe, simd }: Pick<Point, 'pe' | 'simd'>): 'lut' | 'block' =>
  (64 / pe) * (1024 / simd) >= 128 ? 'block' : 'lut';

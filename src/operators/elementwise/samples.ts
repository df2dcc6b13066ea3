import type { BinaryName } from '../../hdl/binary-function.ts';
import { BINARY, BIPOLAR, type DataType, int, TERNARY, uint } from '../../ir/datatype.ts';
import { input } from '../../ir/graph.ts';
import { layerOf } from '../layer.ts';
import type { Layer, Operator } from '../operator.ts';
import type { ElementwiseAttrs } from './factors.ts';

/** Pairs of types of all kinds, and foldings. */
export function elementwiseSamples(op: Operator<ElementwiseAttrs>, fn: BinaryName): Layer<ElementwiseAttrs>[] {
  const sample = (a: DataType, b: DataType, shape: readonly number[], attrs: ElementwiseAttrs) =>
    layerOf<ElementwiseAttrs>(op, [input('x', { dtype: a, shape }), input('y', { dtype: b, shape })], attrs, [
      'sample',
    ]);
  const all = [
    sample(BIPOLAR, TERNARY, [1, 4], { pe: 4 }),
    sample(uint(3), int(6), [2, 6], { pe: 3 }),
    sample(BINARY, BIPOLAR, [1, 2, 1, 5], { pe: 1 }),
  ];
  if (fn !== 'Add' && fn !== 'Sub') return all;
  return [
    ...all,
    sample(int(4), int(4), [1, 2, 3, 6], { pe: 2 }),
    sample(BIPOLAR, BIPOLAR, [2, 4], { pe: 2 }),
    sample(uint(4), uint(4), [2, 6], { pe: 3, factors: [7, 12] }),
    sample(int(3), uint(2), [1, 8], { pe: 4, factors: [1, 91] }),
    sample(BIPOLAR, int(5), [1, 4], { pe: 2, factors: [3, -1] }),
  ];
}

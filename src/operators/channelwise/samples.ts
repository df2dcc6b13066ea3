import { BIPOLAR, type DataType, int, TERNARY, uint } from '../../ir/datatype.ts';
import { constant, input } from '../../ir/graph.ts';
import { tensor } from '../../ir/tensor.ts';
import { random } from '../../util/random.ts';
import { layerOf } from '../layer.ts';
import type { Layer, Operator } from '../operator.ts';
import type { ChannelwiseAttrs, ChannelwiseFunction } from './functions.ts';

/** Every function, constants of all kinds and places. */
export function channelwiseSamples(op: Operator<ChannelwiseAttrs>): Layer<ChannelwiseAttrs>[] {
  const values = random('channelwise samples');
  const sample = (
    fn: ChannelwiseFunction,
    dtype: DataType,
    shape: readonly number[],
    constants: readonly [min: number, max: number, rows?: number],
    attrs: Partial<ChannelwiseAttrs>,
  ) => {
    const [min, max, rows = shape.at(-1)!] = constants;
    const data = Array.from({ length: rows }, () => values.int(min, max));
    return layerOf<ChannelwiseAttrs>(
      op,
      [input('x', { dtype, shape }), constant(tensor(int(32), [rows, 1], data))],
      { function: fn, pe: 1, memory: 'auto', ...attrs },
      ['sample'],
    );
  };
  return [
    sample('Max', int(8), [1, 2, 2, 6], [0, 0, 1], { pe: 2 }),
    sample('Mul', int(6), [1, 3, 4], [-40, 40], { pe: 4 }),
    sample('Add', uint(5), [3, 12], [-20, 9], { pe: 3 }),
    sample('Mul', int(4), [2, 8], [-7, 7], { pe: 2 }),
    sample('SubtractFrom', BIPOLAR, [2, 4], [-3, 3], { pe: 2 }),
    sample('LessOrEqual', int(7), [2, 20], [-64, 63], { pe: 1 }),
    sample('Mul', BIPOLAR, [2, 4], [-1, -1, 1], { pe: 4 }),
    sample('GreaterOrEqual', int(10), [2, 6], [-400, 400], { pe: 6 }),
    sample('Min', uint(8), [1, 300], [0, 255], { pe: 1, memory: 'block' }),
    sample('AbsDiff', int(6), [2, 6], [-20, 60], { pe: 6 }),
    sample('Equal', TERNARY, [2, 6], [-1, 2], { pe: 3 }),
    sample('Less', int(8), [2, 4], [-1, 2], { pe: 4 }),
    sample('Greater', uint(4), [2, 20], [0, 16], { pe: 4, memory: 'lut' }),
  ];
}

import { describe, expect, it } from 'vitest';
import { BIPOLAR, int } from '../../ir/datatype.ts';
import { input, type Node, type NodeValue, node } from '../../ir/graph.ts';
import { sizeOf, tensor } from '../../ir/tensor.ts';
import { InsertPixels } from '../../onnx/ops/windows.ts';
import type { Pipeline } from '../operator.ts';
import { pixelPadding } from './index.ts';

const lowered = (shape: readonly number[], strides: readonly [number, number], dtype = int(8)) => {
  const given = node(InsertPixels, [input('x', { dtype, shape })], { strides }, ['up']);
  const made = pixelPadding.lower!(given, { options: { standaloneThresholds: false }, sole: () => true });
  return { given, made: (made as { value: NodeValue }).value.node as Node };
};

describe('FMPadding_Pixel', () => {
  it.each([
    [
      [1, 3, 4, 2],
      [2, 3],
    ],
    [
      [1, 4, 1, 2],
      [2, 2],
    ],
    [
      [1, 1, 1, 3],
      [3, 3],
    ],
    [
      [1, 2, 3, 1],
      [1, 1],
    ],
  ] as const)('is InsertPixels of %o with strides %o', (shape, strides) => {
    const { given, made } = lowered(shape, strides);
    const x = tensor(
      int(8),
      shape,
      Array.from({ length: sizeOf(shape) }, (_, i) => i + 1),
    );
    const run = (one: Node) => one.op.evaluate([x], one.attrs, { origin: [], outputs: 1, types: one.types })[0]!;
    expect(made.types).toEqual(given.types);
    expect(run(made)).toEqual(run(given));
    const { takes, interval } = pixelPadding.schedule(made as never) as Pipeline;
    const taken = Array.from({ length: interval }, (_, t) => Number(takes(0, t)));
    expect(taken).toEqual(Array.from(run(given).data, (v) => Number(v !== 0)));
  });

  it('makes room for zeros in BIPOLAR', () => {
    expect(lowered([1, 2, 2, 1], [2, 2], BIPOLAR).made.types[0]!.dtype).toBe(int(2));
  });
});

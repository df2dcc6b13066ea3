import { FLOAT32 } from '../../ir/datatype.ts';
import type { Op } from '../../ir/graph.ts';
import { allocate, sizeOf, tensor } from '../../ir/tensor.ts';
import { define, floatOf, rounder, type Site } from './define.ts';

/**
 * Inference only. In binary32, one rounding for each operation, as onnxruntime computes it on a CPU:
 * a = scale · (1/√(var + ε)), b = bias − mean · a, y = x · a + b.
 */
export const BatchNormalization: Op = define({
  name: 'BatchNormalization',
  arity: [5, 5],
  infer: (site) => {
    const shape = site.shape(0);
    if (site.flag('training_mode', false)) site.illegal('training_mode', 1, '0: finn does not train');
    const channels = shape[1] ?? site.fail('onnx/shape', `its input [${shape.join(', ')}] has no channel axis`);
    for (let i = 1; i < 5; i += 1) {
      if (sizeOf(site.shape(i)) !== channels) {
        site.fail(
          'onnx/shape',
          `input ${i} has ${sizeOf(site.shape(i))} elements`,
          `one for each of the ${channels} channels`,
        );
      }
    }
    site.number('epsilon', 1e-5);
    return { dtype: floatOf(site.type(0)), shape };
  },
  evaluate: ([x, scale, bias, mean, variance], site, [type]) => {
    const round = rounder(type!.dtype);
    const epsilon = round(site.number('epsilon', 1e-5));
    const channels = x!.shape[1]!;
    const inner = sizeOf(x!.shape.slice(2));
    const data = allocate(type!.dtype, x!.data.length);
    const slope = new Float64Array(channels);
    const shift = new Float64Array(channels);
    for (let c = 0; c < channels; c += 1) {
      const inverse = round(1 / round(Math.sqrt(round(variance!.data[c]! + epsilon))));
      const a = round(scale!.data[c]! * inverse);
      slope[c] = a;
      shift[c] = round(bias!.data[c]! - round(mean!.data[c]! * a));
    }
    for (let start = 0, c = 0; start < data.length; start += inner, c = c + 1 === channels ? 0 : c + 1) {
      const [a, b] = [slope[c]!, shift[c]!];
      for (let i = start; i < start + inner; i += 1) data[i] = round(x!.data[i]! * a) + b;
    }
    return tensor(type!.dtype, x!.shape, data);
  },
});

/** Splits a shape at an axis: how many vectors, how long, how far apart their elements. */
function lanes(site: Site): { outer: number; length: number; inner: number } {
  const shape = site.shape(0);
  const axis = site.axis(site.integer('axis', -1), shape.length);
  return { outer: sizeOf(shape.slice(0, axis)), length: shape[axis]!, inner: sizeOf(shape.slice(axis + 1)) };
}

/** exp(x − max) over its sum along an axis; computed in binary64, rounded once. */
function softmax(name: string, finish: (x: number, max: number, sum: number) => number): Op {
  return define({
    name,
    arity: [1, 1],
    infer: (site) => {
      lanes(site);
      return { dtype: floatOf(site.type(0)), shape: site.shape(0) };
    },
    evaluate: ([x], site, [type]) => {
      const { outer, length, inner } = lanes(site);
      const data = allocate(type?.dtype ?? FLOAT32, x!.data.length);
      for (let lane = 0; lane < outer * inner; lane += 1) {
        const start = Math.floor(lane / inner) * length * inner + (lane % inner);
        let max = -Infinity;
        for (let i = 0; i < length; i += 1) max = Math.max(max, x!.data[start + i * inner]!);
        let sum = 0;
        for (let i = 0; i < length; i += 1) sum += Math.exp(x!.data[start + i * inner]! - max);
        for (let i = 0; i < length; i += 1) {
          const at = start + i * inner;
          data[at] = finish(x!.data[at]!, max, sum);
        }
      }
      return tensor(type!.dtype, x!.shape, data);
    },
  });
}

/** Operators that normalise. */
export const normalization: readonly Op[] = [
  BatchNormalization,
  softmax('Softmax', (x, max, sum) => Math.exp(x - max) / sum),
  softmax('LogSoftmax', (x, max, sum) => x - max - Math.log(sum)),
];

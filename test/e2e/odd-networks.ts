import { behind, between, image, pool, qonnx, type Sketch, sketched, square, vector } from './bad-sketch.ts';

const zeroGamma = (s: Sketch, x: string): string => {
  const parameters = [s.floats([2], [0, -1]), s.floats([2], [0.4, 0.3]), s.floats([2], [0, 0.5]), s.floats([2], 1)];
  return s.node('bn', 'BatchNormalization', [s.conv('c', x, [2, 2, 1, 1]), ...parameters]);
};

// biome-ignore format: a table
/** Networks that look odd and are legal: remedies that the messages above name, ends that the host does. */
export const good: readonly (readonly [name: string, make: () => Uint8Array, host?: string])[] = [
  ['an open batch axis', sketched((s) => s.quant('q', s.conv('c', s.quant('f', s.input('x', ['N', 2, 6, 6])), [2, 2, 3, 3])))],
  ['auto_pad VALID, whatever pads say', behind((s, x) => s.conv('c', x, [2, 2, 3, 3], { auto_pad: 'VALID', pads: [1, 1, 1, 1] }))],
  ['the pads that SAME means', behind((s, x) => s.conv('c', x, [2, 2, 3, 3], { strides: [2, 2], pads: [0, 0, 1, 1] }))],
  ['ceil_mode without effect', behind((s, x) => s.node('mean', 'AveragePool', [x], { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 }))],
  ['count_include_pad', behind((s, x) => s.node('mean', 'AveragePool', [x], { ...square, pads: [1, 1, 1, 1], count_include_pad: 1 }))],
  ['Pad with a level of the quantiser', between((s, x) => s.node('pad', 'Pad', [x, s.integers(0, 0, 1, 1, 0, 0, 1, 1), s.floats([], 0.5)]))],
  ['one bit without sign', between((s, x) => s.quant('q', x, { bits: 1, signed: false }))],
  ['4096 levels', between((s, x) => s.quant('q', s.conv('c', x, [2, 2, 1, 1]), { bits: 12 }))],
  ['ternary', between((s, x) => s.node('q', 'Quant', [x, s.floats([], 0.5), s.floats([], 0), s.floats([], 2)], { signed: 1, narrow: 1 }, qonnx))],
  ['gamma of 0 and below', behind(zeroGamma)],
  ['gamma of 0 in front of a max pool', behind((s, x) => s.node('most', 'MaxPool', [zeroGamma(s, x)], { kernel_shape: [2, 2], strides: [2, 2] }))],
  ['output_padding', behind((s, x) => s.node('up', 'ConvTranspose', [x, s.weights('up', [2, 2, 3, 3])], { ...pool, output_padding: [1, 1], pads: [1, 1, 1, 1] }))],
  ['a dilated transposed convolution', behind((s, x) => s.node('up', 'ConvTranspose', [x, s.weights('up', [2, 2, 3, 3])], { ...pool, dilations: [2, 2] }))],
  ['a gate of each channel', behind((s, x) => s.node('gate', 'Mul', [x, s.quant('g', s.node('mean', 'GlobalAveragePool', [x]))]))],
  ['Expand of one pixel', between((s, x) => s.node('wide', 'Expand', [s.quant('g', s.node('mean', 'GlobalAveragePool', [x])), s.integers(1, 2, 6, 6)]))],
  ['a sum over all pixels', behind((s, x) => s.node('sum', 'ReduceSum', [x, s.integers(2, 3)], { keepdims: 1 }))],
  ['Softmax at the end', sketched((s) => s.node('soft', 'Softmax', [s.dense('d', vector(s), [6, 3])], { axis: 1 })), 'soft'],
  ['the class of each pixel', sketched((s) => s.node('classes', 'ArgMax', [s.conv('c', image(s), [3, 2, 1, 1])], { axis: 1 })), 'classes'],
  ['the smallest at the end', sketched((s) => {
    s.node('least', 'TopK', [s.dense('d', vector(s), [6, 3]), s.integers(1)], { largest: 0 }, { outputs: 2 });
    return 'least_y1';
  }), 'least'],
  ['every second row at the end', sketched((s) => s.node('rows', 'Slice', [s.quant('q', s.conv('c', image(s), [3, 2, 1, 1])), s.integers(0), s.integers(6), s.integers(2), s.integers(2)])), 'rows'],
  ['channels in another order in front', sketched((s) => s.quant('q', s.conv('c', s.node('bgr', 'Gather', [s.quant('f', s.input('x', [1, 3, 6, 6])), s.integers(2, 1, 0)], { axis: 1 }), [2, 3, 3, 3]))), 'bgr'],
];

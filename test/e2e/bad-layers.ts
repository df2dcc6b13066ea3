import { type Bad, behind, between, image, pool, qonnx, sketched, square, vector } from './bad-sketch.ts';

/** Convolutions that no circuit does. */
export const convolutions: readonly Bad[] = [
  [
    'grouped, not depthwise',
    sketched((s) => s.quant('q', s.conv('grouped', image(s, 4), [4, 2, 3, 3], { group: 2 }))),
    'grouped',
    /Conv 'grouped': it has 2 groups for 4 input and 4 output channels/,
    /depthwise ones \(group = inputs = outputs, here 4\): split it into dense ones/,
  ],
  [
    'depthwise with a multiplier of 2',
    sketched((s) => s.quant('q', s.conv('twice', image(s), [4, 1, 3, 3], { group: 2 }))),
    'twice',
    /Conv 'twice': it has 2 groups for 2 input and 4 output channels/,
    /split it into dense ones/,
  ],
  [
    'auto_pad SAME',
    behind((s, x) => s.conv('same', x, [2, 2, 3, 3], { auto_pad: 'SAME_UPPER' })),
    'same',
    /Conv 'same': its auto_pad is SAME_UPPER/,
    /auto_pad NOTSET and explicit pads: ONNX means pads \[1, 1, 1, 1\]/,
  ],
  [
    'auto_pad SAME with strides',
    behind((s, x) => s.conv('same', x, [2, 2, 3, 3], { auto_pad: 'SAME_UPPER', strides: [2, 2] })),
    'same',
    /its auto_pad is SAME_UPPER.*\(strides 2×2\)/,
    /ONNX means pads \[0, 0, 1, 1\]/,
  ],
  [
    'a kernel larger than the padded image',
    behind((s, x) => s.conv('wide', x, [2, 2, 9, 9], { pads: [1, 1, 1, 1] })),
    'wide',
    /its kernel covers 9 elements, spatial axis 0 has 8 with padding/,
    /a smaller kernel or dilation, more padding, or a larger input image/,
  ],
  [
    'in a node without a name',
    behind((s, x) => {
      const y = s.conv('wide', x, [2, 2, 9, 9]);
      s.unnamed();
      return y;
    }),
    'Conv_wide_y',
    /its kernel covers 9 elements, spatial axis 0 has 6/,
    /a smaller kernel/,
  ],
  [
    'three spatial axes',
    sketched((s) => s.quant('q', s.conv('volume', s.quant('f', s.input('x', [1, 2, 4, 4, 4])), [2, 2, 3, 3, 3]))),
    'volume',
    /it works on 3 spatial axes/,
    /one and two/,
  ],
  [
    'transposed in groups',
    behind((s, x) => s.node('up', 'ConvTranspose', [x, s.weights('up', [2, 1, 3, 3])], { ...square, group: 2 })),
    'up',
    /it has 2 groups/,
    /of one group/,
  ],
  [
    'transposed to an output_shape',
    behind((s, x) =>
      s.node('up', 'ConvTranspose', [x, s.weights('up', [2, 2, 3, 3])], { ...pool, output_shape: [12, 12] }),
    ),
    'up',
    /padding is said by output_shape/,
    /ONNX means pads \[1, 1, 0, 0\]/,
  ],
  [
    'transposed with pads beyond its kernel',
    behind((s, x) =>
      s.node('up', 'ConvTranspose', [x, s.weights('up', [2, 2, 2, 2])], { strides: [2, 2], pads: [2, 2, 2, 2] }),
    ),
    'up',
    /its pads \[2, 2, 2, 2\] reach beyond its kernel/,
    /pads smaller than the kernel/,
  ],
];

/** What is not quantised, or not as integers need it. */
export const quantisation: readonly Bad[] = [
  [
    'weights that are real',
    behind((s, x) => s.node('c', 'Conv', [x, s.real([2, 2, 3, 3])])),
    'c',
    /Conv 'c': its weights are not quantised/,
    /Quant, BipolarQuant or QuantizeLinear/,
  ],
  [
    'activations that are real',
    between((s, x) => s.node('relu', 'Relu', [s.conv('c', x, [2, 2, 3, 3])])),
    'behind',
    /Conv 'behind': 'relu' \(Relu\) before it is not followed by a quantiser/,
    /quantise the activation/,
  ],
  [
    'an input that is real',
    sketched((s) => s.quant('q', s.conv('c', s.input('x', [1, 2, 6, 6]), [2, 2, 3, 3]))),
    'c',
    /Conv 'c': its input is real/,
    /declare `input\.datatype` in the recipe, or begin the network with a quantiser/,
  ],
  [
    'scales of channels that no weights can take',
    between((s, x) => s.quant('each', s.conv('c', x, [2, 2, 3, 3]), { scale: [0.1, 0.3719] })),
    'behind',
    /Conv 'behind': its input has a scale for each channel/,
    /one scale for all the activations/,
  ],
  [
    'weights whose scales run along the sum',
    sketched((s) => {
      const parameters = [s.floats([6, 1], [1, 2, 3, 4, 5, 6]), s.floats([], 0), s.floats([], 3)];
      const w = s.node('w', 'Quant', [s.real([6, 2]), ...parameters], { signed: 1, narrow: 0 }, qonnx);
      return s.quant('q', s.node('product', 'MatMul', [vector(s), w]));
    }),
    'product',
    /its weights have a scale that varies along the sum/,
    /one for each output/,
  ],
  [
    'weights with a zero point between integers',
    behind((s, x) => s.node('c', 'Conv', [x, s.weights('c', [2, 2, 1, 1], { zero: 0.5 })])),
    'c',
    /its weights have a shift/,
    /zero point 0/,
  ],
  ['a scale of 0', between((s, x) => s.quant('q', x, { scale: 0 })), 'q', /its scale .* holds 0/, /greater than 0/],
  [
    'a scale below 0',
    between((s, x) => s.quant('q', x, { scale: -0.5 })),
    'q',
    /its scale .* holds -0\.5/,
    /greater than 0/,
  ],
  ['2.5 bits', between((s, x) => s.quant('q', x, { bits: 2.5 })), 'q', /its bit width .* is 2\.5/, /1 to 53/],
  [
    '13 bits behind a layer',
    between((s, x) => s.quant('q', s.conv('c', x, [2, 2, 1, 1]), { bits: 13 })),
    'q',
    /Quant 'q': it has 8192 levels/,
    /up to 4097 levels: use fewer bits/,
  ],
  [
    '24 bits in front of a layer',
    sketched((s) => s.quant('q', s.conv('c', s.quant('f', s.input('x', [1, 2, 6, 6]), { bits: 24 }), [2, 2, 3, 3]))),
    'c',
    /'c'.*its input is INT24; at most 16 bits/,
    /fewer bits/,
  ],
  [
    'a scale that is computed from the input',
    between((s, x) => {
      const scale = s.node('most', 'ReduceMax', [x], { keepdims: 1 });
      return s.node('q', 'Quant', [x, scale, s.floats([], 0), s.floats([], 4)], { signed: 1, narrow: 1 }, qonnx);
    }),
    'q',
    /its scale \(input 1\) must be constant/,
    /its scale fixed/,
  ],
  [
    'weights that are no numbers',
    behind((s, x) => s.node('c', 'Conv', [x, s.quant('broken', s.floats([2, 2, 1, 1], [1, 2, Number.NaN, 3]))])),
    'broken',
    /a constant that holds NaN \(element 2\)/,
    /export the trained weights anew/,
  ],
  [
    'a normalisation of a negative variance',
    behind((s, x) => {
      const parameters = [s.floats([2], 1), s.floats([2], 0), s.floats([2], 0), s.floats([2], -1)];
      return s.node('bn', 'BatchNormalization', [s.conv('c', x, [2, 2, 1, 1]), ...parameters]);
    }),
    'q',
    /through 'bn' \(BatchNormalization\) is no number \(NaN\) in channel 0/,
    /negative variance/,
  ],
  [
    'an activation that rises and falls',
    behind((s, x) => s.node('abs', 'Abs', [x])),
    'q',
    /through 'abs' \(Abs\) is not monotone/,
    /Relu, Clip/,
  ],
  [
    'a constant for each pixel',
    behind((s, x) => s.node('place', 'Add', [x, s.floats([1, 1, 1, 6], [1, 2, 3, 4, 5, 6])])),
    'place',
    /its constant varies along another axis than the channels/,
    /one for each channel/,
  ],
];

import { type Bad, behind, between, pool, sketched, square, vector } from './bad-sketch.ts';

/** Branches that do not fit together. */
export const joins: readonly Bad[] = [
  [
    'branches of unequal shape',
    behind((s, x) => s.node('join', 'Add', [x, s.quant('b', s.conv('c', x, [2, 2, 3, 3]))])),
    'join',
    /shapes \[1, 2, 6, 6\] and \[1, 2, 4, 4\] do not broadcast/,
    /strides, pads and kernels of the branches/,
  ],
  [
    'branches of unequal channels',
    behind((s, x) => s.node('join', 'Add', [x, s.quant('b', s.conv('c', x, [1, 2, 1, 1]))])),
    'join',
    /Add 'join': it joins shapes \[1, 2, 6, 6\] and \[1, 1, 6, 6\]/,
    /the same channels/,
  ],
  [
    'a residual branch that is real',
    behind((s, x) => s.node('join', 'Add', [x, s.node('relu', 'Relu', [s.conv('c', x, [2, 2, 1, 1])])])),
    'join',
    /'relu' \(Relu\), through which its input 1 comes, is not followed by a quantiser; 'q' \(Quant\) needs its result/,
    /quantise every branch/,
  ],
  [
    'branches whose scales no grid proves',
    between((s, x) => {
      const a = s.quant('a', s.conv('ca', x, [2, 2, 1, 1]), { bits: 8, scale: 0.0173 });
      const b = s.quant('b', s.conv('cb', x, [2, 2, 1, 1]), { bits: 8, scale: 0.0291 });
      const c = s.quant('c', s.conv('cc', x, [2, 2, 1, 1]), { bits: 8, scale: 0.0377 });
      return s.quant('q', s.node('more', 'Add', [s.node('join', 'Add', [a, b]), c]), { bits: 8, scale: 0.01 });
    }),
    'q',
    /scales 0\.0173\d* and 0\.0291\d* and 0\.0377\d*/,
    /the same scale, or with fewer bits/,
  ],
  [
    'branches of which one has a scale for each channel',
    behind((s, x) => s.node('join', 'Add', [s.quant('each', x, { scale: [0.3, 0.7] }), x])),
    'join',
    /unequal scales, one of them a scale for each channel/,
    /with one scale/,
  ],
  [
    'Concat of what is real',
    between((s, x) => s.quant('q', s.node('cat', 'Concat', [x, s.node('relu', 'Relu', [x])], { axis: 1 })), 4),
    'cat',
    /'relu' \(Relu\), through which its input 1 comes, is not followed by a quantiser/,
    /quantise every branch/,
  ],
  [
    'Concat of rows',
    between((s, x) => s.node('cat', 'Concat', [x, s.quant('b', x)], { axis: 2 })),
    'cat',
    /'cat' \(Concat\) stands between hardware layers.*axes as N×H×W×C/,
    /along the channels \(axis 1\)/,
  ],
  [
    'a product of two streams as matrices',
    sketched((s) => {
      const x = s.quant('first', s.input('x', [1, 4, 4]));
      return s.quant('q', s.node('attention', 'MatMul', [x, x]));
    }),
    'attention',
    /both factors depend on the input/,
    /constant weights/,
  ],
  [
    'a part of a Split that nothing reads',
    between((s, x) => s.node('parts', 'Split', [x, s.integers(1, 1)], { axis: 1 }, { outputs: 2 }), 1),
    'parts',
    /nothing reads its output 1/,
    /read every part/,
  ],
];

/** Nodes between layers that only the host could do. */
export const inTheMiddle: readonly Bad[] = [
  [
    'an operator that nobody knows',
    between((s, x) => s.node('odd', 'Frobnicate', [x])),
    'odd',
    /node 'odd' has the operator Frobnicate/,
    /take it out of the network/,
  ],
  [
    'LSTM',
    sketched((s) => s.node('lstm', 'LSTM', [s.input('x', [1, 1, 4]), s.real([1, 16, 4]), s.real([1, 16, 4])])),
    'lstm',
    /node 'lstm' has the operator LSTM/,
    /take it out of the network/,
  ],
  [
    'LayerNormalization, which is no slip of the pen',
    between((s, x) => s.node('ln', 'LayerNormalization', [x, s.floats([6], 1)])),
    'ln',
    /LayerNormalization/,
    /take it out/,
  ],
  [
    'Softmax',
    behind((s, x) => s.node('soft', 'Softmax', [x], { axis: 1 })),
    'soft',
    /'soft' \(Softmax\) stands between hardware layers and cannot be one: finn has no circuit for Softmax; 'q' \(Quant\) needs its result/,
    /move it to the end, where the host computes it/,
  ],
  [
    'an average pool with ceil_mode',
    behind((s, x) => s.node('mean', 'AveragePool', [x], { kernel_shape: [4, 4], strides: [3, 3], ceil_mode: 1 })),
    'mean',
    /its last windows have fewer elements than others \(ceil_mode\)/,
    /set ceil_mode to 0/,
  ],
  [
    'an average pool of unequal windows',
    behind((s, x) => s.node('mean', 'AveragePool', [x], { ...square, pads: [1, 1, 1, 1] })),
    'mean',
    /windows at its edges have fewer elements than others/,
    /count_include_pad to 1/,
  ],
  [
    'an average pool with auto_pad',
    behind((s, x) => s.node('mean', 'AveragePool', [x], { ...square, auto_pad: 'SAME_UPPER' })),
    'mean',
    /its auto_pad is SAME_UPPER/,
    /explicit pads/,
  ],
  [
    'a max pool with auto_pad',
    between((s, x) => s.node('most', 'MaxPool', [x], { ...pool, auto_pad: 'SAME_LOWER' })),
    'most',
    /its auto_pad is SAME_LOWER/,
    /ONNX means pads \[1, 1, 0, 0\]/,
  ],
  [
    'a max pool of volumes',
    sketched((s) =>
      s.node('most', 'MaxPool', [s.quant('f', s.input('x', [1, 2, 4, 4, 4]))], { kernel_shape: [2, 2, 2] }),
    ),
    'most',
    /it works on 3 spatial axes/,
    /one and two/,
  ],
  [
    'Resize that makes new values',
    behind((s, x) => s.node('up', 'Resize', [x, '', s.floats([4], [1, 1, 2, 2])], { mode: 'linear' })),
    'up',
    /its mode is linear, which makes new values/,
    /mode 'nearest'/,
  ],
  [
    'Resize to a smaller image',
    between((s, x) =>
      s.node('down', 'Resize', [x, '', s.floats([4], [1, 1, 0.5, 0.5])], {
        mode: 'nearest',
        coordinate_transformation_mode: 'asymmetric',
      }),
    ),
    'down',
    /it makes 3×3 pixels of 6×6/,
    /by whole factors/,
  ],
  [
    'Pad by reflection',
    between((s, x) => s.node('pad', 'Pad', [x, s.integers(0, 0, 1, 1, 0, 0, 1, 1)], { mode: 'reflect' })),
    'pad',
    /its mode is reflect/,
    /mode 'constant'/,
  ],
  [
    'Pad with a real that is no integer',
    between((s, x) => s.node('pad', 'Pad', [x, s.integers(0, 0, 1, 1, 0, 0, 1, 1), s.floats([], 0.3)])),
    'pad',
    /it pads with 0\.3\d*, and no integer of its input stands for that \(at a scale of 0\.25\)/,
    /a whole multiple of 0\.25/,
  ],
  [
    'Transpose of height and width',
    between((s, x) => s.node('turn', 'Transpose', [x], { perm: [0, 1, 3, 2] })),
    'turn',
    /'turn' \(Transpose\) stands between hardware layers.*no circuit reorders them/,
    /leave the order of axes as it is/,
  ],
  [
    'Reshape that splits channels',
    between((s, x) => s.node('cut', 'Reshape', [x, s.integers(1, 1, 12, 6)]), 1),
    'cut',
    /'cut' \(Reshape\) stands between hardware layers/,
    /leave the order of axes/,
  ],
  [
    'every second row',
    between((s, x) => s.node('rows', 'Slice', [x, s.integers(0), s.integers(6), s.integers(2), s.integers(2)])),
    'rows',
    /its step along axis 1 is not 1 \(axes as N×H×W×C\)/,
    /steps of 1/,
  ],
  [
    'TopK over the channels of an image',
    between((s, x) => s.quant('q', s.node('top', 'TopK', [x, s.integers(2)], { axis: 1 }, { outputs: 2 }))),
    'top',
    /'top' \(TopK\) stands between hardware layers/,
    /move it to the end/,
  ],
];

/** Networks that are wrong as a whole. */
export const wholes: readonly Bad[] = [
  [
    'two inputs',
    sketched((s) => {
      const join = s.node('join', 'Add', [s.quant('f', s.input('x', [1, 6])), s.quant('g', s.input('z', [1, 6]))]);
      return s.quant('q', join);
    }),
    'x',
    /the network has 2 inputs; finn builds accelerators with one/,
    /in one input/,
  ],
  [
    'a dynamic height',
    sketched((s) => s.quant('q', s.conv('c', s.quant('f', s.input('x', ['N', 2, 'H', 6])), [2, 2, 3, 3]))),
    'x',
    /axis 2 of input 'x' is H/,
    /only the first axis \(the batch\) may be left open/,
  ],
  [
    'a batch of 4',
    sketched((s) => s.quant('q', s.conv('c', s.quant('f', s.input('x', [4, 2, 6, 6])), [2, 2, 3, 3]))),
    'x',
    /input 'x' has shape \[4, 2, 6, 6\]: its first axis, the batch, is not 1/,
    /a batch of 1, \[1, 2, 6, 6\]/,
  ],
  [
    'an input without a batch',
    sketched((s) => s.quant('q', s.node('d', 'MatMul', [s.quant('f', s.input('x', [4])), s.weights('d', [4, 2])]))),
    'x',
    /input 'x' has shape \[4\]/,
    /of shape \[1, 4\]/,
  ],
  [
    'an output that is the input',
    sketched((s) => s.node('same', 'Identity', [s.input('x', [1, 4])])),
    'x',
    /no part of the network becomes hardware/,
    /quantise weights and activations/,
  ],
  [
    'only nodes of the host',
    sketched((s) => s.node('soft', 'Softmax', [s.node('fc', 'MatMul', [s.input('x', [1, 4]), s.real([4, 2])])])),
    'fc',
    /no part of the network becomes hardware: 'fc' \(MatMul\): a product of reals; 'soft' \(Softmax\): it follows 'fc'/,
    /quantise weights and activations/,
  ],
  [
    'only a quantiser',
    sketched((s) => vector(s)),
    'x',
    /no part of the network becomes hardware/,
    /hardware begins where integers are computed with/,
  ],
  [
    'an output that depends on nothing',
    sketched((s) => {
      s.input('x', [1, 2]);
      return s.quant('k', s.floats([1, 2], 1));
    }),
    'x',
    /no part of the network becomes hardware/,
    /./,
  ],
];

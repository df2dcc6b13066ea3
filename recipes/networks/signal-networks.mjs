import { Builder } from './builder.mjs';
import { pictures, Random } from './random.mjs';

/**
 * @typedef {import('./graph.mjs').Value} Value
 * @typedef {import('./image-networks.mjs').Made} Made
 * @typedef {import('./image-networks.mjs').Common} Common
 * @typedef {'NCW' | 'NCW1'} SignalLayout [1, channels, length], or with an axis of 1 behind it.
 */

/**
 * Recordings between −1 and 1.
 * @param {readonly number[]} shape
 * @param {number} count
 */
const recordings = (shape, count = 6) => pictures(new Random(7), count, shape).map((f) => f.map((v) => 2 * v - 1));

/**
 * An axis of space, and one of 1 behind it where the layout has one.
 * @param {SignalLayout} layout
 */
const axes =
  (layout) =>
  (/** @type {number} */ n, rest = 1) =>
    layout === 'NCW' ? [n] : [n, rest];

/**
 * finn-examples' VGG10 for RadioML: 7 convolutions of 3 with 32 channels, each with a max pool of 2, then 128-128-24; 4 bits throughout.
 * Input: in-phase and quadrature, [1, 2, length], quantised to INT8 by the network itself.
 * @param {Common & { layout?: SignalLayout, length?: number, width?: number, convolutions?: number, classes?: number }} [options]
 * @returns {Made}
 */
export function vgg10Radioml({
  seed,
  dialect,
  layout = 'NCW',
  length = 1024,
  width = 32,
  convolutions = 7,
  classes = 24,
} = {}) {
  const net = new Builder('vgg10-radioml-w4a4', { seed, dialect });
  const axis = axes(layout);
  const shape = [1, 2, ...axis(length)];
  const weights = { bits: 4 };
  const act = (/** @type {Value} */ v) => net.quant(net.norm(v), { bits: 4, relu: true });
  let x = net.quant(net.input('signal', shape, recordings(shape)), { bits: 8, signed: true, scale: 2 ** -6 });
  for (let i = 0; i < convolutions; i += 1) {
    x = act(net.conv(x, { out: width, kernel: axis(3), pads: [...axis(1, 0), ...axis(1, 0)], weights }));
    x = net.maxPool(x, { kernel: axis(2) });
  }
  x = net.flat(x);
  for (const out of [4 * width, 4 * width]) x = act(net.dense(x, { out, weights }));
  return { model: net.finish(net.dense(x, { out: classes, weights, bias: true })), shape };
}

/**
 * A strain of one detector in, noise or chirp out: convolutions of one dimension with strides instead of pools, 4 bits throughout.
 * [1, 1, length], quantised to INT8 by the network itself.
 * @param {Common & { length?: number, width?: number, classes?: number }} [options]
 * @returns {Made}
 */
export function gw1d({ seed, dialect, length = 512, width = 16, classes = 2 } = {}) {
  const net = new Builder('gravitational-wave-w4a4', { seed, dialect });
  const shape = [1, 1, length];
  const weights = { bits: 4 };
  const act = (/** @type {Value} */ v) => net.quant(net.norm(v), { bits: 4, relu: true });
  let x = net.quant(net.input('strain', shape, recordings(shape)), { bits: 8, signed: true, scale: 2 ** -7 });
  for (const [kernel, stride, out] of [
    [16, 4, width],
    [8, 2, width],
    [8, 2, 2 * width],
    [8, 2, 2 * width],
  ])
    x = act(net.conv(x, { out: out ?? width, kernel: [kernel ?? 1], stride: [stride ?? 1], weights }));
  x = act(net.dense(net.flat(x), { out: 2 * width, weights }));
  return { model: net.finish(net.dense(x, { out: classes, weights, bias: true })), shape };
}

/**
 * Dense layers with batch norms between them. FINN's: 784 pixels −1 or 1, 1024 or 256 wide.
 * @param {Common & { inputs?: number, hidden?: readonly number[], classes?: number, weights?: number, activations?: number,
 *   input?: number }} [options] bits of weights and activations (1 and 2: −1…1; more: 0…); `input`: bits of a quantiser of the input, 0 for none
 * @returns {Made}
 */
export function mlp({
  seed,
  dialect,
  inputs = 784,
  hidden = [1024, 1024, 1024],
  classes = 10,
  weights = 1,
  activations = 1,
  input = 1,
} = {}) {
  const net = new Builder(`mlp-${[inputs, ...hidden, classes].join('-')}-w${weights}a${activations}`, {
    seed,
    dialect,
  });
  const shape = [1, inputs];
  const act = (/** @type {Value} */ v) =>
    activations <= 2
      ? net.quant(v, { bits: activations, signed: true, narrow: true, scale: 1 })
      : net.quant(v, { bits: activations, relu: true });
  let x = net.input('x', shape, recordings([1, 1, inputs], 12));
  if (input > 0)
    x = net.quant(
      x,
      input <= 2 ? { bits: input, signed: true, narrow: true, scale: 1 } : { bits: input, signed: true },
    );
  for (const out of hidden) x = act(net.norm(net.dense(x, { out, weights: { bits: weights } })));
  return { model: net.finish(net.dense(x, { out: classes, weights: { bits: weights } })), shape };
}

/**
 * Symbols 0…rows−1 [1, length], each a row of a quantised table, then dense layers or a convolution along the text.
 * @param {Common & { rows?: number, width?: number, length?: number, head?: 'dense' | 'conv', classes?: number }} [options]
 * @returns {Made}
 */
export function embedding({ seed, dialect, rows = 64, width = 16, length = 8, head = 'dense', classes = 4 } = {}) {
  const net = new Builder(`embedding-${head}`, { seed, dialect });
  const shape = [1, length];
  const random = new Random(7);
  const frames = Array.from({ length: 12 }, () => Float32Array.from({ length }, () => random.below(rows)));
  const weights = { bits: 4 };
  const act = (/** @type {Value} */ v) => net.quant(net.norm(v), { bits: 4, relu: true });
  let x = net.gather(net.input('symbols', shape, frames, { integer: true }), { rows, width, weights });
  if (head === 'conv') x = act(net.conv(net.turned(x), { out: 2 * width, kernel: [3], pads: [1, 1], weights }));
  x = act(net.dense(net.flat(x), { out: 2 * width, weights }));
  return { model: net.finish(net.dense(x, { out: classes, weights })), shape };
}

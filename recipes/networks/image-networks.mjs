import { Builder } from './builder.mjs';
import { pictures, Random } from './random.mjs';

/**
 * @typedef {import('./graph.mjs').Dialect} Dialect
 * @typedef {import('./graph.mjs').Value} Value
 * @typedef {{ model: Uint8Array, shape: readonly number[] }} Made The file, and the shape of its input.
 * @typedef {{ seed?: number | undefined, dialect?: Dialect | undefined }} Common
 */

const twice = (/** @type {number} */ n) => [n, n];
const four = (/** @type {number} */ n) => [n, n, n, n];

/**
 * Frames that calibrate networks of images, which may be larger than they need be for it.
 * @param {number} resolution
 */
function calibration(resolution, count = 6, channels = 3) {
  const at = [1, channels, Math.min(resolution, 64), Math.min(resolution, 64)];
  return { at, frames: pictures(new Random(7), count, at) };
}

/**
 * FINN's CNV for 32×32 pixels of 0…1: 64-64-P-128-128-P-256-256 of 3×3 without padding, then 512-512-classes.
 * @param {Common & { weights?: 1 | 2, activations?: 1 | 2, classes?: number, width?: number }} [options] width: channels of the first layers
 * @returns {Made}
 */
export function cnv({ seed, dialect, weights = 1, activations = 1, classes = 10, width = 64 } = {}) {
  const net = new Builder(`cnv-w${weights}a${activations}`, { seed, dialect });
  const shape = [1, 3, 32, 32];
  const w = { bits: weights };
  const act = (/** @type {Value} */ x) =>
    net.quant(net.norm(x), { bits: activations, signed: true, narrow: true, scale: 1 });
  let x = net.input('pixels', shape, pictures(new Random(7), 6, shape));
  x = net.quant(net.scaled(net.scaled(x, 'Mul', 2), 'Sub', 1), { bits: 8, signed: true, scale: 2 ** -7 });
  for (const [i, out] of [width, width, 2 * width, 2 * width, 4 * width, 4 * width].entries()) {
    x = act(net.conv(x, { out, kernel: [3, 3], weights: w }));
    if (i === 1 || i === 3) x = net.maxPool(x, { kernel: [2, 2] });
  }
  x = net.flat(x);
  for (const out of [8 * width, 8 * width]) x = act(net.dense(x, { out, weights: w }));
  // Brevitas' TensorNorm: one mean and one deviation for all classes.
  x = net.scaled(net.scaled(net.dense(x, { out: classes, weights: w }), 'Sub', -0.4), 'Div', Math.fround(21.15));
  return { model: net.finish(x), shape };
}

/**
 * Channels behind each depthwise layer of MobileNet-v1, and its stride.
 * @type {readonly (readonly [number, number])[]}
 */
const units = [
  [64, 1], [128, 2], [128, 1], [256, 2], [256, 1], [512, 2], [512, 1], [512, 1], [512, 1], [512, 1], [512, 1], [1024, 2], [1024, 1],
]; // biome-ignore format: a table

/**
 * MobileNet-v1 with 4-bit weights and activations, 8-bit weights in the first layer. Input: (pixel/255 − mean)/0.226.
 * @param {Common & { resolution?: number, width?: number, classes?: number }} [options] width: a factor of all channels
 * @returns {Made}
 */
export function mobilenetV1({ seed, dialect, resolution = 224, width = 1, classes = 1000 } = {}) {
  const net = new Builder(`mobilenetv1-w4a4-${resolution}`, { seed, dialect });
  const shape = [1, 3, resolution, resolution];
  const { at, frames } = calibration(resolution);
  const [, , pixels = 1] = at;
  const means = [0.485, 0.456, 0.406];
  const normal = frames.map((f) =>
    f.map((v, i) => (v - /** @type {number} */ (means[Math.floor(i / pixels / pixels)])) / 0.226),
  );
  const weights = { bits: 4, perChannel: true };
  const channels = (/** @type {number} */ n) => Math.max(4, Math.round((n * width) / 4) * 4);
  let x = net.input('image', shape, normal, { at });
  const act = (/** @type {Value} */ v, perChannel = false) =>
    net.quant(net.norm(v), { bits: 4, relu: true, perChannel });
  x = act(
    net.conv(x, { out: channels(32), kernel: [3, 3], stride: [2, 2], weights: { bits: 8, perChannel: true } }),
    true,
  );
  for (const [i, [out, stride]] of units.entries()) {
    const groups = x.shape[1] ?? 1;
    x = act(net.conv(x, { out: groups, kernel: [3, 3], stride: twice(stride), pads: four(1), groups, weights }));
    // Channels of a depthwise layer do not meet: each may have its own scale.
    const pointwise = net.norm(net.conv(x, { out: channels(out), kernel: [1, 1], weights }));
    const last = i === units.length - 1;
    x = last ? net.quantForPool(pointwise, 4) : net.quant(pointwise, { bits: 4, relu: true, perChannel: true });
  }
  x = net.flat(net.averagePool(x, { bits: 4 }));
  return { model: net.finish(net.dense(x, { out: classes, weights: { bits: 4 }, bias: true })), shape };
}

/** @typedef {'equal' | 'simple' | 'free'} Joins How the scales of two branches that are added differ: not, 3 : 2, anyhow. */

/**
 * Two branches, each quantised to signed integers, added.
 * @param {Builder} net
 * @param {Value} x
 * @param {Value} y
 * @param {number} bits
 * @param {Joins} joins
 */
function joined(net, x, y, bits, joins) {
  const spec = { bits, signed: true };
  if (joins === 'free') return net.add(net.quant(x, spec), net.quant(y, spec));
  // Few digits, so that three halves of it are exact.
  const [step = 1] = net.scalesFor(x, spec);
  let unit = 1;
  while (unit > step) unit /= 2;
  while (unit * 2 <= step) unit *= 2;
  const scale = (Math.round((step / unit) * 8) / 8) * unit;
  const other = joins === 'equal' ? scale : 1.5 * scale;
  return net.add(net.quant(x, { ...spec, scale }), net.quant(y, { ...spec, scale: other }));
}

/**
 * A small residual network for images of −1…1, three blocks of which two halve the image; every branch 4 bits signed before it is added.
 * @param {Common & { resolution?: number, width?: number, classes?: number, joins?: Joins, bits?: number }} [options]
 * @returns {Made}
 */
export function resnet8({ seed, dialect, resolution = 32, width = 16, classes = 10, joins = 'equal', bits = 4 } = {}) {
  const net = new Builder(`resnet8-w${bits}a${bits}`, { seed, dialect });
  const shape = [1, 3, resolution, resolution];
  const { at, frames } = calibration(resolution);
  const weights = { bits };
  const act = (/** @type {Value} */ v) => net.quant(v, { bits, relu: true });
  const conv3 = (/** @type {Value} */ v, /** @type {number} */ out, stride = 1) =>
    net.norm(net.conv(v, { out, kernel: [3, 3], stride: twice(stride), pads: four(1), weights }));
  let x = net.input(
    'image',
    shape,
    frames.map((f) => f.map((v) => v * 2 - 1)),
    { at },
  );
  x = act(conv3(net.quant(x, { bits: 8, signed: true, scale: 2 ** -7 }), width));
  for (const [i, out] of [width, 2 * width, 4 * width].entries()) {
    const stride = i === 0 ? 1 : 2;
    const main = conv3(act(conv3(x, out, stride)), out);
    const past = i === 0 ? x : net.norm(net.conv(x, { out, kernel: [1, 1], stride: twice(stride), weights }));
    const sum = joined(net, main, past, bits, joins);
    x = i === 2 ? net.quantForPool(sum, bits) : act(sum);
  }
  return {
    model: net.finish(net.dense(net.flat(net.averagePool(x, { bits })), { out: classes, weights, bias: true })),
    shape,
  };
}

/**
 * ResNet-50 with weights of 1 bit or ternary ones and 2-bit activations: bottlenecks, and 4 signed bits on both branches of each join.
 * The first layer has 8-bit weights, as the last one. Input: pixels 0…255.
 * @param {Common & { resolution?: number, width?: number, weights?: 1 | 2, blocks?: readonly number[], classes?: number, joins?: Joins,
 *   pool?: 'global' | 'trunc' }} [options] width: channels of the first stage, 64
 * @returns {Made}
 */
export function resnet50({
  seed,
  dialect,
  resolution = 224,
  width = 64,
  weights = 1,
  blocks = [3, 4, 6, 3],
  classes = 1000,
  joins = 'simple',
  pool = 'trunc',
} = {}) {
  const net = new Builder(`resnet50-w${weights}a2`, { seed, dialect });
  const shape = [1, 3, resolution, resolution];
  const { at, frames } = calibration(resolution, 4);
  const act = (/** @type {Value} */ v) => net.quant(v, { bits: 2, relu: true });
  const conv = (/** @type {Value} */ v, /** @type {number} */ out, k = 1, stride = 1) =>
    net.norm(
      net.conv(v, { out, kernel: [k, k], stride: twice(stride), pads: four((k - 1) / 2), weights: { bits: weights } }),
    );
  let x = net.input(
    'pixels',
    shape,
    frames.map((f) => f.map((v) => Math.round(v * 255))),
    { at },
  );
  x = net.conv(x, { out: width, kernel: [7, 7], stride: [2, 2], pads: four(3), weights: { bits: 8 } });
  // The pool in front of the quantiser: it compares what the normalisation gives.
  x = act(net.maxPool(net.norm(x, { negative: 0 }), { kernel: [3, 3], stride: [2, 2], pads: four(1) }));
  let sum = x;
  for (const [stage, count] of blocks.entries())
    for (let block = 0; block < count; block += 1) {
      const inner = width * 2 ** stage;
      const stride = stage > 0 && block === 0 ? 2 : 1;
      const a = stage === 0 && block === 0 ? x : act(sum);
      const main = conv(act(conv(act(conv(a, inner)), inner, 3, stride)), 4 * inner);
      sum = joined(net, main, block === 0 ? conv(a, 4 * inner, 1, stride) : sum, 4, joins);
    }
  const last = net.quantForPool(sum, 4);
  const pooled = pool === 'global' ? net.globalAveragePool(last) : net.averagePool(last, { bits: 4 });
  const head = { out: classes, weights: { bits: 8 }, bias: pool === 'trunc' };
  return { model: net.finish(net.dense(net.flat(pooled), head)), shape };
}

import { Builder } from './builder.mjs';
import { pictures, Random } from './random.mjs';

/**
 * @typedef {import('./graph.mjs').Value} Value
 * @typedef {import('./image-networks.mjs').Made} Made
 * @typedef {import('./image-networks.mjs').Common} Common
 */

const three = { kernel: [3, 3], pads: [1, 1, 1, 1] };

/**
 * A picture of values 0…1 as a quantised input.
 * @param {Builder} net
 * @param {readonly number[]} shape
 */
function picture(net, shape) {
  const frames = pictures(new Random(7), 6, shape);
  return net.quant(net.input('image', shape, frames), { bits: 8, scale: Math.fround(1 / 255) });
}

/**
 * Super-resolution in the manner of ESPCN: three convolutions, then an image twice as high and wide by nearest neighbours and a convolution,
 * by a transposed convolution, or by channels that become pixels. Values 0…1 in and out, 8 bits at both ends, 4 between.
 * @param {Common & { enlarge?: 'nearest' | 'transposed' | 'subpixel', resolution?: number, width?: number }} [options]
 * @returns {Made}
 */
export function espcn({ seed, dialect, enlarge = 'nearest', resolution = 32, width = 16 } = {}) {
  const net = new Builder(`espcn-${enlarge}`, { seed, dialect });
  const shape = [1, 3, resolution, resolution];
  const weights = { bits: 4, perChannel: true };
  const act = (/** @type {Value} */ v) => net.quant(net.norm(v), { bits: 4, relu: true });
  let x = picture(net, shape);
  x = act(net.conv(x, { out: width, kernel: [5, 5], pads: [2, 2, 2, 2], weights: { bits: 8, perChannel: true } }));
  x = act(net.conv(x, { ...three, out: width, weights }));
  x = act(net.conv(x, { ...three, out: width / 2, weights }));
  const last = { bits: 8, perChannel: enlarge !== 'subpixel' };
  if (enlarge === 'nearest') x = net.conv(net.enlarge(x, 2), { ...three, out: 3, weights: last });
  else if (enlarge === 'transposed')
    x = net.convTransposed(x, { out: 3, kernel: [4, 4], stride: [2, 2], pads: [1, 1, 1, 1], weights: last });
  else x = net.depthToSpace(net.conv(x, { ...three, out: 12, weights: last }), 2);
  return { model: net.finish(net.quant(net.norm(x, { negative: 0 }), { bits: 8, relu: true })), shape };
}

/**
 * A convolution, turned round: an image of `resolution` becomes one `stride` times as large.
 * @param {Common & { resolution?: number, width?: number, kernel?: number, stride?: number }} [options]
 * @returns {Made}
 */
export function transposed({ seed, dialect, resolution = 8, width = 8, kernel = 4, stride = 2 } = {}) {
  const net = new Builder('transposed-convolution', { seed, dialect });
  const shape = [1, 2, resolution, resolution];
  const act = (/** @type {Value} */ v) => net.quant(net.norm(v), { bits: 4, relu: true });
  const weights = { bits: 4 };
  const pad = Math.floor((kernel - stride) / 2);
  let x = act(net.conv(picture(net, shape), { ...three, out: width, weights }));
  x = net.convTransposed(x, {
    out: width,
    kernel: [kernel, kernel],
    stride: [stride, stride],
    pads: [pad, pad, pad, pad],
    weights,
  });
  return { model: net.finish(net.conv(act(x), { ...three, out: 2, weights })), shape };
}

/**
 * Channels split in two, a 1×1 convolution on one half, 3×3 on the other, and both put together with scales of their own.
 * @param {Common & { resolution?: number, width?: number, classes?: number, equal?: boolean }} [options] equal: one scale for both
 * @returns {Made}
 */
export function concatSplit({ seed, dialect, resolution = 16, width = 16, classes = 10, equal = false } = {}) {
  const net = new Builder('concat-split', { seed, dialect });
  const shape = [1, 3, resolution, resolution];
  const weights = { bits: 4 };
  const act = (/** @type {Value} */ v, /** @type {number | undefined} */ scale = undefined) =>
    net.quant(net.norm(v), { bits: 4, relu: true, ...(scale !== undefined && { scale }) });
  const x = act(net.conv(picture(net, shape), { ...three, out: width, stride: [2, 2], weights }));
  const [upper, lower] = /** @type {[Value, Value]} */ (net.split(x, 2));
  const left = act(net.conv(upper, { out: width / 2, kernel: [1, 1], weights }), 0.25);
  const right = act(net.conv(lower, { ...three, out: width, weights }), equal ? 0.25 : 0.375);
  const both = act(net.conv(net.concat([left, right]), { out: width, kernel: [1, 1], weights }));
  const pooled = net.flat(net.maxPool(both, { kernel: [resolution / 2, resolution / 2] }));
  return { model: net.finish(net.dense(pooled, { out: classes, weights })), shape };
}

/**
 * Average pools of quantised values that drop low bits: one of 2×2 inside, one of all the image at the end.
 * @param {Common & { resolution?: number, width?: number, classes?: number }} [options]
 * @returns {Made}
 */
export function quantAvgPool({ seed, dialect, resolution = 16, width = 8, classes = 4 } = {}) {
  const net = new Builder('average-pool', { seed, dialect });
  const shape = [1, 3, resolution, resolution];
  const weights = { bits: 4 };
  const act = (/** @type {Value} */ v) => net.quantForPool(net.norm(v), 4);
  let x = act(net.conv(picture(net, shape), { ...three, out: width, weights }));
  x = net.averagePool(x, { bits: 4, kernel: 2, stride: 2 });
  x = net.averagePool(act(net.conv(x, { ...three, out: 2 * width, weights })), { bits: 4 });
  return { model: net.finish(net.dense(net.flat(x), { out: classes, weights })), shape };
}

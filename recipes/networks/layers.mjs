import { imageOf, mapped, QONNX, sizeOf, sums, windowOf } from './graph.mjs';
import { convolve, convolveTransposed, product, windowed } from './kernels.mjs';
import { Quantisers } from './quantisers.mjs';

/**
 * @typedef {import('./graph.mjs').Value} Value
 * @typedef {import('./quantisers.mjs').WeightSpec} WeightSpec
 * @typedef {{ out: number, kernel: readonly number[], stride?: readonly number[], pads?: readonly number[], dilation?: readonly number[],
 *   groups?: number, weights: WeightSpec }} ConvolutionSpec pads as in ONNX: all the beginnings, then all the ends.
 */

/** Layers with weights, and what follows them. */
export class Layers extends Quantisers {
  /**
   * @param {Value} x
   * @param {ConvolutionSpec} spec
   * @returns {Value}
   */
  conv(
    x,
    {
      out,
      kernel,
      stride = kernel.map(() => 1),
      pads = kernel.flatMap(() => [0, 0]),
      dilation = kernel.map(() => 1),
      groups = 1,
      weights,
    },
  ) {
    const channels = /** @type {number} */ (x.shape[1]) / groups;
    const w = this.weights([out, channels, ...kernel], weights);
    const window = windowOf(kernel, stride, pads, dilation);
    const attributes = { kernel_shape: kernel, strides: stride, pads, dilations: dilation, group: groups };
    const made = this.node('Conv', [x.name, w.name], attributes);
    const name = this.rescaled(made, w.after, x.shape.length);
    const frames = x.frames.map((frame) => convolve(frame, imageOf(x.at), w.values, window, groups));
    const shaped = (/** @type {readonly number[]} */ s) => [
      1,
      out,
      ...windowed(imageOf(s), window).slice(0, s.length - 2),
    ];
    return { name, shape: shaped(x.shape), at: shaped(x.at), frames };
  }

  /**
   * A dense layer of x [1, inputs]: Transpose and MatMul. With a bias, which centres what the frames give, Gemm; its integers are those
   * of the sums, so x has one scale.
   * @param {Value} x
   * @param {{ out: number, weights: WeightSpec, bias?: boolean }} spec
   * @returns {Value}
   */
  dense(x, { out, weights, bias = false }) {
    const inputs = /** @type {number} */ (x.shape[1]);
    const w = this.weights([out, inputs], weights);
    const frames = x.frames.map((frame) => product(w.values, frame, inputs));
    const y = { shape: [1, out], at: [1, out], frames };
    const turned = () => this.node('Transpose', [w.name], { perm: [1, 0] });
    if (!bias) return { ...y, name: this.rescaled(this.node('MatMul', [x.name, turned()]), w.after, 2) };
    const { step } = x;
    if (step === undefined) throw new Error(`${x.name} has no scale for all channels`);
    const scales = w.scales.map((s) => s * step);
    const scaleOf = (/** @type {number} */ c) => scales[scales.length === 1 ? 0 : c] ?? 1;
    const centre = sums(y, (v) => -v / frames.length);
    const values = Float32Array.from(centre, (v, c) => Math.round(v / scaleOf(c)) * scaleOf(c));
    const moved = { ...y, frames: mapped(y, (v, c) => v + /** @type {number} */ (values[c])) };
    if (this.dialect === 'finn') {
      const sum = this.rescaled(this.node('MatMul', [x.name, turned()]), w.after, 2);
      return { ...moved, name: this.node('Add', [sum, this.constant('bias', [1, out], values)]) };
    }
    const quantised = this.node(
      'Quant',
      [
        this.constant('bias', [out], values),
        this.constant('scale', [scales.length], scales),
        this.scalar(0),
        this.scalar(18),
      ],
      { signed: 1, narrow: 0, rounding_mode: 'ROUND' },
      QONNX,
    );
    return { ...moved, name: this.node('Gemm', [x.name, w.name, quantised], { transB: 1 }) };
  }

  /**
   * A convolution turned round: x is spread by `stride`.
   * @param {Value} x
   * @param {{ out: number, kernel: readonly number[], stride: readonly number[], pads: readonly number[], weights: WeightSpec }} spec
   * @returns {Value}
   */
  convTransposed(x, { out, kernel, stride, pads, weights }) {
    const w = this.weights([/** @type {number} */ (x.shape[1]), out, ...kernel], weights, { axis: 1 });
    const window = windowOf(
      kernel,
      stride,
      pads,
      kernel.map(() => 1),
    );
    const attributes = { kernel_shape: kernel, strides: stride, pads, dilations: kernel.map(() => 1), group: 1 };
    const name = this.rescaled(this.node('ConvTranspose', [x.name, w.name], attributes), w.after, x.shape.length);
    const shaped = (/** @type {readonly number[]} */ s) => {
      const axes = s.slice(2).map((n, i) => {
        const [k = 1, by = 1, before = 0, behind = 0] = [kernel[i], stride[i], pads[i], pads[i + kernel.length]];
        return (n - 1) * by + k - before - behind;
      });
      return [1, out, ...axes];
    };
    const at = shaped(x.at);
    const frames = x.frames.map((f) => convolveTransposed(f, imageOf(x.at), w.values, out, window, imageOf(at)));
    return { name, shape: shaped(x.shape), at, frames };
  }

  /**
   * BatchNormalization with the frames' own mean and variance; one weight in `negative` is below 0.
   * @param {Value} x
   * @param {{ negative?: number }} [options] 0: none
   * @returns {Value}
   */
  norm(x, { negative = 12 } = {}) {
    const channels = /** @type {number} */ (x.shape[1]);
    const [linear, squares] = [sums(x, (v) => v), sums(x, (v) => v * v)];
    const n = (sizeOf(x.at) / channels) * x.frames.length;
    const mean = Float32Array.from(linear, (sum) => sum / n);
    const variance = Float32Array.from(squares, (square, c) => Math.max(0, square / n - ((linear[c] ?? 0) / n) ** 2));
    // A channel that the frames leave alone would be blown up.
    const typical = variance.reduce((sum, v) => sum + v, 0) / channels || 1;
    for (const [c, v] of variance.entries()) variance[c] = Math.max(v, typical / 16);
    const sign = () => (negative > 0 && this.random.below(negative) === 0 ? -1 : 1);
    const weight = Float32Array.from(mean, () => sign() * this.random.uniform(0.5, 1.5));
    const bias = Float32Array.from(mean, () => 0.3 * this.random.normal());
    const parameters = Object.entries({ weight, bias, mean, variance }).map(([key, values]) =>
      this.constant(`norm_${key}`, [channels], values),
    );
    const epsilon = Math.fround(1e-5);
    const name = this.node('BatchNormalization', [x.name, ...parameters], { epsilon: { float: epsilon } });
    const factor = weight.map((w, c) => w / Math.sqrt(/** @type {number} */ (variance[c]) + epsilon));
    const at = (/** @type {Float32Array} */ values, /** @type {number} */ c) => /** @type {number} */ (values[c]);
    const frames = mapped(x, (v, c) => (v - at(mean, c)) * at(factor, c) + at(bias, c));
    return { name, shape: x.shape, at: x.at, frames };
  }
}

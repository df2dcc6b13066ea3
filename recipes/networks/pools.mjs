import { imageOf, QONNX, windowOf } from './graph.mjs';
import { pool, windowed } from './kernels.mjs';
import { Layers } from './layers.mjs';

/** @typedef {import('./graph.mjs').Value} Value */

/** Pooling. */
export class Pools extends Layers {
  /**
   * @param {Value} x
   * @param {{ kernel: readonly number[], stride?: readonly number[], pads?: readonly number[] }} spec
   * @returns {Value}
   */
  maxPool(x, { kernel, stride = kernel, pads = kernel.flatMap(() => [0, 0]) }) {
    const window = windowOf(
      kernel,
      stride,
      pads,
      kernel.map(() => 1),
    );
    const name = this.node('MaxPool', [x.name], { kernel_shape: kernel, strides: stride, pads });
    const shaped = (/** @type {readonly number[]} */ s) => [
      1,
      s[1] ?? 1,
      ...windowed(imageOf(s), window).slice(0, s.length - 2),
    ];
    const frames = x.frames.map((frame) => pool(frame, imageOf(x.at), window, 'max'));
    return { ...x, name, shape: shaped(x.shape), at: shaped(x.at), frames };
  }

  /**
   * Averages and drops low bits, as Brevitas' TruncAvgPool2d: AveragePool, Mul, Trunc; in FINN's dialect QuantAvgPool2d.
   * @param {Value} x quantised, unsigned, with one scale
   * @param {{ bits: number, kernel?: number, stride?: number }} spec bits of x and of the result; without a kernel: all of the image
   * @returns {Value}
   */
  averagePool(x, { bits, kernel, stride = kernel ?? 1 }) {
    const [, , height = 1, width = 1] = x.shape;
    const [k, l] = kernel === undefined ? [height, width] : [kernel, kernel];
    const sums = 2 ** bits - 1;
    const wide = this.dialect === 'finn' ? Math.ceil(Math.log2(sums * k * l + 1)) : bits + Math.ceil(Math.log2(k * l));
    const step = x.step ?? 1;
    const windowFor = (/** @type {readonly number[]} */ s) => {
      const own = kernel === undefined ? s.slice(2) : [kernel, kernel];
      return windowOf(own, [stride, stride], [0, 0, 0, 0], [1, 1]);
    };
    const shaped = (/** @type {readonly number[]} */ s) => [1, s[1] ?? 1, ...windowed(imageOf(s), windowFor(s))];
    const own = windowFor(x.at);
    const share = (k * l) / (own.kernel[0] * own.kernel[1]) / 2 ** (wide - bits);
    const frames = x.frames.map((frame) =>
      pool(frame, imageOf(x.at), own, 'sum').map((v) => Math.floor(Math.round(v / step) * share) * step),
    );
    const result = { shape: shaped(x.shape), at: shaped(x.at), frames, step };
    if (this.dialect === 'finn') {
      if (step !== 1) throw new Error('QuantAvgPool2d takes integers: give the quantiser in front the scale 1');
      const attributes = { kernel: k, stride, ibits: bits, obits: bits, signed: 0, data_layout: 'NCHW' };
      return { ...result, name: this.node('QuantAvgPool2d', [x.name], attributes, QONNX) };
    }
    const mean = this.node('AveragePool', [x.name], {
      kernel_shape: [k, l],
      strides: [stride, stride],
      pads: [0, 0, 0, 0],
    });
    const sum = this.node('Mul', [mean, this.scalar(k * l)]);
    const inputs = [sum, this.scalar(step), this.scalar(0), this.scalar(wide), this.scalar(bits)];
    return { ...result, name: this.node('Trunc', inputs, { rounding_mode: 'FLOOR' }, QONNX) };
  }

  /**
   * @param {Value} x
   * @returns {Value} [1, channels, 1…]
   */
  globalAveragePool(x) {
    const { channels, height, width } = imageOf(x.at);
    const window = windowOf([height, width], [1, 1], [0, 0, 0, 0], [1, 1]);
    const frames = x.frames.map((f) => pool(f, imageOf(x.at), window, 'sum').map((v) => v / (height * width)));
    const shape = [1, channels, ...x.shape.slice(2).map(() => 1)];
    return { name: this.node('GlobalAveragePool', [x.name]), shape, at: shape, frames };
  }
}

import { Graph, mapped, QONNX, sizeOf, sums } from './graph.mjs';

/**
 * @typedef {import('./graph.mjs').Value} Value
 * @typedef {import('./protobuf.mjs').Attribute} Attribute
 * @typedef {{ bits: number, perChannel?: boolean }} WeightSpec 1 bit: −1 and 1; 2: also 0, both without a scale; more: narrow, with a scale.
 */

/** Steps of a uniform quantiser of a normal distribution, in its standard deviations, by bits. */
const steps = {
  relu: [1.6, 1.2, 0.8, 0.5, 0.27, 0.14, 0.07, 0.035, 0.018],
  signed: [1.6, 1.6, 1, 0.6, 0.34, 0.19, 0.1, 0.055, 0.03],
};

/** Quantisers of activations and weights. */
export class Quantisers extends Graph {
  /**
   * @param {Value} x
   * @param {string} type Add, Sub, Mul or Div
   * @param {number} by
   * @returns {Value}
   */
  scaled(x, type, by) {
    const apply = { Add: 1, Sub: -1 }[type];
    const compute = (/** @type {number} */ v) => (apply ? v + apply * by : type === 'Mul' ? v * by : v / by);
    const { step: _, ...rest } = x;
    return { ...rest, name: this.node(type, [x.name, this.scalar(by)]), frames: x.frames.map((f) => f.map(compute)) };
  }

  /**
   * Scales that suit the frames: one for each channel, or one where `each` is 1.
   * @param {Value} x
   * @param {{ bits: number, signed?: boolean, fine?: number }} spec
   * @param {number} [each]
   * @returns {Float32Array}
   */
  scalesFor(x, { bits, signed = false, fine = 1 }, each = 1) {
    const factor = /** @type {number} */ ((signed ? steps.signed : steps.relu)[bits]) / fine;
    return Float32Array.from(deviations(x, each), (deviation) => factor * deviation);
  }

  /**
   * A quantiser of activations. Without `scale` it is calibrated, for all channels or with `perChannel` for each; steps are `fine`
   * times as small as for one that loses least, where averages drop low bits behind it.
   * @param {Value} x
   * @param {{ bits: number, signed?: boolean, narrow?: boolean, relu?: boolean, scale?: number, perChannel?: boolean,
   *   fine?: number }} spec
   *   1 signed bit: the sign; `relu` puts a Relu in front, for unsigned ones
   * @returns {Value}
   */
  quant(x, { bits, signed = false, narrow = false, relu = false, scale, perChannel = false, fine = 1 }) {
    if (bits === 1 && signed) return this.signs(x, scale ?? 1);
    const channels = x.shape[1] ?? 1;
    const each = perChannel ? channels : 1;
    const scales =
      scale === undefined ? this.scalesFor(x, { bits, signed, fine }, each) : new Float32Array(each).fill(scale);
    const min = signed ? -(2 ** (bits - 1)) + (narrow ? 1 : 0) : 0;
    const max = signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1 - (narrow ? 1 : 0);
    const frames = mapped(x, (v, c) => {
      const s = /** @type {number} */ (scales[perChannel ? c : 0]);
      return roundEven(Math.min(max, Math.max(min, v / s))) * s;
    });
    const step = perChannel ? {} : { step: /** @type {number} */ (scales[0]) };
    const { shape, at } = x;
    const dims = perChannel ? [1, channels, ...shape.slice(2).map(() => 1)] : [];
    if (this.dialect === 'qonnx') {
      const from = relu ? this.node('Relu', [x.name]) : x.name;
      const scaleName = perChannel
        ? this.constant('scale', dims, scales)
        : this.scalar(/** @type {number} */ (scales[0]));
      const attributes = { signed: Number(signed), narrow: Number(narrow), rounding_mode: 'ROUND' };
      const name = this.node('Quant', [from, scaleName, this.scalar(0), this.scalar(bits)], attributes, QONNX);
      return { name, shape, at, frames, ...step };
    }
    const levels = max - min;
    const thresholds = Array.from({ length: each * levels }, (_, i) => {
      const s = /** @type {number} */ (scales[Math.floor(i / levels)]);
      return s * ((i % levels) + 0.5 + min);
    });
    const dtype = `${signed ? 'INT' : 'UINT'}${bits}`;
    const counted = this.multiThreshold(x, [each, levels], thresholds, { out_dtype: dtype, out_bias: { float: min } });
    this.datatypes[counted] = dtype;
    const by = perChannel ? this.constant('scale', dims, scales) : this.scalar(/** @type {number} */ (scales[0]));
    return {
      name: scales.every((s) => s === 1) ? counted : this.node('Mul', [counted, by]),
      shape,
      at,
      frames,
      ...step,
    };
  }

  /**
   * An unsigned quantiser in front of an average pool: QuantAvgPool2d of FINN's dialect takes integers.
   * @param {Value} x
   * @param {number} bits
   * @returns {Value}
   */
  quantForPool(x, bits) {
    const spec = { bits, relu: true, fine: 3 };
    if (this.dialect === 'qonnx') return this.quant(x, spec);
    const [scale = 1] = this.scalesFor(x, spec);
    return this.quant(this.scaled(x, 'Div', scale), { ...spec, scale: 1 });
  }

  /**
   * @param {Value} x
   * @param {number} scale
   * @returns {Value}
   */
  signs(x, scale) {
    const frames = x.frames.map((frame) => frame.map((v) => (v >= 0 ? scale : -scale)));
    const { shape, at } = x;
    if (this.dialect === 'qonnx')
      return {
        name: this.node('BipolarQuant', [x.name, this.scalar(scale)], {}, QONNX),
        shape,
        at,
        frames,
        step: scale,
      };
    const attributes = { out_dtype: 'BIPOLAR', out_scale: { float: 2 }, out_bias: { float: -1 } };
    const counted = this.multiThreshold(x, [1, 1], [0], attributes);
    this.datatypes[counted] = 'BIPOLAR';
    return {
      name: scale === 1 ? counted : this.node('Mul', [counted, this.scalar(scale)]),
      shape,
      at,
      frames,
      step: scale,
    };
  }

  /**
   * @param {Value} x
   * @param {readonly number[]} dims
   * @param {readonly number[]} thresholds
   * @param {Readonly<Record<string, Attribute>>} attributes
   */
  multiThreshold(x, dims, thresholds, attributes) {
    const layout = /** @type {string} */ (['N', 'NC', 'NCW', 'NCHW'][x.shape.length - 1]);
    const constant = this.constant('thresholds', dims, thresholds);
    return this.node('MultiThreshold', [x.name, constant], { data_layout: layout, ...attributes }, QONNX);
  }

  /**
   * Weights [outputs, …]: `name` is a tensor of them, `values` what they stand for, `after` scales what is computed with them.
   * @param {readonly number[]} dims
   * @param {WeightSpec} spec
   * @param {{ axis?: number }} [options] the axis of outputs
   */
  weights(dims, { bits, perChannel = false }, { axis = 0 } = {}) {
    const size = sizeOf(dims);
    const outputs = /** @type {number} */ (dims[axis]);
    const inner = sizeOf(dims.slice(axis + 1));
    const bound = bits <= 2 ? 1 : Math.sqrt(outputs / size);
    const real = Float32Array.from({ length: size }, () => this.random.uniform(-bound, bound));
    const max = bits === 1 ? 1 : 2 ** (bits - 1) - 1;
    const outputOf = (/** @type {number} */ i) => (perChannel ? Math.floor(i / inner) % outputs : 0);
    const scales = new Float32Array(perChannel ? outputs : 1).fill(bits <= 2 ? 1 : bound / max);
    if (perChannel && bits > 2) {
      scales.fill(bound / max / 2);
      for (const [i, v] of real.entries())
        scales[outputOf(i)] = Math.max(/** @type {number} */ (scales[outputOf(i)]), Math.abs(v) / max);
    }
    const scaleOf = (/** @type {number} */ i) => /** @type {number} */ (scales[outputOf(i)]);
    const whole = real.map((v, i) =>
      bits === 1 ? (v >= 0 ? 1 : -1) : Math.min(max, Math.max(-max, roundEven(v / scaleOf(i)))),
    );
    const values = whole.map((v, i) => v * scaleOf(i));
    if (this.dialect === 'finn') {
      const name = this.constant('weights', dims, whole);
      this.datatypes[name] = bits === 1 ? 'BIPOLAR' : bits === 2 ? 'TERNARY' : `INT${bits}`;
      return { name, values, scales, after: scales.every((s) => s === 1) ? undefined : scales };
    }
    const source = this.constant('weights', dims, real);
    const scale = perChannel
      ? this.constant(
          'scale',
          dims.map((_, i) => (i === axis ? outputs : 1)),
          scales,
        )
      : this.scalar(/** @type {number} */ (scales[0]));
    const attributes = { signed: 1, narrow: 1, rounding_mode: 'ROUND' };
    const name =
      bits === 1
        ? this.node('BipolarQuant', [source, scale], {}, QONNX)
        : this.node('Quant', [source, scale, this.scalar(0), this.scalar(bits)], attributes, QONNX);
    return { name, values, scales, after: undefined };
  }

  /**
   * @param {string} x
   * @param {Float32Array | undefined} scales
   * @param {number} rank
   */
  rescaled(x, scales, rank) {
    if (!scales) return x;
    const dims = [1, scales.length, ...new Array(rank - 2).fill(1)];
    return this.node('Mul', [
      x,
      scales.length === 1 ? this.scalar(/** @type {number} */ (scales[0])) : this.constant('scale', dims, scales),
    ]);
  }
}

/**
 * @param {number} v
 * @returns {number} the nearest integer, of two the even one
 */
function roundEven(v) {
  const low = Math.floor(v);
  if (v - low !== 0.5) return Math.round(v);
  return low % 2 === 0 ? low : low + 1;
}

/**
 * Root of the mean square of each channel, or of all where `each` is 1.
 * @param {Value} x
 * @param {number} each
 * @returns {number[]}
 */
function deviations(x, each) {
  const squares = [...sums(x, (v) => v * v)];
  const parts = each === 1 ? [squares.reduce((sum, square) => sum + square, 0)] : squares;
  const n = (sizeOf(x.at) / each) * x.frames.length;
  return parts.map((sum) => Math.sqrt(sum / n) || 1);
}

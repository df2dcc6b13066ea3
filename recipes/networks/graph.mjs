import { encodeModel } from './protobuf.mjs';
import { Random } from './random.mjs';

/**
 * @typedef {import('./protobuf.mjs').Attribute} Attribute
 * @typedef {import('./kernels.mjs').Size} Size
 * @typedef {import('./kernels.mjs').Window} Window
 * @typedef {'qonnx' | 'finn'} Dialect Quantisers as Quant and BipolarQuant, or as integers, Mul and MultiThreshold.
 * @typedef {{ name: string, shape: readonly number[], at: readonly number[], frames: Float32Array[], step?: number }} Value
 *   A tensor of the network: its shape; the frames that calibrate, of shape `at` (the network may be calibrated on smaller images);
 *   the scale of its integers where it has one for all.
 */

/** The domain of QONNX's operators. */
export const QONNX = 'qonnx.custom_op.general';

/**
 * Elements of a tensor.
 * @param {readonly number[]} dims
 */
export const sizeOf = (dims) => dims.reduce((product, n) => product * n, 1);

/** An image's size; one dimension of space is a height.
 * @param {readonly number[]} shape 1, channels, and up to two axes of space
 * @returns {Size}
 */
export const imageOf = ([, channels = 1, height = 1, width = 1]) => ({ channels, height, width });

/**
 * The frames, each element put through `compute` with its channel.
 * @param {Pick<Value, 'at' | 'frames'>} x
 * @param {(value: number, channel: number) => number} compute
 * @returns {Float32Array[]}
 */
export const mapped = ({ at, frames }, compute) => {
  const [channels, inner] = [at[1] ?? 1, sizeOf(at.slice(2))];
  return frames.map((frame) => {
    const out = new Float32Array(frame.length);
    for (let i = 0, c = 0; i < frame.length; c = (c + 1) % channels)
      for (const end = i + inner; i < end; i += 1) out[i] = compute(/** @type {number} */ (frame[i]), c);
    return out;
  });
};

/**
 * What `compute` makes of the frames' elements, added for each channel.
 * @param {Pick<Value, 'at' | 'frames'>} x
 * @param {(value: number) => number} compute
 * @returns {Float64Array}
 */
export const sums = (x, compute) => {
  const all = new Float64Array(x.at[1] ?? 1);
  mapped(x, (v, c) => {
    all[c] = /** @type {number} */ (all[c]) + compute(v);
    return 0;
  });
  return all;
};

/**
 * A window of ONNX's attributes; one dimension of space is vertical.
 * @param {readonly number[]} kernel
 * @param {readonly number[]} stride
 * @param {readonly number[]} pads
 * @param {readonly number[]} dilation
 * @returns {Window}
 */
export function windowOf(kernel, stride, pads, dilation) {
  const rank = kernel.length;
  const [top = 0, left = 0] = [pads[0], rank === 2 ? pads[1] : 0];
  const [bottom = 0, right = 0] = [pads[rank], rank === 2 ? pads[3] : 0];
  const pair = (/** @type {readonly number[]} */ [a = 1, b = 1]) => /** @type {const} */ ([a, b]);
  return { kernel: pair(kernel), stride: pair(stride), pads: [top, left, bottom, right], dilation: pair(dilation) };
}

/** Nodes, constants and names of a network in the making. */
export class Graph {
  /** @type {import('./protobuf.mjs').Node[]} */
  nodes = [];
  /** @type {import('./protobuf.mjs').Constant[]} */
  #constants = [];
  /** @type {import('./protobuf.mjs').Port[]} */
  #inputs = [];
  /** @type {Record<string, string>} */
  datatypes = {};
  /** @type {Map<string, string>} */
  #scalars = new Map();
  /** @type {Map<string, number>} */
  #numbers = new Map();
  #name;
  /** @type {Dialect} */
  dialect;
  random;

  /**
   * @param {string} name
   * @param {{ seed?: number | undefined, dialect?: Dialect | undefined }} [options]
   */
  constructor(name, { seed = 1, dialect = 'qonnx' } = {}) {
    this.#name = name;
    this.dialect = dialect;
    this.random = new Random(seed);
  }

  /** @param {string} name */
  unique(name) {
    const n = this.#numbers.get(name) ?? 0;
    this.#numbers.set(name, n + 1);
    return `${name}_${n}`;
  }

  /**
   * @param {string} name
   * @param {readonly number[]} dims
   * @param {Float32Array | readonly number[]} values
   */
  constant(name, dims, values) {
    const unique = this.unique(name);
    this.#constants.push({ name: unique, dims, data: Float32Array.from(values) });
    return unique;
  }

  /** @param {number} value A constant without axes; equal ones are one. */
  scalar(value) {
    const key = String(value);
    const known = this.#scalars.get(key) ?? this.constant('scalar', [], [value]);
    this.#scalars.set(key, known);
    return known;
  }

  /** @param {readonly number[]} values */
  integers(values) {
    const name = this.unique('integers');
    this.#constants.push({ name, dims: [values.length], data: BigInt64Array.from(values, BigInt) });
    return name;
  }

  /**
   * @param {string} type
   * @param {readonly string[]} inputs
   * @param {Readonly<Record<string, Attribute>>} [attributes]
   * @param {string} [domain]
   * @returns {string} its output
   */
  node(type, inputs, attributes = {}, domain = '') {
    const name = this.unique(type);
    this.nodes.push({ name, type, domain, inputs, outputs: [`${name}_out`], attributes });
    return `${name}_out`;
  }

  /**
   * @param {string} name
   * @param {readonly number[]} shape
   * @param {Float32Array[]} frames
   * @param {{ at?: readonly number[], integer?: boolean }} [options]
   * @returns {Value}
   */
  input(name, shape, frames, { at = shape, integer = false } = {}) {
    this.#inputs.push({ name, dims: shape, integer });
    return { name, shape, at, frames };
  }

  /**
   * The file, with `x` as the network's one output.
   * @param {Value} x
   * @param {string} [name]
   * @returns {Uint8Array}
   */
  finish(x, name = 'output') {
    this.nodes.push({
      name: 'result',
      type: 'Identity',
      domain: '',
      inputs: [x.name],
      outputs: [name],
      attributes: {},
    });
    return encodeModel({
      name: this.#name,
      nodes: this.nodes,
      constants: this.#constants,
      inputs: this.#inputs,
      outputs: [{ name, dims: x.shape }],
      datatypes: this.datatypes,
      opset: 13,
    });
  }
}

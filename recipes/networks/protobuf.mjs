/**
 * ONNX files without a library: the fields of onnx.proto that a network needs. A program that makes a recipe's model runs
 * in a folder that holds its inputs and nothing else, so that nothing can be imported from elsewhere.
 *
 * @typedef {{ name: string, dims: readonly number[], data: Float32Array | BigInt64Array }} Constant A tensor; its data little-endian.
 * @typedef {number | string | readonly number[] | { float: number }} Attribute Integers as INT(S), strings as STRING, `{ float }` as FLOAT.
 * @typedef {{ name: string, type: string, domain: string, inputs: readonly string[], outputs: readonly string[],
 *   attributes: Readonly<Record<string, Attribute>> }} Node
 * @typedef {{ name: string, dims: readonly number[], integer?: boolean }} Port Float, or int64 where `integer`.
 * @typedef {{ name: string, nodes: readonly Node[], constants: readonly Constant[], inputs: readonly Port[], outputs: readonly Port[],
 *   datatypes: Readonly<Record<string, string>>, opset: number }} Model `datatypes`: FINN's name of a tensor's type, by tensor.
 */

const text = new TextEncoder();
const types = { FLOAT: 1, INT64: 7 };
const kinds = { FLOAT: 1, INT: 2, STRING: 3, INTS: 7 };

/** Bytes in pieces, put together at the end: weights are not copied at each level. */
class Message {
  /** @type {Uint8Array[]} */
  #pieces = [];
  #length = 0;

  /** @param {Uint8Array} bytes */
  #put(bytes) {
    this.#pieces.push(bytes);
    this.#length += bytes.length;
  }

  /** @param {number | bigint} value */
  #varint(value) {
    const bytes = [];
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
    bytes.push(Number(rest));
    this.#put(Uint8Array.from(bytes));
  }

  /**
   * @param {number} field
   * @param {number} value
   */
  integer(field, value) {
    this.#varint(field * 8);
    this.#varint(value);
    return this;
  }

  /**
   * @param {number} field
   * @param {number} value
   */
  float(field, value) {
    this.#varint(field * 8 + 5);
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    this.#put(bytes);
    return this;
  }

  /**
   * @param {number} field
   * @param {Uint8Array} bytes
   */
  bytes(field, bytes) {
    this.#varint(field * 8 + 2);
    this.#varint(bytes.length);
    this.#put(bytes);
    return this;
  }

  /**
   * @param {number} field
   * @param {string} value
   */
  string(field, value) {
    return this.bytes(field, text.encode(value));
  }

  /**
   * @param {number} field
   * @param {Message} inner
   */
  message(field, inner) {
    this.#varint(field * 8 + 2);
    this.#varint(inner.#length);
    for (const piece of inner.#pieces) this.#put(piece);
    return this;
  }

  /** @returns {Uint8Array} */
  finish() {
    const all = new Uint8Array(this.#length);
    let at = 0;
    for (const piece of this.#pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }
}

/** @param {Constant} constant */
function tensor({ name, dims, data }) {
  const message = new Message();
  for (const n of dims) message.integer(1, n);
  message.integer(2, data instanceof Float32Array ? types.FLOAT : types.INT64);
  return message.string(8, name).bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

/** @param {Port} port */
function valueInfo({ name, dims, integer = false }) {
  const shape = new Message();
  for (const n of dims) shape.message(1, new Message().integer(1, n));
  const type = new Message().integer(1, integer ? types.INT64 : types.FLOAT).message(2, shape);
  return new Message().string(1, name).message(2, new Message().message(1, type));
}

/**
 * @param {string} name
 * @param {Attribute} value
 */
function attribute(name, value) {
  const message = new Message().string(1, name);
  if (typeof value === 'string') return message.string(4, value).integer(20, kinds.STRING);
  if (typeof value === 'number') return message.integer(3, value).integer(20, kinds.INT);
  if ('float' in value) return message.float(2, value.float).integer(20, kinds.FLOAT);
  for (const n of value) message.integer(8, n);
  return message.integer(20, kinds.INTS);
}

/** @param {Node} node */
function nodeMessage({ name, type, domain, inputs, outputs, attributes }) {
  const message = new Message();
  for (const input of inputs) message.string(1, input);
  for (const output of outputs) message.string(2, output);
  message.string(3, name).string(4, type);
  for (const [key, value] of Object.entries(attributes)) message.message(5, attribute(key, value));
  return domain === '' ? message : message.string(7, domain);
}

/**
 * The bytes of an ONNX file: the same for equal models.
 * @param {Model} model
 * @returns {Uint8Array}
 */
export function encodeModel({ name, nodes, constants, inputs, outputs, datatypes, opset }) {
  const graph = new Message();
  for (const node of nodes) graph.message(1, nodeMessage(node));
  graph.string(2, name);
  for (const constant of constants) graph.message(5, tensor(constant));
  for (const input of inputs) graph.message(11, valueInfo(input));
  for (const output of outputs) graph.message(12, valueInfo(output));
  for (const [of, datatype] of Object.entries(datatypes)) {
    const entry = new Message().string(1, 'finn_datatype').string(2, datatype);
    graph.message(14, new Message().string(1, of).message(2, entry));
  }
  const file = new Message().integer(1, 8).string(2, 'finn recipes').message(7, graph);
  file.message(8, new Message().string(1, '').integer(2, opset));
  const domains = new Set(nodes.map(({ domain }) => domain).filter((domain) => domain !== ''));
  for (const domain of [...domains].sort()) file.message(8, new Message().string(1, domain).integer(2, 1));
  return file.finish();
}

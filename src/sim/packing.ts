import { bug } from '../diagnostics/diagnostic.ts';
import type { StreamPort } from '../hdl/design.ts';
import { BIPOLAR, type DataType } from '../ir/datatype.ts';
import type { Data } from '../ir/tensor.ts';

/** Bytes of one beat of a stream that is `width` bits wide. */
export const beatBytes = (width: number): number => Math.ceil(width / 8);

type Shape = Pick<StreamPort, 'lanes' | 'bits' | 'width'>;

/**
 * Order of a last axis of `size` elements in the stream: at place i is element order[i] of the tensor's row; undefined
 * where the row is streamed as it lies.
 */
export function streamOrder({ interleave }: Pick<StreamPort, 'interleave'>, size: number): Int32Array | undefined {
  if (!interleave) return undefined;
  const { positions, group } = interleave;
  const channels = size / positions;
  if (!Number.isInteger(channels / group)) bug(`groups of ${group} of ${size} elements at ${positions} positions`);
  const order = new Int32Array(size);
  let at = 0;
  for (let first = 0; first < channels; first += group) {
    for (let position = 0; position < positions; position += 1) {
      for (let c = 0; c < group; c += 1) order[at++] = position * channels + first + c;
    }
  }
  return order;
}

/** Elements of a tensor whose last axis has `size`, in the order in which they are streamed. */
export function toStream(elements: Data, size: number, port: Pick<StreamPort, 'interleave'>): Data {
  const order = streamOrder(port, size);
  return order ? elements.map((_, i) => elements[i - (i % size) + order[i % size]!]!) : elements;
}

/** The inverse of `toStream`. */
export function fromStream(streamed: Float64Array, size: number, port: Pick<StreamPort, 'interleave'>): Float64Array {
  const order = streamOrder(port, size);
  if (!order) return streamed;
  const elements = new Float64Array(streamed.length);
  for (let i = 0; i < streamed.length; i += 1) elements[i - (i % size) + order[i % size]!] = streamed[i]!;
  return elements;
}

/**
 * Elements in stream order (lanes innermost) to beats: element 0 of a beat in the least significant bits, two's
 * complement, BIPOLAR −1 as 0, beats as ⌈width/8⌉ bytes little-endian with zeros above (FINN's packing, reverse_inner
 * and reverse_endian). `elements` must fill whole beats.
 */
export function pack(elements: ArrayLike<number>, dtype: DataType, { lanes, bits, width }: Shape): Uint8Array {
  if (elements.length % lanes !== 0) bug(`${elements.length} elements do not fill beats of ${lanes}`);
  if (lanes * bits > width) bug(`${lanes} elements of ${bits} bits in a beat of ${width} bits`);
  const bytes = beatBytes(width);
  const beats = elements.length / lanes;
  const out = new Uint8Array(beats * bytes);
  for (let beat = 0; beat < beats; beat += 1) {
    for (let lane = 0; lane < lanes; lane += 1) {
      const element = elements[beat * lanes + lane]!;
      put(out, beat * bytes * 8 + lane * bits, bits, dtype === BIPOLAR ? Number(element > 0) : element);
    }
  }
  return out;
}

/** The inverse of `pack`: all elements of all beats. */
export function unpack(beats: Uint8Array, dtype: DataType, { lanes, bits, width }: Shape): Float64Array {
  const bytes = beatBytes(width);
  if (beats.length % bytes !== 0) bug(`${beats.length} bytes are no beats of ${bytes}`);
  const count = beats.length / bytes;
  const out = new Float64Array(count * lanes);
  for (let beat = 0; beat < count; beat += 1) {
    for (let lane = 0; lane < lanes; lane += 1) {
      const raw = get(beats, beat * bytes * 8 + lane * bits, bits);
      const signed = dtype.signed && raw >= 2 ** (bits - 1) ? raw - 2 ** bits : raw;
      out[beat * lanes + lane] = dtype === BIPOLAR ? 2 * raw - 1 : signed;
    }
  }
  return out;
}

/** Writes the low `bits` of `value` at a bit address; at most 53 bits are significant. */
function put(out: Uint8Array, address: number, bits: number, value: number): void {
  let rest = value;
  let at = address;
  let left = bits;
  while (left > 0) {
    const shift = at % 8;
    const take = Math.min(8 - shift, left);
    const modulus = 2 ** take;
    const part = ((rest % modulus) + modulus) % modulus;
    out[at >> 3]! |= part << shift;
    rest = Math.floor(rest / modulus);
    at += take;
    left -= take;
  }
}

function get(from: Uint8Array, address: number, bits: number): number {
  let value = 0;
  let at = address;
  let done = 0;
  while (done < bits) {
    const shift = at % 8;
    const take = Math.min(8 - shift, bits - done);
    value += ((from[at >> 3]! >> shift) & (2 ** take - 1)) * 2 ** done;
    at += take;
    done += take;
  }
  return value;
}

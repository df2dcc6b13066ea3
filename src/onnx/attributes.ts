import { fail, inNetwork } from '../diagnostics/diagnostic.ts';
import type { Attrs } from '../ir/graph.ts';
import type { Tensor } from '../ir/tensor.ts';
import { type AttributeProto, attributeType, type TensorProto, toNumber } from './proto.ts';

/** Marks an attribute whose string is JSON: booleans, null, objects, and numbers that binary32 does not hold. */
const JSON_MARK = 'finn:json';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** An attribute that is a tensor, as plain data. */
export interface TensorAttribute {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** Attributes of an ONNX node as plain data. Fails with onnx/attribute on a type finn does not read. */
export function readAttributes(
  list: readonly AttributeProto[],
  origin: readonly string[],
  tensorOf: (proto: TensorProto) => Tensor,
): Attrs {
  const attrs: Record<string, unknown> = {};
  for (const attribute of list) {
    const name = attribute.name ?? '';
    if (name === '' || name === '__proto__') {
      fail('onnx/attribute', `node '${origin.join(', ')}' has an attribute called '${name}'`, {
        at: inNetwork(origin),
      });
    }
    if (Object.hasOwn(attrs, name)) {
      fail('onnx/attribute', `node '${origin.join(', ')}' has attribute '${name}' twice`, { at: inNetwork(origin) });
    }
    attrs[name] = readAttribute(attribute, origin, tensorOf);
  }
  return attrs;
}

function readAttribute(
  attribute: AttributeProto,
  origin: readonly string[],
  tensorOf: (proto: TensorProto) => Tensor,
): unknown {
  switch (attribute.type || guessType(attribute)) {
    case attributeType.FLOAT:
      return attribute.f ?? 0;
    case attributeType.INT:
      return toNumber(attribute.i);
    case attributeType.STRING: {
      // Where a file says STRING and gives none, protobufjs has an empty array of its own.
      const string = attribute.s?.length ? text(attribute.s) : '';
      return attribute.doc_string === JSON_MARK ? parseJson(string, attribute.name ?? '', origin) : string;
    }
    case attributeType.FLOATS:
      return [...(attribute.floats ?? [])];
    case attributeType.INTS:
      return (attribute.ints ?? []).map(toNumber);
    case attributeType.STRINGS:
      return (attribute.strings ?? []).map(text);
    case attributeType.TENSOR: {
      const { dtype, shape, data } = tensorOf(attribute.t ?? {});
      return { dtype: dtype.name, shape, values: [...data] } satisfies TensorAttribute;
    }
    default:
      return fail(
        'onnx/attribute',
        `attribute '${attribute.name}' of node '${origin.join(', ')}' has type number ${attribute.type}`,
        { at: inNetwork(origin), hint: 'finn reads numbers, strings, lists of them, and tensors; not subgraphs' },
      );
  }
}

/** Very old files leave `type` out. */
function guessType(attribute: AttributeProto): number | undefined {
  const has = (key: keyof AttributeProto): boolean => Object.hasOwn(attribute, key);
  if (has('i')) return attributeType.INT;
  if (has('f')) return attributeType.FLOAT;
  if (has('s')) return attributeType.STRING;
  if (has('t')) return attributeType.TENSOR;
  if (has('ints')) return attributeType.INTS;
  if (has('floats')) return attributeType.FLOATS;
  if (has('strings')) return attributeType.STRINGS;
  return undefined;
}

function parseJson(string: string, name: string, origin: readonly string[]): unknown {
  try {
    return JSON.parse(string);
  } catch {
    return fail('onnx/attribute', `attribute '${name}' of node '${origin.join(', ')}' is marked as JSON but is none`, {
      at: inNetwork(origin),
    });
  }
}

/** ONNX's own and QONNX's attributes that are floating point, so that 1 is written as 1.0. */
const floating = new Set(
  'alpha beta gamma epsilon momentum bias lambd cubic_coeff_a extrapolation_value out_scale out_bias ratio max min'.split(
    ' ',
  ),
);
const inBinary32 = (v: number): boolean => Object.is(Math.fround(v), v);
const isNumber = (v: unknown): v is number => typeof v === 'number';
const isInt = (v: unknown): v is number => Number.isSafeInteger(v) && !Object.is(v, -0);

/**
 * An attribute as protobuf. Whatever is written reads back equal: integers as INT, other numbers as FLOAT where binary32 holds
 * them, strings as STRING, lists likewise; everything else as JSON in a string that is marked as such.
 */
export function writeAttribute(name: string, value: unknown, domain: string): AttributeProto {
  const float = floating.has(name) && (domain === '' || domain === 'qonnx.custom_op.general');
  if (typeof value === 'string') return { name, type: attributeType.STRING, s: new TextEncoder().encode(value) };
  if (isInt(value) && !float) return { name, type: attributeType.INT, i: value };
  if (isNumber(value) && inBinary32(value)) return { name, type: attributeType.FLOAT, f: value };
  if (Array.isArray(value)) {
    if (value.every(isInt)) return { name, type: attributeType.INTS, ints: value };
    if (value.every(isNumber) && value.every(inBinary32)) return { name, type: attributeType.FLOATS, floats: value };
    if (value.every((v) => typeof v === 'string')) {
      return { name, type: attributeType.STRINGS, strings: value.map((v) => new TextEncoder().encode(v)) };
    }
  }
  const json = new TextEncoder().encode(JSON.stringify(value));
  return { name, type: attributeType.STRING, s: json, doc_string: JSON_MARK };
}

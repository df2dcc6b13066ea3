import { fail, inNetwork } from '../../diagnostics/diagnostic.ts';
import { BIPOLAR, type DataType, FLOAT32, FLOAT64, int, uint } from '../../ir/datatype.ts';
import type { Node, Op } from '../../ir/graph.ts';
import { allocate, type Tensor, tensor } from '../../ir/tensor.ts';
import { stretches, zip, zipAll } from './broadcast.ts';
import { define, floatOf, integerRange, QONNX, rounder, Site } from './define.ts';
import { parseRounding, type Rounding, roundings } from './rounding.ts';

/** What a quantiser does: integer = round(clip(x/scale + zeroPoint, min, max)); value = (integer − zeroPoint)·scale. */
export interface QuantParameters {
  /** Broadcasts to the tensor that is quantised. */
  readonly scale: Tensor;
  readonly zeroPoint: Tensor;
  readonly bits: number;
  readonly signed: boolean;
  readonly narrow: boolean;
  readonly rounding: Rounding;
  /** Least and greatest integer; −1 and 1 for one signed bit, which has no 0. */
  readonly min: number;
  readonly max: number;
  /** The type of the integers: BIPOLAR for one signed bit; `narrow` does not show in it, as in FINN. */
  readonly dtype: DataType;
  /** QuantizeLinear rounds x/scale before it adds the zero point: ties then differ where the zero point is odd. */
  readonly zeroPointLast: boolean;
}

const siteOf = (node: Node): Site =>
  new Site(node.op.name, node.inputs, node.attrs, { origin: node.origin, outputs: node.types.length });

/** The parameters of a Quant, IntQuant or BipolarQuant. Fails with onnx/input or onnx/attribute where they are illegal. */
export function quantParameters(node: Node): QuantParameters {
  if (node.op === BipolarQuant) return bipolarParameters(siteOf(node));
  if (node.op === Quant || node.op === IntQuant) return parametersOf(siteOf(node));
  return fail('onnx/input', `${node.origin.join(', ')} (${node.op.name}) is no quantiser`, {
    at: inNetwork(node.origin),
  });
}

function parametersOf(site: Site): QuantParameters {
  const scale = positive(site, 1, 'scale');
  const zeroPoint = finite(site, 2, 'zero point');
  const bits = bitWidth(site, 3);
  const signed = site.flag('signed', true);
  const narrow = site.flag('narrow', false);
  const rounding = roundingOf(site, 'ROUND');
  const bipolar = signed && bits === 1;
  return {
    scale,
    zeroPoint,
    bits,
    signed,
    narrow,
    rounding,
    ...(bipolar ? { min: -1, max: 1 } : limits(bits, signed, narrow)),
    dtype: bipolar ? BIPOLAR : signed ? int(bits) : uint(bits),
    zeroPointLast: false,
  };
}

function bipolarParameters(site: Site): QuantParameters {
  const zeroPoint = tensor(FLOAT32, [], [0]);
  const scale = positive(site, 1, 'scale');
  return {
    ...{ scale, zeroPoint, bits: 1, signed: true, narrow: false, rounding: 'ROUND', min: -1, max: 1 },
    ...{ dtype: BIPOLAR, zeroPointLast: false },
  };
}

/** Least and greatest integer of a quantiser. */
export function limits(bits: number, signed: boolean, narrow: boolean): { min: number; max: number } {
  if (signed) return { min: -(2 ** (bits - 1)) + (narrow ? 1 : 0), max: 2 ** (bits - 1) - 1 };
  return { min: 0, max: 2 ** bits - 1 - (narrow ? 1 : 0) };
}

function finite(site: Site, index: number, what: string): Tensor {
  const given = site.constant(index, what) ?? site.fail('onnx/input', `its ${what} (input ${index}) is missing`);
  const bad = given.data.find((v) => !Number.isFinite(v));
  if (bad !== undefined || given.data.length === 0) {
    site.fail(
      'onnx/input',
      `its ${what} (input ${index}) ${bad === undefined ? 'is empty' : `holds ${bad}`}`,
      `a ${what} is a number: export the trained network anew`,
    );
  }
  return given;
}

function positive(site: Site, index: number, what: string): Tensor {
  const given = finite(site, index, what);
  const bad = given.data.find((v) => v <= 0);
  if (bad !== undefined)
    site.fail('onnx/input', `its ${what} (input ${index}) holds ${bad}`, `a ${what} is greater than 0`);
  return given;
}

function bitWidth(site: Site, index: number): number {
  const given = finite(site, index, 'bit width');
  const bits = given.data[0]!;
  if (given.data.length !== 1 || !Number.isInteger(bits) || bits < 1 || bits > 53) {
    site.fail(
      'onnx/input',
      `its bit width (input ${index}) is ${[...given.data.slice(0, 4)].join(', ')}`,
      'one number, 1 to 53',
    );
  }
  return bits;
}

function roundingOf(site: Site, otherwise: Rounding): Rounding {
  const name = site.string('rounding_mode', otherwise);
  return parseRounding(name) ?? site.illegal('rounding_mode', name, Object.keys(roundings).join(', '));
}

/** Shape of x with its parameters, which must not widen it. */
function sameShape(site: Site, ...parameters: number[]): readonly number[] {
  const shape = site.broadcast(0, ...parameters);
  const own = site.shape(0);
  if (shape.length !== own.length || shape.some((n, i) => n !== own[i])) {
    site.fail(
      'onnx/shape',
      `its parameters of shape ${parameters.map((i) => `[${site.shape(i).join(', ')}]`).join(', ')} do not broadcast to [${own.join(', ')}]`,
    );
  }
  return own;
}

/** Integers times a scale of 1 are integers; any other scale gives floating point. */
function valueType(site: Site, p: QuantParameters): DataType {
  const zero = p.zeroPoint.data[0]!;
  const plain =
    p.scale.data.every((v) => v === 1) && p.zeroPoint.data.every((v) => v === zero) && Number.isInteger(zero);
  if (!plain) return floatOf(site.type(0));
  return zero === 0 ? p.dtype : integerRange(p.min - zero, p.max - zero);
}

/** The integers behind the values of a quantiser, each operation rounded to binary32 as in qonnx on float32 arrays. */
export function quantizeIntegers(x: Tensor, p: QuantParameters): Tensor {
  const round = rounder(x.dtype === FLOAT64 ? FLOAT64 : FLOAT32);
  const pick = roundings[p.rounding];
  const data = allocate(p.dtype, x.data.length);
  const { min, max } = p;
  stretches(x.shape, [p.scale, p.zeroPoint], (from, to, at) => {
    const scale = p.scale.data[at[0]!]!;
    const zero = p.zeroPoint.data[at[1]!]!;
    for (let i = from; i < to; i += 1) {
      const scaled = round(x.data[i]! / scale);
      if (p.zeroPointLast) data[i] = Math.min(Math.max(pick(scaled) + zero, min), max);
      else if (p.dtype === BIPOLAR) data[i] = round(scaled + zero) >= 0 ? 1 : -1;
      else data[i] = pick(Math.min(Math.max(round(scaled + zero), min), max));
    }
  });
  return tensor(p.dtype, x.shape, data);
}

/** The values that integers stand for: (integer − zeroPoint)·scale, each operation rounded. */
export function dequantize(integers: Tensor, p: Pick<QuantParameters, 'scale' | 'zeroPoint'>, dtype: DataType): Tensor {
  const round = rounder(dtype);
  const data = allocate(dtype, integers.data.length);
  stretches(integers.shape, [p.scale, p.zeroPoint], (from, to, at) => {
    const scale = p.scale.data[at[0]!]!;
    const zero = p.zeroPoint.data[at[1]!]!;
    for (let i = from; i < to; i += 1) data[i] = round(integers.data[i]! - zero) * scale;
  });
  return tensor(dtype, integers.shape, data);
}

function quantiser(name: string): Op {
  return define({
    name,
    domain: QONNX,
    arity: [4, 4],
    infer: (site) => ({ shape: sameShape(site, 1, 2), dtype: valueType(site, parametersOf(site)) }),
    evaluate: ([x], site, [type]) => {
      const p = parametersOf(site);
      return dequantize(quantizeIntegers(x!, p), p, type!.dtype);
    },
  });
}

/** QONNX: uniform quantisation, clip first, then round; one signed bit gives ±1. */
export const Quant: Op = quantiser('Quant');
/** QONNX's newer name of Quant. */
export const IntQuant: Op = quantiser('IntQuant');

/** QONNX: the sign, 0 counting as positive, times a scale. */
export const BipolarQuant: Op = define({
  name: 'BipolarQuant',
  domain: QONNX,
  arity: [2, 2],
  infer: (site) => ({ shape: sameShape(site, 1), dtype: valueType(site, bipolarParameters(site)) }),
  evaluate: ([x], site, [type]) => {
    const { scale } = bipolarParameters(site);
    if (scale.data.length === 1) {
      // Of large weights, without a call for each.
      const data = allocate(type!.dtype, x!.data.length);
      const s = scale.data[0]!;
      for (let i = 0; i < data.length; i += 1) data[i] = x!.data[i]! >= 0 ? s : -s;
      return tensor(type!.dtype, type!.shape, data);
    }
    return zip(x!, scale, type!.dtype, type!.shape, (v, s) => (v >= 0 ? s : -s));
  },
});

/** What a Trunc does: see `Trunc`. */
export interface TruncParameters {
  readonly scale: Tensor;
  readonly zeroPoint: Tensor;
  /** Power of two that integers are divided by. */
  readonly divisor: number;
  /** Scale of the result. */
  readonly outputScale: Tensor;
  /** Limits of the result; infinite in version 1, which does not clip. */
  readonly min: number;
  readonly max: number;
  readonly rounding: Rounding;
}

/** The parameters of a Trunc: five inputs in version 1 of QONNX's operators, six in version 2. */
export const truncParameters = (node: Node): TruncParameters => truncOf(siteOf(node));

function truncOf(site: Site): TruncParameters {
  const scale = positive(site, 1, 'scale');
  const zeroPoint = finite(site, 2, 'zero point');
  const inputBits = bitWidth(site, 3);
  const rounding = roundingOf(site, 'FLOOR');
  if (site.inputs.length === 5) {
    const divisor = 2 ** (inputBits - bitWidth(site, 4));
    return { scale, zeroPoint, divisor, outputScale: scale, min: -Infinity, max: Infinity, rounding };
  }
  const outputScale = positive(site, 4, 'output scale');
  const ratio = Math.log2(outputScale.data[0]! / scale.data[0]!);
  return {
    ...{ scale, zeroPoint, divisor: 2 ** Math.round(ratio), outputScale, rounding },
    ...limits(bitWidth(site, 5), site.flag('signed', true), site.flag('narrow', false)),
  };
}

/**
 * QONNX: drops low bits of quantised values. Version 1: (round(roundEven(x/s + z) / 2^(in−out)) − z)·s. Version 2 divides by
 * 2^round(log2(s'/s)), clips before rounding, takes z/2^… off and multiplies by the output scale s'.
 */
export const Trunc: Op = define({
  name: 'Trunc',
  domain: QONNX,
  arity: [5, 6],
  infer: (site) => {
    truncOf(site);
    return { shape: sameShape(site, 1, 2), dtype: floatOf(site.type(0)) };
  },
  evaluate: ([x], site, [type]) => {
    const { scale, zeroPoint, divisor, outputScale, min, max, rounding } = truncOf(site);
    const round = rounder(type!.dtype);
    const pick = roundings[rounding];
    const isSecond = site.inputs.length === 6;
    return zipAll([x!, scale, zeroPoint, outputScale], type!.dtype, type!.shape, ([v, s, z, out]) => {
      const whole = roundings.ROUND(round(round(v! / s!) + z!));
      const y = pick(Math.min(Math.max(round(whole / divisor), min), max));
      return round(y - (isSecond ? round(z! / divisor) : z!)) * out!;
    });
  },
});

export const quantisers: readonly Op[] = [Quant, IntQuant, BipolarQuant, Trunc];

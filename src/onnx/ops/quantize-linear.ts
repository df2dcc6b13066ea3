import { type DataType, FLOAT32, uint } from '../../ir/datatype.ts';
import type { Op } from '../../ir/graph.ts';
import { reshaped, type Tensor, tensor } from '../../ir/tensor.ts';
import { define, type Site } from './define.ts';
import { dequantize, type QuantParameters, quantizeIntegers } from './quant.ts';

/** A parameter along `axis`, shaped so that it broadcasts to the whole tensor. */
function along(site: Site, given: Tensor, what: string): Tensor {
  const shape = site.shape(0);
  if (given.data.length === 1) return reshaped(given, []);
  const axis = site.axis(site.integer('axis', 1), shape.length);
  if (given.shape.length !== 1 || given.data.length !== shape[axis]) {
    site.fail(
      'onnx/shape',
      `its ${what} [${given.shape.join(', ')}] does not fit axis ${axis} of [${shape.join(', ')}]`,
      `one number, or ${shape[axis]} of them; blocks are not read`,
    );
  }
  return reshaped(
    given,
    shape.map((n, i) => (i === axis ? n : 1)),
  );
}

/** Scale, zero point and range of a QuantizeLinear or DequantizeLinear, given as its site. */
export function linearParameters(site: Site, dtype: DataType): QuantParameters {
  if (site.integer('block_size', 0) !== 0)
    site.illegal('block_size', site.attrs['block_size'], '0: blocks are not read');
  const scale = site.constant(1, 'scale')!;
  const bad = scale.data.find((v) => !(v > 0) || v === Infinity);
  if (bad !== undefined) site.fail('onnx/input', `its scale holds ${bad}`, 'a scale is greater than 0');
  const zero = site.constant(2, 'zero point') ?? tensor(dtype, [], [0]);
  return {
    scale: along(site, scale, 'scale'),
    zeroPoint: along(site, zero, 'zero point'),
    bits: dtype.bits,
    signed: dtype.signed,
    narrow: false,
    rounding: 'HALF_EVEN',
    min: dtype.min,
    max: dtype.max,
    dtype,
    zeroPointLast: true,
  };
}

/** The type of a zero point says what QuantizeLinear makes; without one it is UINT8. */
export const quantizedType = (site: Site): DataType => {
  const dtype = site.inputs[2] ? site.type(2).dtype : uint(8);
  if (!dtype.integer)
    site.fail('onnx/unsupported', `its zero point has type ${dtype.name}`, 'finn reads integer types');
  return dtype;
};

/** ONNX: saturate(roundEven(x / scale) + zeroPoint), to the type of the zero point. Scales for each index of `axis` are read. */
export const QuantizeLinear: Op = define({
  name: 'QuantizeLinear',
  arity: [2, 3],
  infer: (site) => {
    const dtype = quantizedType(site);
    linearParameters(site, dtype);
    return { dtype, shape: site.shape(0) };
  },
  evaluate: ([x], site, [type]) => quantizeIntegers(x!, linearParameters(site, type!.dtype)),
});

/** ONNX: (x − zeroPoint) · scale, rounded to binary32. */
export const DequantizeLinear: Op = define({
  name: 'DequantizeLinear',
  arity: [2, 3],
  infer: (site) => {
    const { dtype, shape } = site.type(0);
    if (!dtype.integer) site.fail('onnx/input', `it is given ${dtype.name}`, 'it takes integers');
    linearParameters(site, dtype);
    return { dtype: FLOAT32, shape };
  },
  evaluate: ([x], site, [type]) => dequantize(x!, linearParameters(site, x!.dtype), type!.dtype),
});

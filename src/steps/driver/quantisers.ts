import { BIPOLAR, FLOAT64 } from '../../ir/datatype.ts';
import type { TensorType } from '../../ir/graph.ts';
import { type Tensor, tensor } from '../../ir/tensor.ts';
import { type QuantParameters, quantParameters, truncParameters } from '../../onnx/ops/quant.ts';
import { linearParameters } from '../../onnx/ops/quantize-linear.ts';
import type { Rounding } from '../../onnx/ops/rounding.ts';
import { clipped, number } from './arithmetic.ts';
import { type HostRule, type HostWriter, type Operand, realType } from './program.ts';
import { siteOf } from './site.ts';

/** QONNX's roundings as steps; halves are added in binary32, as the interpreter does. */
function rounded(writer: HostWriter, x: Operand, mode: Rounding, type: TensorType): Operand {
  const plain: Partial<Record<Rounding, string>> = {
    ...{ ROUND: 'round', HALF_EVEN: 'round', CEIL: 'ceil', FLOOR: 'floor', DOWN: 'trunc' },
  };
  const op = plain[mode];
  if (op) return writer.step(op, [x], type);
  const sign = writer.step('sign', [x], type);
  const size = writer.step('abs', [x], type);
  const half = { UP: 0, HALF_UP: 0.5, HALF_DOWN: -0.5 }[mode as 'UP' | 'HALF_UP' | 'HALF_DOWN'];
  const moved = half === 0 ? size : writer.step('add', [size, number(half)], realType({ ...type, dtype: BIPOLAR }));
  return writer.step('mul', [sign, writer.step(mode === 'HALF_UP' ? 'floor' : 'ceil', [moved], type)], type);
}

/** The integers of a quantiser, as `quantizeIntegers` finds them. */
function integersOf(writer: HostWriter, x: Operand, p: QuantParameters): Operand {
  const from = writer.typeOf(x);
  const real = realType(from);
  const type = { dtype: p.dtype, shape: from.shape };
  const scaled = writer.step('div', [x, p.scale], real);
  if (p.zeroPointLast) {
    const whole = writer.step('add', [rounded(writer, scaled, p.rounding, real), p.zeroPoint], {
      ...type,
      dtype: FLOAT64,
    });
    return clipped(writer, whole, type, p.min, p.max);
  }
  const moved = writer.step('add', [scaled, p.zeroPoint], real);
  if (p.dtype === BIPOLAR) {
    const positive = writer.step('greater_equal', [moved, number(0)], { ...type, dtype: FLOAT64 });
    return writer.step('where', [positive, number(1), number(-1)], type);
  }
  // Bounds of many bits are no numbers of binary32: they are met in binary64.
  const bounded = clipped(writer, moved, { ...type, dtype: FLOAT64 }, p.min, p.max);
  return rounded(writer, bounded, p.rounding, type);
}

/** (integer − zero point) · scale, each operation rounded to the storage of `type`. */
function valuesOf(
  writer: HostWriter,
  integers: Operand,
  { scale, zeroPoint }: Pick<QuantParameters, 'scale' | 'zeroPoint'>,
  type: TensorType,
): Operand {
  return writer.step('mul', [writer.step('sub', [integers, zeroPoint], type), scale], type);
}

/** Quant, IntQuant. */
export const quant: HostRule = (node, [x], writer) => {
  if (x === undefined) return undefined;
  const p = quantParameters(node);
  return [valuesOf(writer, integersOf(writer, x, p), p, node.types[0]!)];
};

/** BipolarQuant. */
export const bipolarQuant: HostRule = (node, [x], writer) => {
  if (x === undefined) return undefined;
  const { scale } = quantParameters(node);
  const negative = tensor(
    FLOAT64,
    scale.shape,
    Float64Array.from(scale.data, (s) => -s),
  );
  const positive = writer.step('greater_equal', [x, number(0)], { dtype: FLOAT64, shape: writer.typeOf(x).shape });
  return [writer.step('where', [positive, scale, negative], node.types[0]!)];
};

export const quantizeLinear: HostRule = (node, [x], writer) =>
  x === undefined ? undefined : [integersOf(writer, x, linearParameters(siteOf(node), node.types[0]!.dtype))];

export const dequantizeLinear: HostRule = (node, [x], writer) =>
  x === undefined
    ? undefined
    : [valuesOf(writer, x, linearParameters(siteOf(node), writer.typeOf(x).dtype), node.types[0]!)];

/** Trunc of either version: to integers, less bits, and back. */
export const trunc: HostRule = (node, [x], writer) => {
  if (x === undefined) return undefined;
  const type = node.types[0]!;
  const { scale, zeroPoint, divisor, outputScale, min, max, rounding } = truncParameters(node);
  const moved = writer.step('add', [writer.step('div', [x, scale], type), zeroPoint], type);
  const whole = writer.step('div', [writer.step('round', [moved], type), number(divisor)], type);
  const less = rounded(writer, clipped(writer, whole, type, min, max), rounding, type);
  const isSecond = node.inputs.length === 6;
  const shifted: Tensor = isSecond
    ? tensor(
        FLOAT64,
        zeroPoint.shape,
        Float64Array.from(zeroPoint.data, (z) => Math.fround(z / divisor)),
      )
    : zeroPoint;
  return [writer.step('mul', [writer.step('sub', [less, shifted], type), outputScale], type)];
};

/** Number of thresholds that are reached, scaled and moved; rounded once. */
export const multiThreshold: HostRule = (node, [x, steps], writer) => {
  if (x === undefined || typeof steps !== 'object') return undefined;
  const site = siteOf(node);
  const { shape } = writer.typeOf(x);
  const layout = site.string('data_layout', '');
  const axis = layout === '' ? (shape.length === 3 ? 2 : Math.min(1, shape.length - 1)) : layout.indexOf('C');
  const [rows, levels] = steps.shape as [number, number];
  const after = shape.slice(axis + 1).map(() => 1);
  const columns = Array.from({ length: levels }, (_, level) =>
    Array.from({ length: rows }, (_, row) => steps.data[row * levels + level]!),
  );
  const table = tensor(steps.dtype, [levels, rows, ...after], columns.flat());
  const options = { scale: site.number('out_scale', 1), bias: site.number('out_bias', 0) };
  return [writer.step('thresholds', [x, table], node.types[0]!, options)];
};

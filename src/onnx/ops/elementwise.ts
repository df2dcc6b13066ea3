import { BINARY, type DataType, int } from '../../ir/datatype.ts';
import type { Op, TensorType } from '../../ir/graph.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { zip, zipAll } from './broadcast.ts';
import { common, define, floatOf, integerRange, isInteger } from './define.ts';

/**
 * Arithmetic on two broadcast tensors. Integer types give the exact integer, in the narrowest type that holds every
 * result; otherwise the operation is rounded once, to binary32.
 */
function arithmetic(
  name: string,
  f: (a: number, b: number) => number,
  range: (a: DataType, b: DataType) => readonly [number, number] | undefined,
): Op {
  return define({
    name,
    arity: [2, 2],
    infer: (site) => {
      const shape = site.broadcast(0, 1);
      const [a, b] = [site.type(0), site.type(1)];
      const bounds = isInteger(a) && isInteger(b) ? range(a.dtype, b.dtype) : undefined;
      if (!bounds) return { dtype: floatOf(a, b), shape };
      const wide = [a.dtype, b.dtype].find((t) => t.bits === 64);
      return { dtype: wide ?? integerRange(bounds[0], bounds[1]), shape };
    },
    evaluate: ([a, b], _site, [type]) => zip(a!, b!, type!.dtype, type!.shape, f),
  });
}

const products = (a: DataType, b: DataType): [number, number] => {
  const all = [a.min * b.min, a.min * b.max, a.max * b.min, a.max * b.max];
  return [Math.min(...all), Math.max(...all)];
};

const Add = arithmetic(
  'Add',
  (a, b) => a + b,
  (a, b) => [a.min + b.min, a.max + b.max],
);
const Sub = arithmetic(
  'Sub',
  (a, b) => a - b,
  (a, b) => [a.min - b.max, a.max - b.min],
);
const Mul = arithmetic('Mul', (a, b) => a * b, products);
const Pow = arithmetic(
  'Pow',
  (a, b) => a ** b,
  () => undefined,
);

const bothIndices = (a: TensorType, b: TensorType): boolean => a.dtype === int(64) && b.dtype === int(64);

/** Division, rounded to binary32; between two INT64 (ONNX's type for shapes) it truncates. */
const Div = define({
  name: 'Div',
  arity: [2, 2],
  infer: (site) => {
    const [a, b] = [site.type(0), site.type(1)];
    return { dtype: bothIndices(a, b) ? int(64) : floatOf(a, b), shape: site.broadcast(0, 1) };
  },
  evaluate: ([a, b], _site, [type]) =>
    zip(a!, b!, type!.dtype, type!.shape, type!.dtype.integer ? (x, y) => Math.trunc(x / y) : (x, y) => x / y),
});

/** Remainder with the divisor's sign, or the dividend's for fmod=1. */
const Mod = define({
  name: 'Mod',
  arity: [2, 2],
  infer: (site) => {
    const [a, b] = [site.type(0), site.type(1)];
    return { dtype: common(a.dtype, b.dtype), shape: site.broadcast(0, 1) };
  },
  evaluate: ([a, b], site, [type]) =>
    zip(
      a!,
      b!,
      type!.dtype,
      type!.shape,
      site.flag('fmod', false) ? (x, y) => x % y : (x, y) => x - y * Math.floor(x / y),
    ),
});

/** The least or greatest of any number of tensors. */
function extreme(name: string, f: (...values: number[]) => number): Op {
  return define({
    name,
    arity: [1, 256],
    infer: (site) => {
      const shape = site.broadcast(...site.inputs.keys());
      let dtype = site.type(0).dtype;
      for (const i of site.inputs.keys()) dtype = common(dtype, site.type(i).dtype);
      return { dtype, shape };
    },
    evaluate: (inputs, _site, [type]) =>
      zipAll(inputs as readonly Tensor[], type!.dtype, type!.shape, (values) => f(...values)),
  });
}

function comparison(name: string, f: (a: number, b: number) => boolean): Op {
  return define({
    name,
    arity: [2, 2],
    infer: (site) => ({ dtype: BINARY, shape: site.broadcast(0, 1) }),
    evaluate: ([a, b], _site, [type]) => zip(a!, b!, BINARY, type!.shape, (x, y) => (f(x, y) ? 1 : 0)),
  });
}

/** Elements of the second input where the first is true, otherwise of the third. */
const Where = define({
  name: 'Where',
  arity: [3, 3],
  infer: (site) => ({ dtype: common(site.type(1).dtype, site.type(2).dtype), shape: site.broadcast(0, 1, 2) }),
  evaluate: (inputs, _site, [type]) =>
    zipAll(inputs as readonly Tensor[], type!.dtype, type!.shape, ([c, a, b]) => (c ? a! : b!)),
});

/** Arithmetic, comparison and choice between tensors. */
export const elementwise: readonly Op[] = [
  Add,
  Sub,
  Mul,
  Div,
  Pow,
  Mod,
  extreme('Min', Math.min),
  extreme('Max', Math.max),
  comparison('Equal', (a, b) => a === b),
  comparison('Less', (a, b) => a < b),
  comparison('LessOrEqual', (a, b) => a <= b),
  comparison('Greater', (a, b) => a > b),
  comparison('GreaterOrEqual', (a, b) => a >= b),
  comparison('And', (a, b) => a !== 0 && b !== 0),
  comparison('Or', (a, b) => a !== 0 || b !== 0),
  comparison('Xor', (a, b) => (a !== 0) !== (b !== 0)),
  Where,
];

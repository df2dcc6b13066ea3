import { BINARY, type DataType, TERNARY } from '../../ir/datatype.ts';
import type { Op } from '../../ir/graph.ts';
import { map, zip } from './broadcast.ts';
import { common, define, floatOf, integerRange, isInteger, rounder, type Site } from './define.ts';
import { erf } from './erf.ts';
import { halfEven } from './rounding.ts';

type Function = (x: number) => number;

/**
 * A real function of each element. It is computed in binary64 and rounded once to binary32; where the definition has more
 * than one arithmetic operation, `make` says how each is rounded.
 */
function real(name: string, make: (site: Site, round: Function) => Function): Op {
  return define({
    name,
    arity: [1, 1],
    infer: (site) => {
      make(site, Math.fround);
      return { dtype: floatOf(site.type(0)), shape: site.shape(0) };
    },
    evaluate: ([x], site, [type]) => map(x!, type!.dtype, make(site, rounder(type!.dtype))),
  });
}

/** A function that gives integers for integers, exactly, in the type that `range` says. */
function exact(name: string, f: Function, range: (x: DataType) => DataType): Op {
  return define({
    name,
    arity: [1, 1],
    infer: (site) => {
      const { dtype, shape } = site.type(0);
      return { dtype: dtype.integer && dtype.bits < 64 ? range(dtype) : dtype, shape };
    },
    evaluate: ([x], _site, [type]) => map(x!, type!.dtype, f),
  });
}

const same = (x: DataType): DataType => x;
const Relu = exact(
  'Relu',
  (x) => Math.max(x, 0),
  (x) => (x.min >= 0 ? x : integerRange(0, x.max)),
);
const Neg = exact(
  'Neg',
  (x) => 0 - x,
  (x) => integerRange(-x.max, -x.min),
);
const Abs = exact('Abs', Math.abs, (x) => integerRange(Math.max(0, x.min), Math.max(-x.min, x.max)));

const Sign = define({
  name: 'Sign',
  arity: [1, 1],
  infer: (site) => ({ dtype: TERNARY, shape: site.shape(0) }),
  evaluate: ([x]) => map(x!, TERNARY, (v) => (v > 0 ? 1 : v < 0 ? -1 : 0)),
});

const Not = define({
  name: 'Not',
  arity: [1, 1],
  infer: (site) => ({ dtype: BINARY, shape: site.shape(0) }),
  evaluate: ([x]) => map(x!, BINARY, (v) => (v ? 0 : 1)),
});

/** Bounds are inputs 1 and 2 or, in old models, the attributes min and max; integers stay integers. */
const Clip = define({
  name: 'Clip',
  arity: [1, 3],
  infer: (site) => {
    const { dtype, shape } = site.type(0);
    const [min, max] = clipBounds(site);
    const whole = [min, max].every((v) => v === undefined || Number.isInteger(v));
    if (!dtype.integer || !whole) return { dtype: isInteger(site.type(0)) ? floatOf(site.type(0)) : dtype, shape };
    const low = Math.min(Math.max(dtype.min, min ?? -Infinity), max ?? Infinity);
    const high = Math.min(Math.max(dtype.max, min ?? -Infinity), max ?? Infinity);
    return { dtype: low === dtype.min && high === dtype.max ? dtype : integerRange(low, high), shape };
  },
  evaluate: ([x], site, [type]) => {
    const [min = -Infinity, max = Infinity] = clipBounds(site);
    return map(x!, type!.dtype, (v) => Math.min(Math.max(v, min), max));
  },
});

/** Least and greatest value of a Clip; undefined where there is no bound. They must be constant. */
export function clipBounds(site: Site): [number | undefined, number | undefined] {
  const bound = (index: number, name: string): number | undefined => {
    const given = site.constant(index, name);
    if (!given) return site.attrs[name] === undefined ? undefined : site.number(name, 0);
    if (given.data.length !== 1)
      site.fail('onnx/shape', `its ${name} has ${given.data.length} elements`, 'it must be one number');
    return given.data[0];
  };
  return [bound(1, 'min'), bound(2, 'max')];
}

/** x where it is positive, slope·x where not. */
const PRelu = define({
  name: 'PRelu',
  arity: [2, 2],
  infer: (site) => {
    const shape = site.broadcast(0, 1);
    if (shape.length !== site.shape(0).length || shape.some((n, i) => n !== site.shape(0)[i])) {
      site.fail(
        'onnx/shape',
        `slope [${site.shape(1).join(', ')}] does not broadcast to [${site.shape(0).join(', ')}]`,
      );
    }
    return { dtype: common(floatOf(site.type(0)), floatOf(site.type(1))), shape };
  },
  evaluate: ([x, slope], _site, [type]) => zip(x!, slope!, type!.dtype, type!.shape, (v, a) => (v < 0 ? v * a : v)),
});

const sigmoid: Function = (x) => 1 / (1 + Math.exp(-x));
const softplus: Function = (x) => (x > 30 ? x : Math.log1p(Math.exp(x)));

/** Functions of one tensor, element by element. */
export const activation: readonly Op[] = [
  Relu,
  Neg,
  Abs,
  Sign,
  Not,
  Clip,
  PRelu,
  exact('Floor', Math.floor, same),
  exact('Ceil', Math.ceil, same),
  exact('Round', halfEven, same),
  real('Exp', () => Math.exp),
  real('Log', () => Math.log),
  real('Sqrt', () => Math.sqrt),
  real('Reciprocal', () => (x) => 1 / x),
  real('Sin', () => Math.sin),
  real('Cos', () => Math.cos),
  real('Tanh', () => Math.tanh),
  real('Erf', () => erf),
  real('Sigmoid', () => sigmoid),
  real('Softplus', () => softplus),
  real('Softsign', (_, round) => (x) => x / round(1 + Math.abs(x))),
  real('Mish', () => (x) => x * Math.tanh(softplus(x))),
  real('HardSwish', (_, round) => (x) => x * Math.max(0, Math.min(1, round(round(x * Math.fround(1 / 6)) + 0.5)))),
  real('Gelu', (site) =>
    site.choice('approximate', ['none', 'tanh'], 'none') === 'none'
      ? (x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2))
      : (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  ),
  real('LeakyRelu', (site) => {
    const alpha = site.number('alpha', Math.fround(0.01));
    return (x) => (x < 0 ? alpha * x : x);
  }),
  real('Elu', (site) => {
    const alpha = site.number('alpha', 1);
    return (x) => (x < 0 ? alpha * Math.expm1(x) : x);
  }),
  real('Celu', (site) => {
    const alpha = site.number('alpha', 1);
    return (x) => Math.max(0, x) + Math.min(0, alpha * Math.expm1(x / alpha));
  }),
  real('Selu', (site) => {
    const alpha = site.number('alpha', Math.fround(1.6732631921768188));
    const gamma = site.number('gamma', Math.fround(1.0507010221481323));
    return (x) => (x <= 0 ? gamma * (alpha * Math.expm1(x)) : gamma * x);
  }),
  real('ThresholdedRelu', (site) => {
    const alpha = site.number('alpha', 1);
    return (x) => (x > alpha ? x : 0);
  }),
  real('HardSigmoid', (site, round) => {
    const alpha = site.number('alpha', Math.fround(0.2));
    const beta = site.number('beta', 0.5);
    return (x) => Math.max(0, Math.min(1, round(round(alpha * x) + beta)));
  }),
  // Brevitas and old PyTorch exporters call Clip(−1, 1) so.
  real('HardTanh', (site) => {
    const min = site.number('min_val', -1);
    const max = site.number('max_val', 1);
    return (x) => Math.min(Math.max(x, min), max);
  }),
];

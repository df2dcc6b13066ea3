import { FLOAT64 } from '../../ir/datatype.ts';
import type { TensorType } from '../../ir/graph.ts';
import type { Site } from '../../onnx/ops/define.ts';
import { number } from './arithmetic.ts';
import { type HostRule, type Operand, realType } from './program.ts';
import { siteOf } from './site.ts';

/** Writes a step in binary64, which rounds nothing away. */
type Wide = (op: string, ...reads: Operand[]) => Operand;
interface Formula {
  readonly wide: Wide;
  /** A constant. */
  readonly n: (value: number) => Operand;
  /** Rounds as the storage of the result does. */
  readonly rounded: (value: Operand) => Operand;
  readonly site: Site;
}

/** An activation that is several steps: all in binary64 but where the interpreter rounds, and the last one rounded. */
const formula =
  (make: (x: Operand, formula: Formula) => readonly [op: string, ...reads: Operand[]]): HostRule =>
  (node, [x], writer) => {
    if (x === undefined) return undefined;
    const type = node.types[0]!;
    const { shape } = type;
    const real: TensorType = realType(type);
    const [op, ...reads] = make(x, {
      wide: (name, ...given) => writer.step(name, given, { dtype: FLOAT64, shape }),
      n: number,
      rounded: (value) => writer.step('reshape', [value], real),
      site: siteOf(node),
    });
    return [writer.step(op, reads, type)];
  };

export const softsign: HostRule = formula((x, { wide, n, rounded }) => [
  'div',
  x,
  rounded(wide('add', wide('abs', x), n(1))),
]);

export const mish: HostRule = formula((x, { wide }) => ['mul', x, wide('tanh', wide('softplus', x))]);

export const hardSwish: HostRule = formula((x, { wide, n, rounded }) => {
  const sixth = rounded(wide('mul', x, n(Math.fround(1 / 6))));
  const slope = rounded(wide('add', sixth, n(0.5)));
  return ['mul', x, wide('max', n(0), wide('min', n(1), slope))];
});

export const gelu: HostRule = formula((x, { wide, n, site }) => {
  const cubed = wide('mul', n(0.044715), wide('pow', x, n(3)));
  const curve =
    site.choice('approximate', ['none', 'tanh'], 'none') === 'none'
      ? wide('erf', wide('mul', x, n(Math.SQRT1_2)))
      : wide('tanh', wide('mul', n(Math.sqrt(2 / Math.PI)), wide('add', x, cubed)));
  return ['mul', wide('mul', n(0.5), x), wide('add', n(1), curve)];
});

/** α · (eˣ − 1) where x is negative. */
export const elu: HostRule = formula((x, { wide, n, site }) => [
  'where',
  wide('less', x, n(0)),
  wide('mul', n(site.number('alpha', 1)), wide('expm1', x)),
  x,
]);

export const celu: HostRule = formula((x, { wide, n, site }) => {
  const alpha = n(site.number('alpha', 1));
  const curve = wide('mul', alpha, wide('expm1', wide('div', x, alpha)));
  return ['add', wide('max', n(0), x), wide('min', n(0), curve)];
});

export const selu: HostRule = formula((x, { wide, n, site }) => {
  const gamma = n(site.number('gamma', Math.fround(1.0507010221481323)));
  const curve = wide('mul', n(site.number('alpha', Math.fround(1.6732631921768188))), wide('expm1', x));
  return ['mul', gamma, wide('where', wide('less_equal', x, n(0)), curve, x)];
});

/** x where it is more than α, otherwise 0. */
export const thresholdedRelu: HostRule = formula((x, { wide, n, site }) => [
  'where',
  wide('greater', x, n(site.number('alpha', 1))),
  x,
  n(0),
]);

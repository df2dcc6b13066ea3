import { bug, fail, inNetwork } from '../../diagnostics/diagnostic.ts';
import { type DataType, FLOAT32, FLOAT64, int, parseDataType } from '../../ir/datatype.ts';
import { apply, constant, type Graph, input, node as makeNode, type Node, output, type Value } from '../../ir/graph.ts';
import { rewrite } from '../../ir/rewrite.ts';
import { type Tensor, tensor } from '../../ir/tensor.ts';
import { type Rational, rational } from '../../util/rational.ts';
import { onnx } from '../ops.ts';

/** What the accelerator is fed, and how it becomes the network's input: x·scale + bias, or (x·scale − mean)/std. */
export interface Feed {
  readonly datatype: string;
  readonly scale: readonly Rational[];
  readonly bias?: readonly Rational[] | undefined;
  readonly mean?: readonly Rational[] | undefined;
  readonly std?: readonly Rational[] | undefined;
}

/** How the names of the nodes end that stand for the recipe's `input`. */
const FEED = '_feed';

/** Is the node the recipe's `input` and none of the network? */
export const isFeed = (node: Node): boolean => node.origin[0]?.endsWith(FEED) ?? false;

const ONE = rational(1n);
const ZERO = rational(0n);
const plus = (a: Rational, b: Rational): Rational => rational(a.num * b.den + b.num * a.den, a.den * b.den);
const over = (a: Rational, b: Rational): Rational => rational(a.num * b.den, a.den * b.num);
const minus = (a: Rational): Rational => rational(-a.num, a.den);

/** (a·x + b)/d for integers a, b, d: the feed's function of one channel. */
interface Fraction {
  readonly a: bigint;
  readonly b: bigint;
  readonly d: bigint;
}

function fractionOf(feed: Feed, channel: number): Fraction {
  const at = (list: readonly Rational[] | undefined, otherwise: Rational): Rational =>
    list === undefined ? otherwise : (list[list.length === 1 ? 0 : channel] ?? bug('a list checked for its length'));
  const std = at(feed.std, ONE);
  const scale = over(at(feed.scale, ONE), std);
  const shift = plus(at(feed.bias, ZERO), over(minus(at(feed.mean, ZERO)), std));
  const d = (scale.den * shift.den) / gcd(scale.den, shift.den);
  return { a: (scale.num * d) / scale.den, b: (shift.num * d) / shift.den, d };
}

const gcd = (a: bigint, b: bigint): bigint => (b === 0n ? a : gcd(b, a % b));
const EXACT = 2n ** 53n;

/**
 * The network with an integer input of the feed's type in front. The real input is the exact rational rounded once to
 * binary32: a·x + b is exact in binary64, one division rounds it, and that the second rounding (binary64 → binary32)
 * never differs from one rounding is checked for every integer that can occur.
 */
export function feedInput(graph: Graph, feed: Feed): Graph {
  const [first] = graph.inputs;
  if (!first || graph.inputs.length !== 1)
    fail('streamline/unsupported', `the network has ${graph.inputs.length} inputs; \`input\` describes one`, {
      hint: 'leave `input` out, or give the network one input',
    });
  const dtype = parseDataType(feed.datatype) ?? bug(`datatype ${feed.datatype} passed the schema`);
  const channels = first.type.shape[1] ?? 1;
  const lists = [feed.scale, feed.bias, feed.mean, feed.std];
  for (const list of lists)
    if (list && list.length !== 1 && list.length !== channels)
      fail('streamline/unsupported', `\`input\` has a list of ${list.length} numbers for ${channels} channels`, {
        at: inNetwork([first.name]),
        hint: `give one number, or ${channels}`,
      });
  const perChannel = lists.some((list) => list !== undefined && list.length > 1);
  const fractions = Array.from({ length: perChannel ? channels : 1 }, (_, c) => fractionOf(feed, c));
  if (first.type.dtype === dtype && fractions.every(({ a, b, d }) => a === 1n && b === 0n && d === 1n)) return graph;
  const fed = input(first.name, { dtype, shape: first.type.shape });
  const real = scaled(fed, fractions, dtype);
  if (graph.outputs.some(({ value }) => value === first))
    fail('streamline/unsupported', `the output is the input '${first.name}'`, { at: inNetwork([first.name]) });
  const swap = (value: Value | undefined): Value | undefined => (value === first ? real : value);
  const outputs = rewrite(graph, (node) => {
    if (!node.inputs.includes(first)) return undefined;
    const made = makeNode(node.op, node.inputs.map(swap), node.attrs, node.origin, node.types.length);
    return made.types.map((_, index) => output(made, index));
  }).outputs;
  return { ...graph, inputs: [fed], outputs };
}

function scaled(x: Value, fractions: readonly Fraction[], dtype: DataType): Value {
  const rank = x.type.shape.length;
  const shape = fractions.length === 1 ? [] : Array.from({ length: rank }, (_, i) => (i === 1 ? fractions.length : 1));
  const list = (of: (f: Fraction) => bigint): Tensor => {
    for (const f of fractions)
      if (of(f) > EXACT || of(f) < -EXACT)
        fail('streamline/unsupported', 'the numbers of `input` need more than 53 bits', {
          hint: 'write shorter fractions',
        });
    return tensor(
      FLOAT64,
      shape,
      fractions.map((f) => Number(of(f))),
    );
  };
  const [a, b, d] = [list((f) => f.a), list((f) => f.b), list((f) => f.d)];
  const origin = [`${x.kind === 'input' ? x.name : 'input'}${FEED}`];
  const isAll = (t: Tensor, v: number) => t.data.every((one) => one === v);
  const simple = isAll(a, 1) && isAll(b, 0);
  const single = (t: Tensor): Value => constant(tensor(FLOAT32, t.shape, t.data));
  if (simple && isAll(d, 1)) return apply(onnx('Cast'), [x], { to: 1 }, origin);
  // An integer below 2^24 over another is one binary32 division, hence one rounding.
  if (simple && dtype.bits <= 24 && d.data.every((v) => v < 2 ** 24))
    return apply(onnx('Div'), [x, single(d)], {}, origin);
  checkOneRounding(fractions, dtype);
  let value: Value = apply(onnx('Cast'), [x], { to: 11 }, [...origin, 'wide']);
  value = apply(onnx('Mul'), [value, constant(a)], {}, [...origin, 'scale']);
  value = apply(onnx('Add'), [value, constant(b)], {}, [...origin, 'shift']);
  value = apply(onnx('Div'), [value, constant(d)], {}, [...origin, 'over']);
  return apply(onnx('Cast'), [value], { to: 1 }, origin);
}

/** Every integer's fraction, rounded to binary64 and then to binary32, is its neighbour nearest to the exact value. */
function checkOneRounding(fractions: readonly Fraction[], dtype: DataType): void {
  if (dtype.bits > 16)
    fail('streamline/unsupported', `an input of ${dtype.name} with a scale and a shift`, {
      hint: 'use 16 bits or fewer',
    });
  const bits = new DataView(new ArrayBuffer(4));
  for (const { a, b, d } of fractions)
    for (let x = dtype.min; x <= dtype.max; x += 1) {
      const num = a * BigInt(x) + b;
      const twice = Math.fround(Number(num) / Number(d));
      bits.setFloat32(0, twice);
      const raw = bits.getInt32(0);
      for (const step of [-1, 1]) {
        bits.setInt32(0, raw + step);
        const other = bits.getFloat32(0);
        if (distance(num, d, other) < distance(num, d, twice)) bug(`input ${x}: rounded twice, not once`);
      }
    }
}

/** |num/den − value| scaled by den·2^149, exactly. */
function distance(num: bigint, den: bigint, value: number): bigint {
  const scaledValue = BigInt(value * 2 ** 100) * 2n ** 49n;
  const difference = num * 2n ** 149n - scaledValue * den;
  return difference < 0n ? -difference : difference;
}

/** The network with its output replaced by the places of the k greatest of the last axis, greatest first. */
export function appendTopK(graph: Graph, k: number): Graph {
  const [first, ...others] = graph.outputs;
  if (!first || others.length > 0)
    fail('streamline/unsupported', `the network has ${graph.outputs.length} outputs; \`top_k\` selects from one`, {
      hint: 'leave `top_k` out, or give the network one output',
    });
  const labels = first.value.type.shape.at(-1) ?? 1;
  if (k > labels)
    fail('streamline/unsupported', `\`top_k: ${k}\` of ${labels} outputs`, { hint: `use 1 to ${labels}` });
  const amount = constant(tensor(int(64), [1], [k]), 'k');
  const made = makeNode(onnx('TopK'), [first.value, amount], { axis: -1, largest: 1, sorted: 1 }, ['top_k'], 2);
  return { ...graph, outputs: [{ name: first.name, value: output(made, 1) }] };
}

import { type Heap, type HeapBits, heap } from '../../hdl/heap.ts';
import { type Shared, type Summand, shareTriples } from '../../hdl/shared-triples.ts';
import { concat } from '../../hdl/verilog.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { digits, type InputCode, inputBits, inverse } from '../encoding.ts';
import type { Mvau } from './layer.ts';

/**
 * A layer with all weights in logic and registers behind every counter. What several neurons have in common is added once (hdl/shared-triples.ts), in a
 * module in front of the neurons' own: its outputs are `t`, two bits for each triple and input bit, one cycle later than `x`.
 */
export interface Unrolled {
  readonly shared: Shared;
  /** Each neuron's sum. */
  readonly heaps: readonly Heap[];
  /** Registers between the inputs and the sums of every neuron. */
  readonly levels: number;
  /** Bits that go into all heaps, and what is left of them after `shared`. */
  readonly bits: { readonly all: number; readonly left: number };
}

/** A signed digit of a weight: row `neuron · shifts + shift` of what may be shared. */
const shiftsOf = (m: Mvau): number => {
  let shifts = 1;
  for (const w of m.weights.data) for (const { shift } of digits(w)) shifts = Math.max(shifts, shift + 1);
  return shifts;
};

/** Depths and estimates are asked for often. */
const knownTriples = new WeakMap<Tensor, Shared>();
const known = new WeakMap<Tensor, { readonly key: string; readonly value: Unrolled }>();

function sharedOf(m: Mvau): Shared {
  const seen = knownTriples.get(m.weights);
  if (seen) return seen;
  const shifts = shiftsOf(m);
  const rows: Summand[][] = Array.from({ length: m.mh * shifts }, () => []);
  for (let item = 0; item < m.mw; item += 1) {
    for (let j = 0; j < m.mh; j += 1) {
      for (const { shift, sign } of digits(m.weights.data[item * m.mh + j]!))
        rows[j * shifts + shift]!.push({ item, sign });
    }
  }
  const shared = shareTriples(rows, m.mw);
  knownTriples.set(m.weights, shared);
  return shared;
}

/** The heaps of the layer, each with its constant, modulo 2^partBits; remembered for the weights. */
export function unrolled(
  m: Mvau,
  plan: { readonly input: InputCode; readonly partBits: number },
  constants: readonly bigint[],
): Unrolled {
  const key = JSON.stringify([plan.input, plan.partBits, constants.map(String)]);
  const seen = known.get(m.weights);
  if (seen?.key === key) return seen.value;
  const u = (item: number): readonly string[] => inputBits(plan.input, item);
  const shared = sharedOf(m);
  const shifts = shiftsOf(m);
  const { bits: planes, shift: up } = plan.input;
  const bits = { all: 0, left: 0 };
  const heaps = Array.from({ length: m.mh }, (_, j) => {
    const early = new Map<number, string[]>();
    const late = new Map<number, string[]>();
    const add = (to: Map<number, string[]>, column: number, bit: string): void => {
      to.set(column, [...(to.get(column) ?? []), bit]);
      bits.left += 1;
    };
    for (let shift = 0; shift < shifts; shift += 1) {
      const row = j * shifts + shift;
      for (const { item, sign } of shared.rest[row]!) {
        u(item).forEach((bit, k) => void add(early, k + shift + up, sign > 0 ? bit : inverse(bit)));
        bits.all += planes;
      }
      shared.triples.forEach(({ sums }, t) => {
        const own = sums.find(({ sum }) => sum === row);
        if (!own) return;
        const not = own.sign > 0 ? '' : '~';
        for (let k = 0; k < planes; k += 1) {
          add(late, k + shift + up, `${not}t[${2 * (t * planes + k)}]`);
          add(late, k + shift + up + 1, `${not}t[${2 * (t * planes + k) + 1}]`);
        }
        bits.all += 3 * planes;
      });
    }
    const groups = ([map, level]: readonly [Map<number, string[]>, number]): HeapBits[] =>
      [...map].map(([column, list]) => ({
        expression: concat([...list].reverse()),
        column,
        count: list.length,
        level,
      }));
    const all = [groups([early, 0]), groups([late, 1])].flat();
    return heap(all, constants[j]!, { prefix: 'h', counter: '6:3', width: plan.partBits, lanes: 1, every: true });
  });
  const value = { shared, heaps, levels: Math.max(...heaps.map(({ levels }) => levels)), bits };
  known.set(m.weights, { key, value });
  return value;
}

/** Verilog of the shared full adders, their outputs registered: t[2i] and t[2i + 1] are sum and carry of triple and input bit i. */
export function tripleLines({ triples }: Shared, u: (item: number) => readonly string[]): string[] {
  const n = triples.length * u(0).length;
  const lines: string[] = [];
  for (let place = 0; place < 3; place += 1) {
    const bits = triples.flatMap(({ items }) => {
      const { item, sign } = items[place]!;
      return u(item).map((bit) => (sign > 0 ? bit : inverse(bit)));
    });
    lines.push(`wire [${n - 1}:0] ${'abc'[place]} = ${concat(bits.reverse())};`);
  }
  lines.push(`wire [${n - 1}:0] sum = a ^ b ^ c;`, `wire [${n - 1}:0] carry = (a & b) | (a & c) | (b & c);`);
  const pairs = Array.from({ length: n }, (_, i) => `carry[${i}], sum[${i}]`).reverse();
  lines.push(`always @(posedge clk) if (en) t <= {${pairs.join(', ')}};`);
  return lines;
}

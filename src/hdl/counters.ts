import { log2Ceil } from '../util/maths.ts';
import { range } from './verilog.ts';

/** One of nested position counters: it counts from 0 to count − 1 and begins again. With a count of 1 it has no register. */
export interface Counter {
  readonly name: string;
  readonly count: number;
  /** Verilog: it begins again already now. */
  readonly early?: string;
}

const bitsOf = ({ count }: Counter): number => log2Ceil(count);

/** Expressions joined by `&`, those that always hold left out; 1'b0 if one never holds. */
export function all(...terms: readonly string[]): string {
  if (terms.includes("1'b0")) return "1'b0";
  const rest = terms.filter((term) => term !== "1'b1");
  return rest.length > 0 ? rest.join(' & ') : "1'b1";
}

/** Expression: from ≤ the counter < to. */
export function within(counter: Counter, from: number, to: number): string {
  const { name, count } = counter;
  const number = (n: number): string => `${bitsOf(counter)}'d${n}`;
  const [low, high] = [Math.max(from, 0), Math.min(to, count)];
  if (low >= high) return "1'b0";
  if (low === 0 && high === count) return "1'b1";
  if (high - low === 1) return `(${name} == ${number(low)})`;
  const above = low > 0 ? `(${name} >= ${number(low)})` : "1'b1";
  return all(above, high < count ? `(${name} < ${number(high)})` : "1'b1");
}

/** Expression: the counter is at its end. */
export function atLast(counter: Counter): string {
  const end = within(counter, counter.count - 1, counter.count);
  return counter.early === undefined || end === "1'b1" ? end : `(${end} | ${counter.early})`;
}

/** Expression of the counter as `bits` bits, which hold its greatest value. */
export function countOf(counter: Counter, bits: number): string {
  const own = bitsOf(counter);
  if (own === 0) return `${bits}'d0`;
  return bits > own ? `{${bits - own}'d0, ${counter.name}}` : counter.name;
}

/**
 * Verilog of nested counters, the innermost first: it moves on by one in each cycle in which `step` holds, the next one when it
 * begins again, and so on. They are 0 after reset. Clock and reset are ap_clk and ap_rst_n.
 */
export function counters(step: string, nest: readonly Counter[]): string[] {
  const real = nest.filter(({ count }) => count > 1);
  const lines = real.map((counter) => `reg ${range(bitsOf(counter))} ${counter.name};`);
  let moves = step;
  for (const counter of real) {
    const { name, count, early } = counter;
    const bits = bitsOf(counter);
    const next = `${name} + ${bits}'d1`;
    const wraps = count === 2 ** bits && early === undefined;
    lines.push(
      `always @(posedge ap_clk) if (!ap_rst_n) ${name} <= ${bits}'d0;`,
      `else if (${moves}) ${name} <= ${wraps ? next : `${atLast(counter)} ? ${bits}'d0 : ${next}`};`,
    );
    moves = all(moves, atLast(counter));
  }
  return lines;
}

/** LUTs and flip-flops of nested counters: an adder, the test of the end, and one comparison with a constant each. */
export function counterCost(nest: readonly Counter[]): { lut: number; ff: number } {
  const ff = nest.reduce((bits, counter) => bits + bitsOf(counter), 0);
  return { lut: 3 * ff, ff };
}

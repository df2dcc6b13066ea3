import { range } from '../../hdl/verilog.ts';
import { log2Ceil } from '../../util/maths.ts';
import type { Writer } from '../../util/writer.ts';
import { number } from './ports.ts';

/** Bits of the counter of a loop of at least two steps: it counts from 1 − count up to 0. */
export const loopBits = (count: number): number => 1 + log2Ceil(count - 1);

/**
 * Nested counters that go on when `step` does. count_<l> is negative but in the last step of loop l; end_<l> says that all
 * loops up to it are in their last step.
 */
export function nestedCounters(w: Writer, counts: readonly number[], step: string): void {
  counts.forEach((count, l) => {
    const bits = loopBits(count);
    const last = `~count_${l}[${bits - 1}]`;
    w.line(`reg ${range(bits)} count_${l};`).line(`wire end_${l} = ${l > 0 ? `end_${l - 1} & ` : ''}${last};`);
    w.block('always @(posedge ap_clk) begin', 'end', () => {
      w.line(`if (!ap_rst_n) count_${l} <= ${number(1 - count, bits)};`);
      w.block(`else if (${step}${l > 0 ? ` & end_${l - 1}` : ''}) begin`, 'end', () => {
        w.line(`if (${last}) count_${l} <= ${number(1 - count, bits)};`);
        w.line(`else count_${l} <= count_${l} + ${bits}'d1;`);
      });
    });
  });
}

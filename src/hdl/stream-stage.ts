import { all, type Counter, counters } from './counters.ts';
import { range } from './verilog.ts';

/** A rigid pipeline between s_axis_0 and m_axis_0: all of it moves on by a cycle, or nothing. */
export interface RigidStage {
  /** Counters of the position in the frame, the innermost first. */
  readonly nest: readonly Counter[];
  /** Verilog over these counters: this cycle takes a beat. */
  readonly takes: string;
  /** And: it brings one to the output. */
  readonly gives: string;
  /** Registers from input to output. */
  readonly depth?: number;
}

/** Counters and handshakes of a rigid pipeline. Declares `move`: its registers shift. */
export function rigidStage({ nest, takes, gives, depth = 1 }: RigidStage): string[] {
  const last = depth > 1 ? `valid[${depth - 1}]` : 'valid';
  const always = takes === "1'b1";
  const ready = always ? 's_axis_0_tvalid' : '(~taking | s_axis_0_tvalid)';
  const entering = all(gives, ready);
  const counted = nest.some(({ count }) => count > 1);
  return [
    depth > 1 ? `reg ${range(depth)} valid;` : 'reg valid;',
    `wire move = m_axis_0_tready | ~${last};`,
    ...(counted ? ['wire step;', ...counters('step', nest)] : []),
    ...(always ? [] : [`wire taking = ${takes};`]),
    ...(counted ? [`assign step = ${all('move', ready)};`] : []),
    `assign s_axis_0_tready = ${always ? 'move' : 'move & taking'};`,
    `assign m_axis_0_tvalid = ${last};`,
    `always @(posedge ap_clk) if (!ap_rst_n) valid <= ${depth}'d0;`,
    `else if (move) valid <= ${depth > 1 ? `{valid[${depth - 2}:0], ${entering}}` : entering};`,
  ];
}

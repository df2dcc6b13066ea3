import type { Design, StreamPort } from '../hdl/design.ts';
import { beatsOf, ordered } from './job.ts';
import { beatBytes } from './packing.ts';
import { defaults, type Stimulus, stallWords } from './stimulus.ts';

export interface TestbenchOptions {
  /** Beats that the outputs are to equal, as `pack` makes them; the testbench then says PASS or FAIL. */
  readonly expected?: Readonly<Record<string, Uint8Array>>;
  /** Write what happened to files: <stream>.log and summary.log. */
  readonly record?: boolean;
}

/** A testbench and the files that it reads, by name. */
export interface Testbench {
  readonly top: string;
  readonly source: string;
  readonly data: Readonly<Record<string, string>>;
}

/**
 * harness.h once more as a Verilog-2001 testbench of one circuit, for any simulator: streams driven from hex files,
 * checked by the rules of AXI-Stream and, where `expected` is given, against that.
 */
export function testbench(
  design: Pick<Design, 'top' | 'streams'>,
  stimulus: Stimulus,
  { expected, record }: TestbenchOptions = {},
): Testbench {
  const streams = ordered(design.streams);
  const data: Record<string, string> = {};
  for (const stream of streams) {
    const beats = stream.direction === 'in' ? stimulus.inputs[stream.name] : expected?.[stream.name];
    if (beats) data[`${stream.name}.hex`] = toHex(beats, stream.width);
  }
  const printers = streams.map((stream) => printer(stream, stimulus, expected !== undefined, record === true));
  const all = (part: (p: Printer) => readonly string[], indent: string): string =>
    printers.flatMap((p) => part(p).map((line) => `${indent}${line}`)).join('\n');
  const { maxCycles, idle, drain } = { ...defaults, ...stimulus };
  const top = `${design.top}_tb`;
  const ports = ['ap_clk', 'ap_rst_n', ...streams.flatMap((s) => parts.map((part) => `${s.name}_${part}`))];
  const source = `// Testbench of ${design.top}: sends the beats of <stream>.hex, takes the results${expected ? ' and compares them with <stream>.hex' : ''}.
// Time is kept by one process: inputs change while the clock is low, outputs are looked at just before it rises.
\`timescale 1ns / 1ps
module ${top};
  localparam [63:0] MAX_CYCLES = 64'd${maxCycles};
  localparam [63:0] IDLE = 64'd${idle};    // cycles without a beat that count as a deadlock
  localparam [63:0] DRAIN = 64'd${drain};     // cycles after the last beat, in which no more may come
  localparam RESET = 8;

  reg ap_clk;
  reg ap_rst_n;
${all((p) => p.declarations, '  ')}

  ${design.top} dut (
${ports.map((port) => `    .${port}(${port})`).join(',\n')}
  );

  reg [63:0] cycle;
  reg [63:0] active;    // the cycle after the last beat
  reg [63:0] drained;
  integer ended;        // -1: running, 0: done, 1: deadlock, 2: out of cycles
  integer errors;
${record ? '  integer summary;\n' : ''}
  // xorshift32
  function [31:0] next_random;
    input [31:0] x;
    reg [31:0] y;
    begin
      y = x ^ (x << 13);
      y = y ^ (y >> 17);
      next_random = y ^ (y << 5);
    end
  endfunction

  initial begin
    cycle = 0;
    active = 0;
    drained = 0;
    ended = -1;
    errors = 0;
    ap_clk = 1'b0;
    ap_rst_n = 1'b0;
${all((p) => p.start, '    ')}
    repeat (RESET) begin
      ap_clk = 1'b0;
      #5 ap_clk = 1'b1;
      #5;
    end
    ap_rst_n = 1'b1;
    while (ended < 0 && cycle < MAX_CYCLES) begin
      ap_clk = 1'b0;
${all((p) => p.drive, '      ')}
      #5;
${all((p) => p.sample, '      ')}
      ap_clk = 1'b1;
      #5;
      cycle = cycle + 1;
      if (${printers.map((p) => p.complete).join(' && ')}) begin
        if (drained == DRAIN) ended = 0;
        drained = drained + 1;
      end else if (cycle - active >= IDLE) ended = 1;
    end
    if (ended < 0) ended = 2;
    if (ended == 0) cycle = active;
${all((p) => p.finish, '    ')}
${record ? recording(streams) : verdict(streams, expected !== undefined)}
    $finish;
  end
endmodule
`;
  return { top, source, data };
}

const parts = ['tdata', 'tvalid', 'tready'];

/** One stream's lines in each part of the testbench. */
interface Printer {
  readonly declarations: readonly string[];
  readonly start: readonly string[];
  readonly drive: readonly string[];
  readonly sample: readonly string[];
  readonly finish: readonly string[];
  /** Condition: all its beats have moved. */
  readonly complete: string;
}

function printer(stream: StreamPort, stimulus: Stimulus, check: boolean, record: boolean): Printer {
  const { name: s, width, direction } = stream;
  const count = beatsOf(stimulus, stream);
  const [threshold, state] = stallWords(stimulus.stalls?.[s]);
  const input = direction === 'in';
  const memory = count > 0 && (input || check);
  const range = `[${width - 1}:0]`;
  const beat = record ? `$fdisplay(${s}_log, ${input ? `"%0d", cycle` : `"%0d %h", cycle, ${s}_tdata`});` : '';
  const stall = threshold === 0 ? [] : [`${s}_random = next_random(${s}_random);`];
  const go = threshold === 0 ? "1'b1" : `(${s}_random >= 32'd${threshold})`;
  return {
    declarations: [
      '',
      `// ${s}: ${count} beats of ${width} bits${input ? ' in' : ' out'}`,
      `${input ? 'reg' : 'wire'} ${range} ${s}_tdata;`,
      `${input ? 'reg' : 'wire'} ${s}_tvalid;`,
      `${input ? 'wire' : 'reg'} ${s}_tready;`,
      ...(memory ? [`reg ${range} ${s}_beats [0:${count - 1}];`] : []),
      ...(input ? [] : [`reg ${range} ${s}_last;`]),
      ...(threshold === 0 ? [] : [`reg [31:0] ${s}_random;`]),
      ...(record ? [`integer ${s}_log;`] : []),
      `reg ${s}_held;`,
      `integer ${s}_count, ${s}_starved, ${s}_blocked, ${s}_violations;`,
    ],
    start: [
      ...(memory ? [`$readmemh("${s}.hex", ${s}_beats);`] : []),
      ...(record ? [`${s}_log = $fopen("${s}.log", "w");`] : []),
      ...(threshold === 0 ? [] : [`${s}_random = 32'd${state};`]),
      `${s}_held = 1'b0;`,
      `${s}_count = 0;`,
      `${s}_starved = 0;`,
      `${s}_blocked = 0;`,
      `${s}_violations = 0;`,
      ...(input ? [`${s}_tvalid = 1'b0;`, `${s}_tdata = 0;`] : [`${s}_tready = 1'b0;`]),
    ],
    drive: input
      ? [
          ...stall,
          ...(memory
            ? [
                `if (!${s}_held) begin`,
                `  if (${s}_count < ${count} && ${go}) begin`,
                `    ${s}_held = 1'b1;`,
                `    ${s}_tdata = ${s}_beats[${s}_count];`,
                '  end else begin',
                `    if (${s}_count > 0) ${s}_tdata = ~${s}_beats[${s}_count - 1];    // must not matter`,
                '  end',
                `  ${s}_tvalid = ${s}_held;`,
                'end',
              ]
            : []),
        ]
      : [...stall, `${s}_tready = ${go};`],
    sample: input
      ? [
          `if (!${s}_held) begin`,
          `  if (${s}_count < ${count}) ${s}_starved = ${s}_starved + 1;`,
          `end else if (${s}_tready === 1'b1) begin`,
          ...(record ? [`  ${beat}`] : []),
          `  ${s}_held = 1'b0;`,
          `  ${s}_count = ${s}_count + 1;`,
          '  active = cycle + 1;',
          `end else ${s}_blocked = ${s}_blocked + 1;`,
        ]
      : [
          `if (${s}_tvalid !== 1'b1) begin`,
          `  if (${s}_held || ${s}_tvalid !== 1'b0) ${s}_violations = ${s}_violations + 1;`,
          `  ${s}_held = 1'b0;`,
          `  if (${s}_count < ${count}) ${s}_starved = ${s}_starved + 1;`,
          'end else begin',
          `  if (${s}_held ? ${s}_tdata !== ${s}_last : ^${s}_tdata === 1'bx) ${s}_violations = ${s}_violations + 1;`,
          `  ${s}_held = !${s}_tready;`,
          `  ${s}_last = ${s}_tdata;`,
          `  if (${s}_held) ${s}_blocked = ${s}_blocked + 1;`,
          '  else begin',
          ...(record ? [`    ${beat}`] : []),
          ...(check ? comparison(s, count) : []),
          `    ${s}_count = ${s}_count + 1;`,
          '    active = cycle + 1;',
          '  end',
          'end',
        ],
    finish: record ? [`$fclose(${s}_log);`] : [],
    complete: `${s}_count >= ${count}`,
  };
}

const comparison = (s: string, count: number): string[] => {
  const surplus = `$display("FAIL: beat %0d of ${s}, %h, is not due", ${s}_count, ${s}_tdata);`;
  if (count === 0) return ['    errors = errors + 1;', `    ${surplus}`];
  return [
    `    if (${s}_count >= ${count}) begin`,
    '      errors = errors + 1;',
    `      ${surplus}`,
    `    end else if (${s}_tdata !== ${s}_beats[${s}_count]) begin`,
    '      errors = errors + 1;',
    `      $display("FAIL: beat %0d of ${s} is %h instead of %h", ${s}_count, ${s}_tdata, ${s}_beats[${s}_count]);`,
    '    end',
  ];
};

function recording(streams: readonly StreamPort[]): string {
  const counters = streams.map(
    ({ name: s }) => `    $fdisplay(summary, "%0d %0d %0d", ${s}_starved, ${s}_blocked, ${s}_violations);`,
  );
  return [
    '    summary = $fopen("summary.log", "w");',
    '    $fdisplay(summary, "%0d %0d", ended, cycle);',
    ...counters,
    '    $fclose(summary);',
  ].join('\n');
}

function verdict(streams: readonly StreamPort[], check: boolean): string {
  const outputs = streams.filter((s) => s.direction === 'out');
  const violations = outputs.map(
    ({ name: s }) => `    if (${s}_violations > 0) begin
      errors = errors + 1;
      $display("FAIL: %0d breaches of AXI-Stream on ${s}", ${s}_violations);
    end`,
  );
  const counts = outputs.map(({ name: s }) => `      $display("  ${s}: %0d beats", ${s}_count);`);
  return `${violations.join('\n')}
    if (ended != 0) begin
      errors = errors + 1;
      $display("FAIL: %0s after %0d cycles", ended == 1 ? "deadlock" : "out of cycles", cycle);
${counts.join('\n')}
    end
    if (errors == 0) $display("PASS: ${check ? 'all beats as expected' : 'all beats came'}, %0d cycles", cycle);`;
}

/** Beats as the lines of a $readmemh file. */
export function toHex(beats: Uint8Array, width: number): string {
  const bytes = beatBytes(width);
  const digits = Math.ceil(width / 4);
  const lines: string[] = [];
  for (let at = 0; at < beats.length; at += bytes) {
    const word = Buffer.from(beats.subarray(at, at + bytes))
      .reverse()
      .toString('hex');
    lines.push(`${word.slice(word.length - digits).padStart(digits, '0')}\n`);
  }
  return lines.join('');
}

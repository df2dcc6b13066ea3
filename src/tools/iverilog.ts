import type { Invocation, Tool } from '../engine/invocation.ts';

const install = 'apt-get install iverilog';
const log: Tool['log'] = [
  { pattern: /error: (?<message>.*)/, severity: 'error' },
  { pattern: /^ERROR: (?<message>.*)/, severity: 'error' },
  { pattern: /warning: (?<message>.*)/i, severity: 'warning' },
];

export const iverilogTool: Tool = {
  name: 'iverilog',
  program: {
    kind: 'native',
    command: 'iverilog',
    version: { args: ['-V'], pattern: /^Icarus Verilog version (?<version>\S+)/m, least: '11' },
    install,
  },
  log,
};

export const vvpTool: Tool = {
  name: 'vvp',
  program: {
    kind: 'native',
    command: 'vvp',
    version: { args: ['-V'], pattern: /^Icarus Verilog runtime version (?<version>\S+)/m, least: '11' },
    install,
  },
  log,
};

/** Verilog → a program of Icarus Verilog's virtual machine; `top` is the testbench. */
export const compileIverilog = (sources: Invocation['files'], top: string, label: string): Invocation<'program'> => ({
  tool: iverilogTool,
  args: ['-g2012', '-s', top, '-o', 'program.vvp', ...Object.keys(sources)],
  files: sources,
  outputs: { program: 'program.vvp' },
  label,
});

/** Runs such a program; `files` are what it reads. */
export const runVvp = <O extends string>(
  program: Uint8Array,
  files: Invocation['files'],
  outputs: Readonly<Record<O, string>>,
  label: string,
): Invocation<O> => ({
  tool: vvpTool,
  args: ['-n', 'program.vvp'],
  files: { ...files, 'program.vvp': program },
  outputs,
  label,
});

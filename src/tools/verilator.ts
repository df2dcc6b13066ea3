import type { Invocation, Tool } from '../engine/invocation.ts';
import type { Sources } from './yosys.ts';

export const verilatorTool: Tool = {
  name: 'verilator',
  program: {
    kind: 'native',
    command: 'verilator',
    version: { args: ['--version'], pattern: /^Verilator (?<version>\S+)/m, least: '5.006' },
    install: 'apt-get install verilator g++ make',
  },
  log: [
    { pattern: /^%Error(?:-\w+)?: (?<message>.*)/, severity: 'error' },
    { pattern: /^%Warning-(?<message>.*)/, severity: 'warning' },
    { pattern: /error: (?<message>.*)/, severity: 'error' },
  ],
};

/**
 * Verilog and a C++ main → a native program. `cxx` are the C++ files by name; 'main.cc' includes V<top>.h.
 */
export const compileVerilator = (
  { sources, memories }: Sources,
  top: string,
  cxx: Invocation['files'],
  label: string,
): Invocation<'program'> => ({
  tool: verilatorTool,
  args: [
    ...['--cc', '--exe', '--build', '-O3', '--x-initial', '0', '-Wno-fatal', '-Wno-lint', '-Wno-style'],
    ...['--top-module', top, '-Mdir', 'obj', '-o', 'program', '-CFLAGS', '-std=c++17 -I..'],
    ...['-MAKEFLAGS', 'OPT_FAST=-O2 OPT_SLOW=-O1 OPT_GLOBAL=-O2'],
    'main.cc',
    ...Object.keys(sources),
  ],
  files: { ...sources, ...memories, ...cxx },
  outputs: { program: 'obj/program' },
  label,
  cost: { memory: 1000, threads: 1 },
});

/** A program that was compiled here before: `env` starts it from the call's directory. */
export const programTool = (name: string): Tool => ({
  name,
  program: {
    kind: 'native',
    command: 'env',
    version: { args: ['--version'], pattern: /^env \(.*?\) (?<version>\S+)/m },
    install: 'coreutils',
  },
  log: [],
});

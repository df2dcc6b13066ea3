import type { Invocation, Tool } from '../engine/invocation.ts';

/** Whose build of a tool: npm's WebAssembly, or the machine's own. */
export type Provider = 'npm' | 'native';

const log: Tool['log'] = [
  { pattern: /^(?:.*?:\d+: )?ERROR: (?<message>.*)/, severity: 'error' },
  { pattern: /^(?:.*?:\d+: )?Warning: (?<message>.*)/, severity: 'warning' },
];

export const yosysTools: Readonly<Record<Provider, Tool>> = {
  npm: { name: 'yosys', program: { kind: 'wasm', package: '@yowasp/yosys', run: 'runYosys' }, log },
  native: {
    name: 'yosys',
    program: {
      kind: 'native',
      command: 'yosys',
      version: { args: ['-V'], pattern: /^Yosys (?<version>\S+)/m, least: '0.23' },
      install: 'apt-get install yosys',
    },
    log,
  },
};

/** Verilog and memory images by file name. */
export interface Sources {
  readonly sources: Readonly<Record<string, string>>;
  readonly memories: Readonly<Record<string, string>>;
}

/** Reading of Verilog files, in order. `-defer`: parameters are known only where a module is instantiated. */
export const readVerilog = (files: readonly string[]): string[] =>
  files.map((file) => `read_verilog -sv -defer ${file}`);

/** A call of Yosys that runs a script over sources. */
export function yosys<O extends string>(
  provider: Provider,
  script: readonly string[],
  files: Invocation['files'],
  outputs: Readonly<Record<O, string>>,
  label: string,
): Invocation<O> {
  return {
    tool: yosysTools[provider],
    args: ['-q', '-s', 'script.ys'],
    files: { ...files, 'script.ys': script.map((line) => `${line}\n`).join('') },
    outputs,
    label,
    cost: { memory: 600, threads: 1 },
  };
}

/** Verilog → C++ of cxxrtl: one struct for each of `roots`, modules that `top` instantiates. */
export function writeCxxrtl(
  { sources, memories }: Sources,
  top: string,
  roots: readonly string[],
  label: string,
): Invocation<'code'> {
  const script = [
    ...readVerilog(Object.keys(sources)),
    `hierarchy -check -top ${top}`,
    ...roots.map((root) => `setattr -mod -set keep_hierarchy 1 ${root}`),
    'proc',
    'flatten',
    'opt_expr',
    'opt_clean',
    `delete ${top}`,
    // Outputs of tops are not buffered, which halves the evaluations of combinational ready and valid.
    ...roots.map((root) => `setattr -mod -set top 1 ${root}`),
    'write_cxxrtl -nohierarchy -noflatten -O6 -g0 design.cc',
  ];
  return yosys('npm', script, { ...sources, ...memories }, { code: 'design.cc' }, label);
}

/** Does the Verilog elaborate, and is every wire driven once? Warnings are in the call's log. */
export function lint({ sources, memories }: Sources, top: string, provider: Provider = 'npm'): Invocation<never> {
  const script = [...readVerilog(Object.keys(sources)), `hierarchy -check -top ${top}`, 'proc', 'check -assert'];
  return yosys(provider, script, { ...sources, ...memories }, {}, `lint of ${top}`);
}

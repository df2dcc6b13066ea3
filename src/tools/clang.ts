import type { Invocation, Tool } from '../engine/invocation.ts';

/** LLVM of npm, which compiles C++ to WebAssembly. */
export const clangTool: Tool = {
  name: 'clang',
  program: { kind: 'wasm', package: '@yowasp/clang', run: 'runClang' },
  log: [
    { pattern: /^(?:.*?: )?(?:fatal )?error: (?<message>.*)/, severity: 'error' },
    { pattern: /^wasm-ld: error: (?<message>.*)/, severity: 'error' },
  ],
};

/**
 * A precompiled header and what uses it must be compiled alike. Without exceptions: the sysroot has no unwinder. The two
 * passes that are left out took half of the time on cxxrtl's thousands of loops over one word, and gave nothing for it.
 */
const flags = [
  'clang++',
  '-std=c++17',
  '-O2',
  '-fno-exceptions',
  '-mllvm',
  '-opt-disable=indvars,loop-deletion',
  '-I.',
];

/** Precompiles a header, so that all programs which begin with it compile in half the time. */
export function precompileHeader(header: string, files: Invocation['files']): Invocation<'pch'> {
  return {
    tool: clangTool,
    args: [...flags, '-x', 'c++-header', header, '-o', 'header.pch'],
    files,
    outputs: { pch: 'header.pch' },
    label: `precompiling ${header}`,
    cost: { memory: 600, threads: 1 },
  };
}

/** Compiles `main` to a WebAssembly reactor: no main(), exports by __attribute__((export_name(…))). */
export function compileReactor(
  main: string,
  files: Invocation['files'],
  pch: Uint8Array | undefined,
  label: string,
): Invocation<'wasm'> {
  return {
    tool: clangTool,
    args: [
      ...flags,
      '-mexec-model=reactor',
      ...(pch ? ['-include-pch', 'header.pch'] : []),
      main,
      '-o',
      'program.wasm',
    ],
    files: { ...files, ...(pch && { 'header.pch': pch }) },
    outputs: { wasm: 'program.wasm' },
    label,
    cost: { memory: 1000, threads: 1 },
  };
}

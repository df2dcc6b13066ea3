import { readFileSync } from 'node:fs';

/** Modules of src/hdl/verilog, each in a file of its name. */
export type LibraryModule = 'stream_fifo' | 'stream_registers' | 'stream_widen' | 'stream_narrow';

const read = new Map<LibraryModule, string>();

/** The library modules by file name, ready to be a part of a design's sources. */
export function library(...modules: readonly LibraryModule[]): Record<string, string> {
  return Object.fromEntries(
    modules.map((module) => {
      let text = read.get(module);
      if (text === undefined) {
        text = readFileSync(new URL(`./verilog/${module}.sv`, import.meta.url), 'utf8');
        read.set(module, text);
      }
      return [`${module}.sv`, text];
    }),
  );
}

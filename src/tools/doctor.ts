import { FinnError } from '../diagnostics/diagnostic.ts';
import type { Executor } from '../engine/executor.ts';
import type { Tool } from '../engine/invocation.ts';
import { clangTool } from './clang.ts';
import { ecppackTools } from './ecppack.ts';
import { icepackTools } from './icepack.ts';
import { iverilogTool, vvpTool } from './iverilog.ts';
import { nextpnrTools } from './nextpnr.ts';
import { nextpnrEcp5Tools } from './nextpnr-ecp5.ts';
import { verilatorTool } from './verilator.ts';
import { yosysTools } from './yosys.ts';

/** A tool that a build may use, and what for. */
export interface Known {
  readonly tool: Tool;
  readonly provider: 'npm' | 'pypi' | 'native';
  /** In a few words, for a person. */
  readonly purpose: string;
  /** Can no build do without it, unless the recipe says otherwise? */
  readonly needed: boolean;
}

/** What is here: a version, or why not. */
export interface Found extends Known {
  readonly version?: string;
  readonly problem?: string;
  readonly hint?: string;
}

export const knownTools: readonly Known[] = [
  { tool: yosysTools.npm, provider: 'npm', purpose: 'synthesis; the default simulator', needed: true },
  { tool: clangTool, provider: 'npm', purpose: 'the default simulator (cxxrtl)', needed: true },
  { tool: nextpnrTools.npm, provider: 'npm', purpose: 'place and route for iCE40', needed: true },
  { tool: icepackTools.npm, provider: 'npm', purpose: 'bitstreams of iCE40', needed: true },
  { tool: nextpnrEcp5Tools.npm, provider: 'pypi', purpose: 'place and route for ECP5', needed: false },
  { tool: ecppackTools.npm, provider: 'pypi', purpose: 'bitstreams of ECP5', needed: false },
  { tool: yosysTools.native, provider: 'native', purpose: 'synthesis with tools: native', needed: false },
  { tool: nextpnrTools.native, provider: 'native', purpose: 'place and route with tools: native', needed: false },
  { tool: icepackTools.native, provider: 'native', purpose: 'bitstreams with tools: native', needed: false },
  { tool: nextpnrEcp5Tools.native, provider: 'native', purpose: 'place and route with tools: native', needed: false },
  { tool: ecppackTools.native, provider: 'native', purpose: 'bitstreams with tools: native', needed: false },
  { tool: verilatorTool, provider: 'native', purpose: 'simulator: verilator', needed: false },
  { tool: iverilogTool, provider: 'native', purpose: 'simulator: iverilog', needed: false },
  { tool: vvpTool, provider: 'native', purpose: 'simulator: iverilog', needed: false },
];

/** Asks every known tool for its version. Never throws for a tool that is not there. */
export function doctor(executor: Executor): Promise<Found[]> {
  return Promise.all(
    knownTools.map(async (known): Promise<Found> => {
      try {
        return { ...known, version: await executor.version(known.tool) };
      } catch (problem) {
        if (!(problem instanceof FinnError)) throw problem;
        const [first] = problem.diagnostics;
        return { ...known, problem: first!.message, ...(first!.hint !== undefined && { hint: first!.hint }) };
      }
    }),
  );
}

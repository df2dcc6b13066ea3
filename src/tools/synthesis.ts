import type { Invocation } from '../engine/invocation.ts';
import type { Family } from '../hdl/device.ts';
import { type Provider, readVerilog, type Sources, yosys } from './yosys.ts';

export interface SynthesisOptions {
  readonly provider: Provider;
  readonly family: Family;
  /** May multiplications go to DSP blocks? */
  readonly dsp?: boolean;
  /** A part of a larger circuit: without pads and clock buffers (ice40 and ecp5 never get any here). */
  readonly outOfContext?: boolean;
  /** Netlists (JSON, of the same family) of modules that the sources instantiate, by module name. */
  readonly netlists?: Readonly<Record<string, Uint8Array>>;
  /** For the display; 'synthesis of <top>' by default. */
  readonly label?: string;
}

/** Yosys' command for a family. Wide LUT multiplexers cost area wherever they may be used (circuits.md, rule 1). */
function command(top: string, { family, dsp = false, outOfContext = false }: SynthesisOptions): string {
  const pads = outOfContext ? ' -noiopad -noclkbuf' : '';
  switch (family) {
    case 'ice40':
      return `synth_ice40${dsp ? ' -dsp' : ''} -top ${top}`;
    case 'ecp5':
      return `synth_ecp5 -nowidelut${dsp ? '' : ' -nodsp'} -top ${top}`;
    case 'xc7':
    case 'xcup':
      return `synth_xilinx -family ${family} -flatten -nowidelut${dsp ? '' : ' -nodsp'}${pads} -top ${top}`;
  }
}

/** Synthesis with Yosys: Verilog → a netlist of the family's cells (JSON, as nextpnr reads it) and its cell counts. */
export function synthesize(
  { sources, memories }: Sources,
  top: string,
  options: SynthesisOptions,
): Invocation<'netlist' | 'stat'> {
  const netlists = Object.entries(options.netlists ?? {});
  const files: Record<string, Uint8Array | string> = { ...sources, ...memories };
  for (const [name, netlist] of netlists) files[`netlist-${name}.json`] = netlist;
  const script = [
    ...netlists.map(([name]) => `read_json netlist-${name}.json`),
    ...readVerilog(Object.keys(sources)),
    command(top, options),
    // Only the circuit itself: the descriptions of the family's cells would make half a megabyte of every netlist.
    `json -o netlist.json ${top}`,
    'tee -q -o stat.json stat -json',
  ];
  const outputs = { netlist: 'netlist.json', stat: 'stat.json' };
  return yosys(options.provider, script, files, outputs, options.label ?? `synthesis of ${top}`);
}

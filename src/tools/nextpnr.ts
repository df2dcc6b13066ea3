import { bug } from '../diagnostics/diagnostic.ts';
import type { Invocation, Tool } from '../engine/invocation.ts';
import type { Provider } from './yosys.ts';

/** What nextpnr says, whatever the family. */
export const nextpnrLog: Tool['log'] = [
  { pattern: /^ERROR: (?<message>.*)/, severity: 'error' },
  { pattern: /^Warning: (?<message>.*)/, severity: 'warning' },
];

export const nextpnrTools: Readonly<Record<Provider, Tool>> = {
  npm: {
    name: 'nextpnr-ice40',
    program: { kind: 'wasm', package: '@yowasp/nextpnr-ice40', run: 'runNextpnrIce40' },
    log: nextpnrLog,
  },
  native: {
    name: 'nextpnr-ice40',
    program: {
      kind: 'native',
      command: 'nextpnr-ice40',
      version: { args: ['--version'], pattern: /Version (?<version>[^)\s]+)/, least: '0.4' },
      install: 'apt-get install nextpnr-ice40',
    },
    log: nextpnrLog,
  },
};

export interface PlaceOptions {
  readonly provider: Provider;
  /** nextpnr's name of the device: up5k, hx8k, 85k, … */
  readonly device: string;
  /** sg48, ct256, CABGA381, … */
  readonly package: string;
  /** ECP5: the speed grade, 6 to 8; iCE40's is the device's. */
  readonly speed?: number | undefined;
  /** The clock that timing is judged by and placement aims at, in MHz. */
  readonly mhz: number;
  readonly seed: number;
  /** Text of the pins file; without it pins are chosen freely, for measurements. */
  readonly pins?: string;
  readonly label?: string;
}

/** Place and route for iCE40: netlist → layout (.asc) and a report. Missed timing is in the report, not an error. */
export function placeIce40(netlist: Uint8Array, options: PlaceOptions): Invocation<'layout' | 'report'> {
  const { provider, device, package: pack, mhz, seed, pins } = options;
  return {
    tool: nextpnrTools[provider],
    args: [
      `--${device}`,
      ...['--package', pack, '--freq', String(mhz), '--seed', String(seed)],
      ...(pins === undefined ? ['--pcf-allow-unconstrained'] : ['--pcf', 'pins.pcf']),
      ...['--json', 'netlist.json', '--asc', 'layout.asc', '--report', 'report.json'],
      ...['--timing-allow-fail', '--quiet'],
    ],
    files: { 'netlist.json': netlist, ...(pins !== undefined && { 'pins.pcf': pins }) },
    outputs: { layout: 'layout.asc', report: 'report.json' },
    label: options.label ?? `place and route for ${device}-${pack}, seed ${seed}`,
    cost: { memory: 800, threads: 1 },
  };
}

/** What nextpnr reached. */
export interface PlaceReport {
  /** For each clock the MHz reached and those asked for, by net name. */
  readonly clocks: Readonly<Record<string, { readonly achieved: number; readonly wanted: number }>>;
  /** Does every clock reach what was asked for? */
  readonly met: boolean;
  /** By nextpnr's names: ICESTORM_LC, ICESTORM_RAM, SB_IO, …; TRELLIS_COMB, DP16KD, TRELLIS_IO, … */
  readonly used: Readonly<Record<string, { readonly used: number; readonly available: number }>>;
}

export function parsePlaceReport(json: Uint8Array | string): PlaceReport {
  const report = JSON.parse(typeof json === 'string' ? json : new TextDecoder().decode(json)) as {
    readonly fmax?: Readonly<Record<string, { readonly achieved: number; readonly constraint: number }>>;
    readonly utilization?: Readonly<Record<string, { readonly used: number; readonly available: number }>>;
  };
  if (!report.utilization) bug('a report of nextpnr without utilization');
  const clocks = Object.fromEntries(
    Object.entries(report.fmax ?? {}).map(([net, { achieved, constraint }]) => [net, { achieved, wanted: constraint }]),
  );
  const met = Object.values(clocks).every(({ achieved, wanted }) => achieved >= wanted);
  return { clocks, met, used: report.utilization };
}

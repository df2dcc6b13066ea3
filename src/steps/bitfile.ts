import { fail, inRecipe } from '../diagnostics/diagnostic.ts';
import { each } from '../engine/artifact.ts';
import { uartShell } from '../shells/uart/shell.ts';
import { icepackTools, packIce40 } from '../tools/icepack.ts';
import { nextpnrTools, parsePlaceReport, placeIce40 } from '../tools/nextpnr.ts';
import { parseStat } from '../tools/stat.ts';
import { synthesize } from '../tools/synthesis.ts';
import { yosysTools } from '../tools/yosys.ts';
import { parseRational, toNumber } from '../util/rational.ts';
import { accelerator, bitstream, implementation, layerDesign, layerNetlist } from './artifacts.ts';
import { file } from './codecs.ts';
import { pretty } from './fold.ts';
import { hasShell, shellConfig, shellOf } from './shell.ts';
import { buildStep } from './step.ts';

export const bitfile = buildStep({
  name: 'bitfile',
  doc: 'The accelerator in the board’s shell, linked from the layers’ netlists, placed, routed, timed: the bitstream.',
  needs: { accelerator, designs: each(layerDesign), netlists: each(layerNetlist) },
  makes: { bitstream, implementation },
  applies: ({ build }) =>
    build.target.board.toolchain === 'yosys-nextpnr' && build.target.board.bitstream && hasShell(build.target.board),
  config: (settings) => {
    const { board, name } = settings.build.target;
    const { seed, frequencyMhz } = settings.recipe.steps.bitfile;
    const { synthesis, placeAndRoute } = settings.recipe.tools;
    return {
      target: name,
      shell: shellConfig(settings),
      family: board.family,
      device: board.device ?? '',
      package: board.package ?? '',
      pcf: board.pins?.text ?? '',
      seed,
      aimMhz: frequencyMhz && toNumber(frequencyMhz),
      synthesis,
      placeAndRoute,
    };
  },
  tools: ({ recipe: { tools } }) => [
    yosysTools[tools.synthesis],
    nextpnrTools[tools.placeAndRoute],
    icepackTools[tools.placeAndRoute],
  ],
  async run({ accelerator: whole, designs, netlists }, { config, call, note }) {
    const { family, device, package: pack, pcf, seed } = config;
    const top = uartShell(shellOf(whole, config.shell));
    // What the layers' netlists hold already is not synthesized again; the shell and the streams between are.
    // Files of the library, which layers may share with the streams, stay: Yosys drops modules that nothing uses.
    const layers = [...designs.values()].map(({ top: module }) => module);
    const isLayers = (path: string): boolean =>
      layers.some((module) => path === `${module}.v` || path === `${module}.sv` || path.startsWith(`${module}_`));
    const rest = Object.fromEntries(Object.entries(top.sources).filter(([path]) => !isLayers(path)));
    const { netlist, stat } = await call(
      synthesize({ sources: rest, memories: {} }, top.top, {
        provider: config.synthesis,
        family,
        netlists: Object.fromEntries(
          [...netlists].map(([name, files]) => [designs.get(name)!.top, file(files, 'netlist.json')]),
        ),
        label: `linking ${top.top}`,
      }),
    );
    const clock = toNumber(parseRational(config.shell.clockMhz)!);
    const options = { provider: config.placeAndRoute, device, package: pack, mhz: config.aimMhz ?? clock, seed, pcf };
    const { layout, report } = await call(placeIce40(netlist, options));
    const placed = parsePlaceReport(report);
    const fmax = Math.min(...Object.values(placed.clocks).map(({ achieved }) => achieved));
    if (fmax < clock)
      fail(
        'bitfile/timing',
        `the placed design reaches ${fmax.toFixed(2)} MHz, ${(clock - fmax).toFixed(2)} MHz less than its clock of ${clock} MHz`,
        {
          at: inRecipe(`/targets/${config.target}/clock_mhz`),
          hint: `lower clock_mhz, try another \`steps.bitfile.seed\`, or fold less at once (smaller simd shortens adders)`,
        },
      );
    const { bitstream: image } = await call(packIce40(config.placeAndRoute, layout));
    const cells = parseStat(stat, family);
    note(
      `${placed.used['ICESTORM_LC']?.used} of ${placed.used['ICESTORM_LC']?.available} logic cells, ${fmax.toFixed(1)} MHz`,
    );
    return {
      bitstream: image,
      implementation: {
        'report/post_synth_resources.json': pretty({ '(top)': cells }),
        'report/post_route_utilization.json': pretty(placed.used),
        'report/post_route_timing.json': pretty({
          clock_mhz: clock,
          fmax_mhz: fmax,
          slack_ns: 1000 / clock - 1000 / fmax,
          met: true,
        }),
      },
    };
  },
});

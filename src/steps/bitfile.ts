import type { Board } from '../config/board.ts';
import { bug, fail, inRecipe } from '../diagnostics/diagnostic.ts';
import { each } from '../engine/artifact.ts';
import { uartShell } from '../shells/uart/shell.ts';
import { parsePlaceReport } from '../tools/nextpnr.ts';
import { type PlaceAndRoute, placeAndRoute } from '../tools/place-and-route.ts';
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
  cost: () => ({ threads: 1, memory: 1500 }),
  applies: ({ build }) =>
    build.target.board.toolchain === 'yosys-nextpnr' && build.target.board.bitstream && hasShell(build.target.board),
  config: (settings) => {
    const { board, name } = settings.build.target;
    const { seed, frequencyMhz } = settings.recipe.steps.bitfile;
    const { synthesis, placeAndRoute: provider } = settings.recipe.tools;
    return {
      target: name,
      shell: shellConfig(settings),
      family: board.family,
      device: board.device ?? '',
      package: board.package ?? '',
      speed: speedGrade(board),
      pins: board.pins?.text ?? '',
      seed,
      aimMhz: frequencyMhz && toNumber(frequencyMhz),
      synthesis,
      placeAndRoute: provider,
    };
  },
  tools: ({ recipe: { tools }, build }) => [
    yosysTools[tools.synthesis],
    ...flowOf(build.target.board.family).tools(tools.placeAndRoute),
  ],
  async run({ accelerator: whole, designs, netlists }, { config, call, note }) {
    const { family, device, package: pack, speed, pins, seed, placeAndRoute: provider } = config;
    const flow = flowOf(family);
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
    const options = { provider, device, package: pack, speed, mhz: config.aimMhz ?? clock, seed, pins };
    const { layout, report } = await call(flow.place(netlist, options));
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
    const { bitstream: image } = await call(flow.pack(provider, layout));
    const cells = parseStat(stat, family);
    const logic = placed.used[flow.cell];
    note(`${logic?.used} of ${logic?.available} logic cells, ${fmax.toFixed(1)} MHz`);
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

const flowOf = (family: Board['family']): PlaceAndRoute =>
  placeAndRoute[family] ?? bug(`no place and route for ${family}`);

/** ECP5's speed grade, from the part number: 6 of LFE5U-85F-6BG381C. A 5G part has but one, which its device names. */
function speedGrade({ family, part }: Board): number | undefined {
  const grade = family === 'ecp5' ? /^LFE5UM?-\d+F-([678])/.exec(part)?.[1] : undefined;
  return grade === undefined ? undefined : Number(grade);
}

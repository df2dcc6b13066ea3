import type { Board } from '../config/board.ts';
import { error, FinnError, fail, inNetwork, inRecipe, warning } from '../diagnostics/diagnostic.ts';
import { type Graph, input, node as makeNode, output } from '../ir/graph.ts';
import type { Device, Layer, Resources } from '../operators/operator.ts';
import { edgesOf, LEAST_DEPTH } from '../passes/fold/connect.ts';
import { totalResources } from '../passes/fold/estimate.ts';
import { layersOf } from '../passes/fold/names.ts';
import type { Folding, Request } from '../passes/fold/parallelize.ts';
import type { TokenRun } from '../passes/fold/tokens.ts';
import { passes } from '../passes/index.ts';
import { toNumber } from '../util/rational.ts';
import { dataflow, estimate, foldedLayers, layers } from './artifacts.ts';
import { readNamed } from './model.ts';
import { buildStep } from './step.ts';

const utf8 = new TextEncoder();
/** Reports as FINN writes them: keys in their own order, two spaces. */
export const pretty = (value: unknown): Uint8Array => utf8.encode(`${JSON.stringify(value, null, 2)}\n`);

/** What of the board limits a circuit. */
const limitsOf = ({ resources }: Board) => ({
  lut: resources.lut,
  ff: resources.ff,
  bram: resources.bram,
  uram: resources.uram ?? 0,
  dsp: resources.dsp,
});

export const fold = buildStep({
  name: 'fold',
  doc: 'Chooses parallelism, memory and widths; puts width converters and FIFOs between the layers; estimates.',
  needs: { layers },
  makes: { dataflow, foldedLayers, estimate },
  config: ({ build, recipe }) => {
    const { folding, target } = build;
    const { fifos } = recipe.steps.stitch;
    return {
      folding: folding.name,
      choose: folding.choose,
      layers: Object.fromEntries(
        [...folding.layers].map(([name, { pe, simd, memory }]) => [name, { pe, simd, memory }]),
      ),
      file: folding.file !== undefined,
      fifos: { sizing: fifos.sizing, depths: Object.fromEntries(fifos.depths) },
      family: target.board.family,
      limits: limitsOf(target.board),
      clockMhz: toNumber(target.clockMhz),
      bitfile: build.outputs.includes('bitfile'),
    };
  },
  async sources({ build: { folding } }) {
    return folding.file === undefined ? {} : { 'folding.json': await readNamed(folding.file, folding.at) };
  },
  async run({ layers: graph }, { config, sources, note, report }) {
    const device: Device = { family: config.family };
    const pointer = `/folding/${config.folding}`;
    const file = sources['folding.json']
      ? passes.fold.readFinnFolding(
          new TextDecoder().decode(sources['folding.json']),
          'the folding file',
          graph,
          inRecipe(`${pointer}/file`),
        )
      : undefined;
    const explicit: Request[] = Object.entries(config.layers).map(([name, attributes]) => ({
      name,
      attributes: Object.fromEntries(
        Object.entries(attributes).filter(([, value]) => value !== undefined),
      ) as Request['attributes'],
      at: inRecipe(`${pointer}/layers/${name}`),
    }));
    // What names a layer wins over what is chosen, and the recipe's own words over the file's.
    const resolved = passes.fold.resolveRequests(graph, [...(file?.requests ?? []), ...explicit]);
    const wrong = [...(file?.diagnostics ?? []), ...resolved.diagnostics];
    if (wrong.length > 0) throw new FinnError(...wrong);
    for (const one of file?.warnings ?? []) report(one);

    const ultra = config.limits.uram > 0;
    // Candidates are weighed with the least FIFOs, which takes no time; what is chosen is weighed with all that it needs.
    const weigh = (folded: Graph): Graph =>
      connect(passes.fold.narrow(folded), { ...config.fifos, sizing: 'none' }, file?.fifoDepths, ultra).graph;
    const finish = (folded: Graph) => connect(passes.fold.narrow(folded), config.fifos, file?.fifoDepths, ultra);
    const before = [...layersOf(graph).values()];
    const asked = (folded: Graph): Folding =>
      new Map(
        [...layersOf(folded).values()].flatMap((layer, i) => {
          const attributes = resolved.folding.get(before[i]!);
          return attributes ? [[layer, attributes] as const] : [];
        }),
      );
    const named = (folded: Graph): Graph => passes.fold.applyFolding(folded, asked(folded));
    const settled = (folded: Graph): Graph => passes.fold.meetDemands(named(folded));
    const chosen = choose(
      graph,
      config,
      (folded) => weigh(settled(folded)),
      (folded) => finish(settled(folded)).graph,
      device,
    );
    const wanted = named(passes.fold.applyFolding(graph, chosen));
    const contradicted = passes.fold.contradictions(wanted, asked(wanted));
    if (contradicted.length > 0) throw new FinnError(...contradicted);
    const { graph: made, run: sized } = finish(passes.fold.meetDemands(wanted));
    checkDevice(made, device, config, report);
    const unsized = config.fifos.sizing === 'none';
    const run = sized ?? (unsized ? undefined : passes.fold.scheduledRun(made));
    if (run?.deadlock)
      fail('fold/deadlock', 'with these FIFO depths the layers come to wait for one another', {
        at: inRecipe('/steps/stitch/fifos'),
        hint: 'leave `depths` out: finn finds those that cannot deadlock',
      });
    if (!run && !unsized)
      report(
        warning(
          'fold/not-played',
          'a frame takes too long to be played through: interval and latency are bounds, FIFOs have 2 places, or a frame in front of joins',
          { at: inNetwork([graph.name]), hint: 'ask for more parallelism (`target_fps`, `maximize: fps` or `layers`)' },
        ),
      );

    const performance = passes.fold.estimateReports(made, device, config.clockMhz, run ?? 'unplayed');
    const { estimated_throughput_fps: fps, max_cycles: cycles } = performance['estimate_network_performance.json'] as {
      estimated_throughput_fps: number;
      max_cycles: number;
    };
    note(`${cycles} cycles a frame, ${Math.round(fps)} frames/s at ${config.clockMhz} MHz`);
    const own = [...layersOf(made)].filter(([, layer]) => !layer.op.inserted);
    return {
      dataflow: made,
      foldedLayers: new Map(own.map(([name, layer]) => [name, alone(layer, name)])),
      estimate: {
        ...Object.fromEntries(Object.entries(performance).map(([name, value]) => [`report/${name}`, pretty(value)])),
        'auto_folding_config.json': pretty(passes.fold.finnConfig(made, false)),
        'final_hw_config.json': pretty(passes.fold.finnConfig(made, true)),
      },
    };
  },
});

interface FoldConfig {
  readonly folding: string;
  readonly choose?: Parameters<typeof fold.config>[0]['build']['folding']['choose'];
  readonly limits: {
    readonly lut: number;
    readonly bram?: number | undefined;
    readonly uram: number;
    readonly dsp?: number | undefined;
  };
  readonly clockMhz: number;
  readonly bitfile: boolean;
  readonly family: Device['family'];
}

function choose(
  graph: Graph,
  config: FoldConfig,
  weigh: (folded: Graph) => Graph,
  finish: (folded: Graph) => Graph,
  device: Device,
) {
  const { choose: by, clockMhz, limits } = config;
  if (!by) return new Map();
  if (by.by === 'target-fps')
    // FINN: int(1e9 / clock period in ns / fps)
    return passes.fold.foldForRate(graph, {
      cycles: Math.floor((clockMhz * 1e6) / by.fps),
      widthMax: by.mvauWwidthMax,
      twoPass: by.twoPass,
    });
  const within = (folded: Graph): boolean => excess(totalResources(folded, device), limits, by.resources).length === 0;
  const chosen = passes.fold.foldToFit(
    graph,
    (folded) => within(weigh(folded)),
    (folded) => within(finish(folded)),
  );
  if (chosen) return chosen;
  const least = totalResources(finish(graph), device);
  throw new FinnError(
    error(
      'fold/does-not-fit',
      `even at one element a cycle the network needs ${excess(least, limits, by.resources).join(', ')}`,
      {
        at: inRecipe(`/folding/${config.folding}`),
        hint: 'use a larger board, a smaller network, or a larger share of the board (`resources`)',
      },
    ),
  );
}

/** Which resources exceed `share` of the limits, in words. */
function excess(used: Resources, limits: FoldConfig['limits'], share: number): string[] {
  const over = (name: string, n: number, most: number | undefined) =>
    most !== undefined && n > most * share ? [`${Math.ceil(n)} of ${Math.floor(most * share)} ${name}`] : [];
  return [
    ...over('LUT', used.lut, limits.lut),
    ...over('block RAM', used.bram, limits.bram),
    ...over('UltraRAM', used.uram ?? 0, limits.uram),
    ...over('DSP', used.dsp, limits.dsp),
  ];
}

/** LUT estimates may be off by this much; beyond it no synthesis will fit. */
const SLACK = 1.3;

function checkDevice(
  graph: Graph,
  device: Device,
  config: FoldConfig,
  report: (d: ReturnType<typeof warning>) => void,
): void {
  const refused = [...layersOf(graph)].flatMap(([name, layer]) => {
    const reason = layer.op.refuse?.(layer, device);
    return reason === undefined
      ? []
      : [error('fold/does-not-fit', `${name}: ${reason}`, { at: inNetwork(layer.origin) })];
  });
  if (refused.length > 0) throw new FinnError(...refused);
  if (!config.bitfile) return;
  const used = totalResources(graph, device);
  const hopeless = excess({ ...used, lut: used.lut / SLACK }, config.limits, 1);
  const at = inRecipe(`/folding/${config.folding}`);
  if (hopeless.length > 0)
    throw new FinnError(
      error('fold/does-not-fit', `the folded network needs about ${excess(used, config.limits, 1).join(', ')}`, {
        at,
        hint: 'fold further (smaller pe and simd), or use a larger board',
      }),
    );
  const tight = excess(used, config.limits, 1);
  if (tight.length > 0)
    report(warning('fold/does-not-fit', `the estimate exceeds the board: ${tight.join(', ')}`, { at }));
}

interface Fifos {
  readonly sizing: 'analytic' | 'none';
  readonly depths: Readonly<Record<string, number>>;
}

/**
 * Width converters and FIFOs between the layers; depths that the recipe or a FINN file gives replace what is found. The run
 * is that of the schedules with the depths that were found, undefined if others were given.
 */
function connect(
  folded: Graph,
  fifos: Fifos,
  finnDepths: ReadonlyMap<number, number> | undefined,
  ultra: boolean,
): { readonly graph: Graph; readonly run: TokenRun | undefined } {
  const matched = passes.fold.matchWidths(folded);
  const count = edgesOf(matched).length;
  const given = Array.from({ length: count }, (_, i) => fifos.depths[`StreamingFIFO_${i}`] ?? finnDepths?.get(i));
  const all = given.every((depth) => depth !== undefined);
  const found =
    fifos.sizing === 'analytic' && !all
      ? passes.fold.sizeFifos(matched)
      : { depths: new Array<number>(count).fill(LEAST_DEPTH), run: undefined };
  const depths = found.depths.map((depth, i) => given[i] ?? depth);
  const none = given.every((depth) => depth === undefined);
  return { graph: passes.fold.insertFifos(matched, depths, ultra), run: none ? found.run : undefined };
}

/** A layer by itself: its streams are the graph's inputs and outputs. */
function alone(layer: Layer, name: string): Graph {
  const inputs = layer.inputs.map((value, i) =>
    value && value.kind !== 'constant' ? input(`in${i}`, value.type) : value,
  );
  const made = makeNode(layer.op, inputs, layer.attrs, layer.origin, layer.types.length);
  return {
    name,
    inputs: inputs.filter((value) => value?.kind === 'input'),
    outputs: made.types.map((_, index) => ({ name: `out${index}`, value: output(made, index) })),
  };
}

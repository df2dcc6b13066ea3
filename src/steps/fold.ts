import { error, FinnError, fail, inNetwork, inRecipe, warning } from '../diagnostics/diagnostic.ts';
import type { Files } from '../engine/artifact.ts';
import { type Graph, input, node as makeNode, output } from '../ir/graph.ts';
import type { Device, Layer } from '../operators/operator.ts';
import { totalResources } from '../passes/fold/estimate.ts';
import { layersOf } from '../passes/fold/names.ts';
import { passes } from '../passes/index.ts';
import { toNumber } from '../util/rational.ts';
import { dataflow, estimate, foldedLayers, layers } from './artifacts.ts';
import { connect, excess, type FoldConfig, foldLayers, match } from './folding.ts';
import { readNamed } from './model.ts';
import { buildStep } from './step.ts';

const utf8 = new TextEncoder();
/** Reports as FINN writes them: keys in their own order, two spaces. */
export const pretty = (value: unknown): Uint8Array => utf8.encode(`${JSON.stringify(value, null, 2)}\n`);

export const fold = buildStep({
  name: 'fold',
  doc: 'Chooses parallelism, memory and widths; puts width converters and FIFOs between the layers; estimates.',
  needs: { layers },
  makes: { dataflow, foldedLayers, estimate },
  aside: true,
  config: ({ build, recipe }): FoldConfig => {
    const { folding, target } = build;
    const { fifos } = recipe.steps.stitch;
    const { resources } = target.board;
    return {
      folding: folding.name,
      choose: folding.choose,
      layers: Object.fromEntries(
        [...folding.layers].map(([name, { pe, simd, memory, ...rest }]) => [name, { pe, simd, memory, ...rest }]),
      ),
      file: folding.file !== undefined,
      fifos: { sizing: fifos.sizing, depths: Object.fromEntries(fifos.depths) },
      family: target.board.family,
      limits: {
        lut: resources.lut,
        ff: resources.ff,
        bram: resources.bram,
        uram: resources.uram ?? 0,
        dsp: resources.dsp,
      },
      clockMhz: toNumber(target.clockMhz),
      bitfile: build.outputs.includes('bitfile'),
    };
  },
  async sources({ build: { folding } }, host) {
    return folding.file === undefined ? {} : { [FILE]: await readNamed(host, folding.file, folding.at) };
  },
  async run({ layers: graph }, { config, sources, note, report }) {
    const device: Device = { family: config.family };
    const folded = foldLayers(graph, config, sources[FILE], false, note);
    for (const one of folded.warnings) report(one);
    const { graph: made, run: sized } = connect(folded.graph, config, folded.fifoDepths);
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
        ...asFiles(performance),
        'auto_folding_config.json': pretty(passes.fold.finnConfig(made, false)),
        'final_hw_config.json': pretty(passes.fold.finnConfig(made, true)),
      },
    };
  },
});

/** What the FINN folding file is called among the sources. */
const FILE = 'folding.json';

const asFiles = (reports: Readonly<Record<string, unknown>>): Files =>
  Object.fromEntries(Object.entries(reports).map(([name, value]) => [`report/${name}`, pretty(value)]));

/**
 * The estimate reports without FIFOs, in the milliseconds that are left when those need not be sized: a frame's interval and
 * latency are bounds. `sources` are those that fold reads. FinnError with what fold would refuse, as far as it shows here.
 */
export function quickEstimate(graph: Graph, config: FoldConfig, sources: Readonly<Record<string, Uint8Array>>): Files {
  const device: Device = { family: config.family };
  const made = match(foldLayers(graph, config, sources[FILE], true).graph);
  checkDevice(made, device, config, () => {});
  return asFiles(passes.fold.estimateReports(made, device, config.clockMhz, 'unplayed'));
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

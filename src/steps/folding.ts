import type { Board } from '../config/board.ts';
import type { Folding as Wish } from '../config/model.ts';
import { error, FinnError, inRecipe, type warning } from '../diagnostics/diagnostic.ts';
import type { Graph } from '../ir/graph.ts';
import type { Device, Resources } from '../operators/operator.ts';
import { edgesOf, LEAST_DEPTH } from '../passes/fold/connect.ts';
import { totalResources } from '../passes/fold/estimate.ts';
import { layersOf } from '../passes/fold/names.ts';
import type { Folding, Request } from '../passes/fold/parallelize.ts';
import type { TokenRun } from '../passes/fold/tokens.ts';
import { passes } from '../passes/index.ts';
import { type PassContext, runPlugged } from '../passes/plugged.ts';

/** What of recipe and board says how a network is folded. */
export interface FoldConfig {
  /** Name of the folding in the recipe. */
  readonly folding: string;
  readonly choose: Wish['choose'];
  readonly layers: Readonly<Record<string, Readonly<Record<string, number | string | undefined>>>>;
  /** Is there a FINN folding file? */
  readonly file: boolean;
  readonly fifos: Fifos;
  readonly family: Device['family'];
  readonly limits: Limits;
  readonly clockMhz: number;
  /** Is a bitstream asked for, so that the circuit has to fit? */
  readonly bitfile: boolean;
}

export interface Fifos {
  readonly sizing: 'analytic' | 'none';
  readonly depths: Readonly<Record<string, number>>;
}

/** What of a device limits a circuit. */
export type Limits = Pick<Board['resources'], 'lut' | 'ff' | 'bram' | 'dsp'> & { readonly uram: number };

/** A graph whose layers are as parallel as they are to be: nothing is between them yet. */
export interface Folded {
  readonly graph: Graph;
  /** Depths that the FINN file gives, by edge. */
  readonly fifoDepths: ReadonlyMap<number, number> | undefined;
  readonly warnings: readonly ReturnType<typeof warning>[];
}

/**
 * Gives every layer the parallelism that is asked for or chosen. What is chosen as the fastest that fits is `weighed` with the least
 * FIFOs, and unless `quick` says that this will do, `proved` with all that it needs, which can take seconds. FinnError
 * with what contradicts the layers or the device.
 */
export function foldLayers(
  given: Graph,
  config: FoldConfig,
  file: Uint8Array | undefined,
  quick: boolean,
  note: PassContext['note'] = () => {},
): Folded {
  const layers = runPlugged('before fold', given, { note });
  const pointer = `/folding/${config.folding}`;
  const read = file
    ? passes.fold.readFinnFolding(
        new TextDecoder().decode(file),
        'the folding file',
        layers,
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
  const resolved = passes.fold.resolveRequests(layers, [...(read?.requests ?? []), ...explicit]);
  const wrong = [...(read?.diagnostics ?? []), ...resolved.diagnostics];
  if (wrong.length > 0) throw new FinnError(...wrong);

  const before = [...layersOf(layers).values()];
  const asked = (folded: Graph): Folding =>
    new Map(
      [...layersOf(folded).values()].flatMap((layer, i) => {
        const attributes = resolved.folding.get(before[i]!);
        return attributes ? [[layer, attributes] as const] : [];
      }),
    );
  const named = (folded: Graph): Graph => passes.fold.applyFolding(folded, asked(folded));
  const settled = (folded: Graph): Graph => passes.fold.meetDemands(named(folded));
  const fifoDepths = read?.fifoDepths;
  // Candidates are weighed with the least FIFOs, which takes no time; what is chosen is weighed with all that it needs.
  const weigh = (folded: Graph): Graph =>
    connect(settled(folded), { ...config, fifos: { ...config.fifos, sizing: 'none' } }, fifoDepths).graph;
  const prove = quick ? weigh : (folded: Graph): Graph => connect(settled(folded), config, fifoDepths).graph;
  const wanted = named(passes.fold.applyFolding(layers, choose(layers, config, weigh, prove)));
  const contradicted = passes.fold.contradictions(wanted, asked(wanted));
  if (contradicted.length > 0) throw new FinnError(...contradicted);
  const graph = runPlugged('after fold', passes.fold.meetDemands(wanted), { note });
  return { graph, fifoDepths, warnings: read?.warnings ?? [] };
}

/** Types as narrow as they can be, and a width converter wherever two layers differ: all but the FIFOs. */
export const match = (folded: Graph): Graph => passes.fold.matchWidths(passes.fold.narrow(folded));

/**
 * Narrow types, width converters and FIFOs between the layers; depths that the recipe or a FINN file gives replace what is
 * found. The run is that of the schedules with the depths that were found, undefined if others were given.
 */
export function connect(
  folded: Graph,
  { fifos, limits }: Pick<FoldConfig, 'fifos' | 'limits'>,
  finnDepths: ReadonlyMap<number, number> | undefined,
): { readonly graph: Graph; readonly run: TokenRun | undefined } {
  const matched = match(folded);
  const count = edgesOf(matched).length;
  const given = Array.from({ length: count }, (_, i) => fifos.depths[`StreamingFIFO_${i}`] ?? finnDepths?.get(i));
  const all = given.every((depth) => depth !== undefined);
  const found =
    fifos.sizing === 'analytic' && !all
      ? passes.fold.sizeFifos(matched)
      : { depths: new Array<number>(count).fill(LEAST_DEPTH), run: undefined };
  const depths = found.depths.map((depth, i) => given[i] ?? depth);
  const none = given.every((depth) => depth === undefined);
  return { graph: passes.fold.insertFifos(matched, depths, limits.uram > 0), run: none ? found.run : undefined };
}

/** What the recipe leaves to finn to choose. */
function choose(
  layers: Graph,
  { choose: by, clockMhz, limits, folding, family }: FoldConfig,
  weigh: (folded: Graph) => Graph,
  prove: (folded: Graph) => Graph,
): Folding {
  if (!by) return new Map();
  if (by.by === 'target-fps')
    // FINN: int(1e9 / clock period in ns / fps)
    return passes.fold.foldForRate(layers, {
      cycles: Math.floor((clockMhz * 1e6) / by.fps),
      widthMax: by.mvauWwidthMax,
      twoPass: by.twoPass,
    });
  const device: Device = { family };
  const within = (folded: Graph): boolean => excess(totalResources(folded, device), limits, by.resources).length === 0;
  const chosen = passes.fold.foldToFit(
    layers,
    (folded) => within(weigh(folded)),
    (folded) => within(prove(folded)),
  );
  if (chosen) return chosen;
  const least = totalResources(prove(layers), device);
  throw new FinnError(
    error(
      'fold/does-not-fit',
      `even at one element a cycle the network needs ${excess(least, limits, by.resources).join(', ')}`,
      {
        at: inRecipe(`/folding/${folding}`),
        hint: 'use a larger board, a smaller network, or a larger share of the board (`resources`)',
      },
    ),
  );
}

/** Which resources exceed `share` of the limits, in words. */
export function excess(used: Resources, limits: Limits, share: number): string[] {
  const over = (name: string, n: number, most: number | undefined) =>
    most !== undefined && n > most * share ? [`${Math.ceil(n)} of ${Math.floor(most * share)} ${name}`] : [];
  return [
    ...over('LUT', used.lut, limits.lut),
    ...over('block RAM', used.bram, limits.bram),
    ...over('UltraRAM', used.uram ?? 0, limits.uram),
    ...over('DSP', used.dsp, limits.dsp),
  ];
}

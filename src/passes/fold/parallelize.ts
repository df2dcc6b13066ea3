import { type Diagnostic, error, inNetwork, type Location } from '../../diagnostics/diagnostic.ts';
import { didYouMean } from '../../diagnostics/suggest.ts';
import { type Graph, node as makeNode, type Node, output } from '../../ir/graph.ts';
import { rewrite } from '../../ir/rewrite.ts';
import type { Layer } from '../../operators/operator.ts';
import { divisors } from '../../util/maths.ts';
import { isLayer, layersOf, writerOf } from './names.ts';

/** Attributes to set on layers, by layer. */
export type Folding = ReadonlyMap<Layer, Readonly<Record<string, number | string>>>;

/** The layer with other attributes; its types are inferred anew. */
export function withAttributes(layer: Layer, attributes: Readonly<Record<string, unknown>>): Layer {
  const made = makeNode(layer.op, layer.inputs, { ...layer.attrs, ...attributes }, layer.origin, layer.types.length);
  return made as Node as Layer;
}

type Attributes = Readonly<Record<string, number>>;

/** Everything at one element a cycle. */
const slowest = (layer: Layer): Record<string, number> =>
  Object.fromEntries(Object.keys(layer.op.parallel(layer)).map((key) => [key, 1]));

/** Cycles by attributes, which the search asks for again and again. */
const known = new WeakMap<Layer, Map<string, number>>();

/** Cycles of the layer with these attributes, or of the layer in front of it with those that they demand, if that takes longer. */
function cyclesWith(layer: Layer, attributes: Attributes): number {
  const seen = known.get(layer) ?? new Map<string, number>();
  known.set(layer, seen);
  const key = JSON.stringify(attributes);
  const before = seen.get(key);
  if (before !== undefined) return before;
  const folded = withAttributes(layer, attributes);
  const demanded = demandOf(folded);
  const cycles = Math.max(layer.op.cycles(folded), demanded ? cyclesWith(demanded.layer, demanded.attributes) : 0);
  seen.set(key, cycles);
  return cycles;
}

/** What a layer demands of the layer in front of it, and that layer; undefined if nothing. */
function demandOf(layer: Layer): { readonly layer: Layer; readonly attributes: Attributes } | undefined {
  const attributes = layer.op.demands?.(layer);
  const [first] = layer.inputs;
  const writer = attributes && first ? writerOf(first)?.layer : undefined;
  return writer && Object.keys(attributes!).every((key) => key in writer.op.fields)
    ? { layer: writer, attributes: attributes! }
    : undefined;
}

/** Attributes that layers have because of the layers behind them, of a graph whose other attributes are settled. */
export function demandedFolding(graph: Graph): Folding {
  const folding = new Map<Layer, Attributes>();
  for (const layer of layersOf(graph).values()) {
    const demanded = demandOf(layer);
    if (demanded) folding.set(demanded.layer, demanded.attributes);
  }
  return folding;
}

/** The graph with every layer's demands met. */
export const meetDemands = (graph: Graph): Graph => applyFolding(graph, demandedFolding(graph));

/** Where requests contradict what the layers behind demand, with the attributes that all have by now. */
export function contradictions(graph: Graph, requested: Folding): Diagnostic[] {
  const names = new Map([...layersOf(graph)].map(([name, layer]) => [layer, name]));
  return [...names].flatMap(([reader, name]) => {
    const demanded = demandOf(reader);
    if (!demanded) return [];
    const asked = requested.get(demanded.layer) ?? {};
    const wrong = Object.entries(demanded.attributes).filter(
      ([key, value]) => key in asked && Number(asked[key]) !== value,
    );
    if (wrong.length === 0) return [];
    const writer = names.get(demanded.layer)!;
    const own = Object.keys(reader.op.parallel(reader)).map((key) => `${key} ${reader.attrs[key]}`);
    return [
      error(
        'fold/demand',
        `'${writer}': ${wrong.map(([key]) => `${key}: ${asked[key]}`).join(', ')}, but ${name} behind it, with ${own.join(' and ')}, needs ${wrong.map(([key, value]) => `${key}: ${value}`).join(', ')}`,
        {
          at: inNetwork(demanded.layer.origin),
          hint: `leave ${wrong.map(([key]) => key).join(' and ')} of ${writer} out: it follows from ${name}`,
        },
      ),
    ];
  });
}

/**
 * FINN's SetFolding for one layer: raise each attribute through the divisors of its extent until the layer takes
 * strictly fewer than `target` cycles; SIMD stops before its weight stream is wider than `widthMax` bits.
 */
function foldLayer(layer: Layer, target: number, widthMax: number): Attributes {
  let chosen: Attributes = slowest(layer);
  for (const [key, extent] of Object.entries(layer.op.parallel(layer))) {
    const bits = key === 'simd' ? layer.op.weightBits?.(layer) : undefined;
    for (const value of divisors(extent)) {
      const before = chosen;
      chosen = { ...chosen, [key]: value };
      if (cyclesWith(layer, chosen) < target) break;
      if (bits !== undefined && bits * value > widthMax) {
        chosen = before;
        break;
      }
    }
  }
  for (const more of layer.op.beyond?.(withAttributes(layer, chosen)) ?? []) {
    if (cyclesWith(layer, chosen) < target) break;
    chosen = { ...chosen, ...more };
  }
  return chosen;
}

export interface RateTarget {
  /** Cycles of one frame that every layer should stay below. */
  readonly cycles: number;
  /** Widest weight stream in bits (FINN's mvau_wwidth_max); Infinity for no cap. */
  readonly widthMax: number;
  /** Fold again at the bottleneck's pace where the target was missed, which saves area elsewhere. */
  readonly twoPass: boolean;
}

/**
 * Folding for a frame rate, by FINN's choice (finn-facts B.4) but for our cycles. Layers whose order follows from the layer behind
 * them get their attributes from that.
 */
export function foldForRate(graph: Graph, target: RateTarget): Folding {
  const layers = [...layersOf(graph).values()];
  const followers = new Set(demandedFolding(graph).keys());
  const at = (cycles: number): Folding => {
    const folding = new Map<Layer, Attributes>();
    for (const layer of layers)
      if (!followers.has(layer)) folding.set(layer, foldLayer(layer, cycles, target.widthMax));
    return folding;
  };
  const first = at(target.cycles);
  const achieved = slowestCycles(first);
  return target.twoPass && achieved > target.cycles ? at(achieved) : first;
}

const slowestCycles = (folding: Folding): number =>
  Math.max(0, ...[...folding].map(([layer, attributes]) => cyclesWith(layer, attributes as Attributes)));

/** Paces closer than this share of themselves are taken as one where there are many. */
const apart = 0.01;
const many = 200;

/** All paces, in cycles, that some layer can have; in large networks not more of them than differ noticeably. */
function pacesOf(layers: readonly Layer[]): number[] {
  const paces = new Set<number>();
  for (const layer of layers) {
    const extents = Object.values(layer.op.parallel(layer));
    const total = cyclesWith(layer, slowest(layer));
    for (const a of divisors(extents[0] ?? 1))
      for (const b of divisors(extents[1] ?? 1)) paces.add(Math.ceil(total / (a * b)));
  }
  const sorted = [...paces].sort((a, b) => a - b);
  if (sorted.length <= many) return sorted;
  const thinned: number[] = [];
  // The last of those that are close: it is a pace that the others fit under.
  for (const [i, pace] of sorted.entries())
    if (i + 1 === sorted.length || sorted[i + 1]! > (thinned.at(-1) ?? 0) * (1 + apart)) thinned.push(pace);
  return thinned;
}

/**
 * The fastest folding that `fits` and `stands`: the target is lowered from one frame a cycle until it does. `fits` is asked
 * often, `stands` once for each folding that fits.
 */
export function foldToFit(
  graph: Graph,
  fits: (folded: Graph) => boolean,
  stands: (folded: Graph) => boolean = () => true,
): Folding | undefined {
  const sorted = pacesOf([...layersOf(graph).values()]);
  // "Strictly below": a pace is met by targeting one more than it. Cost is not monotone in the pace, so bisection
  // finds a start and the walk up from it takes the first that fits.
  const foldingAt = (i: number): Folding =>
    foldForRate(graph, { cycles: sorted[i]! + 1, widthMax: Infinity, twoPass: true });
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (fits(applyFolding(graph, foldingAt(middle)))) high = middle;
    else low = middle + 1;
  }
  for (let i = Math.max(0, low); i < sorted.length; i += 1) {
    const folding = foldingAt(i);
    const folded = applyFolding(graph, folding);
    if (fits(folded) && stands(folded)) return folding;
  }
  return undefined;
}

/** The graph with every layer's attributes set. */
export function applyFolding(graph: Graph, folding: Folding): Graph {
  return rewrite(graph, (node, old) => {
    const attributes = isLayer(old) ? folding.get(old) : undefined;
    if (!attributes || !isLayer(node)) return undefined;
    const made = withAttributes(node, attributes);
    return made.types.map((_, index) => output(made, index));
  });
}

export interface Request {
  /** Layer name (MVAU_0) or the ONNX node's own name. */
  readonly name: string;
  readonly attributes: Readonly<Record<string, number | string>>;
  readonly at?: Location | undefined;
}

/** Checks explicit requests against the layers; what is wrong comes back as diagnostics, all of it. */
export function resolveRequests(
  graph: Graph,
  requests: readonly Request[],
): { folding: Folding; diagnostics: Diagnostic[] } {
  const layers = layersOf(graph);
  const byOrigin = new Map<string, Layer[]>();
  for (const layer of layers.values())
    for (const origin of layer.origin) byOrigin.set(origin, [...(byOrigin.get(origin) ?? []), layer]);
  const folding = new Map<Layer, Record<string, number | string>>();
  const diagnostics: Diagnostic[] = [];
  for (const { name, attributes, at } of requests) {
    const layer = layers.get(name) ?? (byOrigin.get(name)?.length === 1 ? byOrigin.get(name)![0] : undefined);
    if (!layer) {
      const many = byOrigin.get(name);
      diagnostics.push(
        error(
          'fold/no-such-layer',
          many
            ? `'${name}' is ${many.length} layers: ${many.map((one) => [...layers].find(([, l]) => l === one)![0]).join(', ')}`
            : `the network has no layer '${name}'`,
          { at, hint: didYouMean(name, [...layers.keys(), ...byOrigin.keys()], 'layers') },
        ),
      );
      continue;
    }
    const extents = layer.op.parallel(layer);
    const set = folding.get(layer) ?? {};
    for (const [key, value] of Object.entries(attributes)) {
      const field = layer.op.fields[key];
      const extent = extents[key];
      if (!field) {
        diagnostics.push(
          error('fold/no-such-attribute', `${layer.op.name} layers have no '${key}'`, {
            at,
            hint: `legal: ${Object.keys(layer.op.fields).join(', ')}`,
          }),
        );
      } else if (extent !== undefined && (typeof value !== 'number' || value < 1 || extent % value !== 0)) {
        diagnostics.push(
          error('fold/does-not-divide', `'${name}': ${key}: ${value} does not divide ${extent}`, {
            at,
            also: [{ message: 'this layer of the network', at: inNetwork(layer.origin) }],
            hint: `use one of ${divisors(extent).join(', ')}`,
          }),
        );
      } else if (field.choices && !field.choices.includes(String(value))) {
        diagnostics.push(
          error('fold/no-such-choice', `'${name}': ${key} cannot be '${value}'`, {
            at,
            hint: `one of ${field.choices.join(', ')}`,
          }),
        );
      } else set[key] = value;
    }
    folding.set(layer, set);
  }
  return { folding, diagnostics };
}

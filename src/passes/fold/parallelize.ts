import { type Diagnostic, error, inNetwork, type Location } from '../../diagnostics/diagnostic.ts';
import { didYouMean } from '../../diagnostics/suggest.ts';
import { type Graph, node as makeNode, type Node, output } from '../../ir/graph.ts';
import { rewrite } from '../../ir/rewrite.ts';
import type { Layer } from '../../operators/operator.ts';
import { divisors } from '../../util/maths.ts';
import { isLayer, layersOf } from './names.ts';

/** Attributes to set on layers, by layer. */
export type Folding = ReadonlyMap<Layer, Readonly<Record<string, number | string>>>;

/** The layer with other attributes; its types are inferred anew. */
export function withAttributes(layer: Layer, attributes: Readonly<Record<string, unknown>>): Layer {
  const made = makeNode(layer.op, layer.inputs, { ...layer.attrs, ...attributes }, layer.origin, layer.types.length);
  return made as Node as Layer;
}

/** Everything at one element a cycle. */
const slowest = (layer: Layer): Record<string, number> =>
  Object.fromEntries(Object.keys(layer.op.parallel(layer)).map((key) => [key, 1]));

/**
 * FINN's SetFolding for one layer: raise each attribute through the divisors of its extent until the layer takes
 * strictly fewer than `target` cycles; SIMD stops before its weight stream is wider than `widthMax` bits.
 */
function foldLayer(layer: Layer, target: number, widthMax: number): Record<string, number> {
  const chosen = slowest(layer);
  for (const [key, extent] of Object.entries(layer.op.parallel(layer))) {
    const bits = key === 'simd' ? layer.op.weightBits?.(layer) : undefined;
    for (const value of divisors(extent)) {
      const before = chosen[key]!;
      chosen[key] = value;
      if (layer.op.cycles(withAttributes(layer, chosen)) < target) break;
      if (bits !== undefined && bits * value > widthMax) {
        chosen[key] = before;
        break;
      }
    }
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

/** Folding for a frame rate, by FINN's choice (finn-facts B.4). */
export function foldForRate(graph: Graph, target: RateTarget): Folding {
  const layers = [...layersOf(graph).values()];
  const at = (cycles: number): Folding =>
    new Map(layers.map((layer) => [layer, foldLayer(layer, cycles, target.widthMax)]));
  const first = at(target.cycles);
  const achieved = slowestCycles(first);
  return target.twoPass && achieved > target.cycles ? at(achieved) : first;
}

const slowestCycles = (folding: Folding): number =>
  Math.max(0, ...[...folding].map(([layer, attributes]) => layer.op.cycles(withAttributes(layer, attributes))));

/** The fastest folding whose cost `fits`: the target is lowered from one frame a cycle until it does. */
export function foldToFit(graph: Graph, fits: (folded: Graph) => boolean): Folding | undefined {
  const layers = [...layersOf(graph).values()];
  const paces = new Set<number>();
  for (const layer of layers) {
    const extents = Object.values(layer.op.parallel(layer));
    const total = layer.op.cycles(withAttributes(layer, slowest(layer)));
    for (const a of divisors(extents[0] ?? 1)) for (const b of divisors(extents[1] ?? 1)) paces.add(total / (a * b));
  }
  const sorted = [...paces].sort((a, b) => a - b);
  // "Strictly below": a pace is met by targeting one more than it. Cost is not monotone in the pace, so bisection
  // finds a start and the walk up from it takes the first that fits.
  const tryAt = (i: number) => {
    const folding = foldForRate(graph, { cycles: sorted[i]! + 1, widthMax: Infinity, twoPass: true });
    return fits(applyFolding(graph, folding)) ? folding : undefined;
  };
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (tryAt(middle)) high = middle;
    else low = middle + 1;
  }
  for (let i = Math.max(0, low); i < sorted.length; i += 1) {
    const folding = tryAt(i);
    if (folding) return folding;
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

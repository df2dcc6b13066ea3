import { apply, type Graph, node as makeNode, type Node, output, type Value } from '../../ir/graph.ts';
import { rewrite } from '../../ir/rewrite.ts';
import { sizeOf } from '../../ir/tensor.ts';
import { nodesOf } from '../../ir/traverse.ts';
import { fifo, fifoLatency, fillsUltra, maximumDepth, widthConverter } from '../../operators/index.ts';
import { layerOf } from '../../operators/layer.ts';
import type { Layer } from '../../operators/operator.ts';
import { gcd, lcm } from '../../util/maths.ts';
import { isLayer, layersOf, writerOf } from './names.ts';
import { withAttributes } from './parallelize.ts';
import { type Sized, smallestDepths } from './sizing.ts';
import type { Capacity, Stage } from './tokens.ts';

/** A stream between two layers: which output of which layer feeds which input of which. */
export interface Edge {
  readonly from: Layer;
  readonly fromPort: number;
  readonly to: Layer;
  readonly toPort: number;
}

/** Inputs of a layer that are streams, in the order of its input ports; constants are inside it. */
export const streamInputs = (layer: Layer): Value[] =>
  layer.inputs.filter((value): value is Value => value !== undefined && value.kind !== 'constant');

/** All streams between layers, by reader. */
export function edgesOf(graph: Graph): Edge[] {
  const edges: Edge[] = [];
  for (const to of nodesOf(graph)) {
    if (!isLayer(to)) continue;
    streamInputs(to).forEach((value, toPort) => {
      const writer = writerOf(value);
      if (writer) edges.push({ from: writer.layer, fromPort: writer.port, to, toPort });
    });
  }
  return edges;
}

const portsOf = (layer: Layer, direction: 'in' | 'out') =>
  layer.op.streams(layer).filter((port) => port.direction === direction);

/** Bits beyond which a converter's wide register, of the least common multiple of its lanes, is too much. */
const WIDEST = 4096;

/**
 * A width converter wherever a reader takes another number of lanes than the writer gives (finn-facts B.6). Where their least common
 * multiple is too wide, two: over the greatest common divisor, if that is no slower than the slowest layer.
 */
export function matchWidths(graph: Graph): Graph {
  const pace = paceOf(graph);
  const over = (value: Value, from: number, to: number): readonly number[] => {
    const { dtype, shape } = value.type;
    const narrow = gcd(from, to);
    return lcm(from, to) * dtype.bits > WIDEST && narrow < Math.min(from, to) && sizeOf(shape) / narrow <= pace
      ? [from, narrow, to]
      : [from, to];
  };
  return rewrite(graph, (node) => {
    if (!isLayer(node)) return undefined;
    const ports = portsOf(node, 'in');
    let port = 0;
    let changed = false;
    const inputs = node.inputs.map((value) => {
      if (!value || value.kind === 'constant') return value;
      const wanted = ports[port++]!.lanes;
      const writer = writerOf(value);
      if (!writer) return value;
      const given = portsOf(writer.layer, 'out')[writer.port]!.lanes;
      if (given === wanted) return value;
      changed = true;
      const lanes = over(value, given, wanted);
      return lanes
        .slice(1)
        .reduce<Value>(
          (converted, outLanes, i) => apply(widthConverter, [converted], { inLanes: lanes[i]!, outLanes }, node.origin),
          value,
        );
    });
    return changed ? onInputs(node, inputs) : undefined;
  });
}

/** Cycles of the slowest layer. */
export const paceOf = (graph: Graph): number =>
  Math.max(1, ...[...layersOf(graph).values()].map((layer) => layer.op.cycles(layer)));

/** The outputs of a layer on other inputs. */
function onInputs(layer: Layer, inputs: Node['inputs']): Value[] {
  const made = makeNode(layer.op, inputs, layer.attrs, layer.origin, layer.types.length) as Node;
  return made.types.map((_, index) => output(made, index));
}

/** What a queue's schedule says of it: a beat can go one cycle after it came if it passes no registers, and one more for each. */
export const queueOf = (layer: Layer): Capacity => ({
  depth: layer.op.capacity!(layer),
  latency: 1 + layer.op.schedule(layer).depth,
});

/**
 * Token schedules and edges of a graph of layers, for sizing and for estimates. Queues are no stages: they are the edges'
 * `queues`; an edge without one holds all there is.
 */
export function stagesOf(graph: Graph): { stages: Stage[]; edges: Edge[]; queues: Capacity[] } {
  const all = edgesOf(graph);
  const intoQueue = new Map(all.filter(({ to }) => to.op.capacity).map((edge) => [edge.to, edge]));
  const edges: Edge[] = [];
  const queues: Capacity[] = [];
  for (const edge of all) {
    if (edge.to.op.capacity) continue;
    const queue = intoQueue.get(edge.from);
    edges.push(queue ? { ...edge, from: queue.from, fromPort: queue.fromPort } : edge);
    queues.push(queue ? queueOf(edge.from) : { depth: Infinity });
  }
  const stages = [...layersOf(graph)]
    .filter(([, layer]) => !layer.op.capacity)
    .map(([name, layer]): Stage => {
      const ins = portsOf(layer, 'in').map((_, port) => edges.findIndex((e) => e.to === layer && e.toPort === port));
      const outs = portsOf(layer, 'out').map((_, port) =>
        edges.findIndex((e) => e.from === layer && e.fromPort === port),
      );
      return { name, schedule: layer.op.schedule(layer), in: ins, out: outs };
    });
  return { stages, edges, queues };
}

/** Registers that cut the ready path between two layers: two beats. */
export const LEAST_DEPTH = 2;

/**
 * The FIFO depths, by edge as in `edgesOf`, that keep the pace of the slowest layer, by playing the layers' token schedules;
 * and the run with them, where a frame has not too many beats for that: else all FIFOs are of the least depth, and those
 * in front of joins hold a frame.
 */
export function sizeFifos(graph: Graph): Sized {
  const { stages, edges } = stagesOf(graph);
  const pace = paceOf(graph);
  const widths = edges.map(({ from, fromPort }) => portsOf(from, 'out')[fromPort]!.width);
  const latency = (edge: number, depth: number): number => fifoLatency({ depth, bits: depth * widths[edge]! });
  const sized = smallestDepths(stages, { count: edges.length, least: LEAST_DEPTH, latency }, pace);
  if (sized.run) return sized;
  // Nothing was played. Queues that hold a frame cannot deadlock where branches join.
  const depths = sized.depths.map((depth, i) => {
    const { from, fromPort, to } = edges[i]!;
    if (streamInputs(to).length < 2) return depth;
    return Math.min(maximumDepth, Math.max(depth, portsOf(from, 'out')[fromPort]!.beats));
  });
  return { ...sized, depths };
}

/** A FIFO in every stream between layers. `depths` are in the order of `edgesOf`. With `ultra`, UltraRAM where a queue fills it. */
export function insertFifos(graph: Graph, depths: readonly number[], ultra = false): Graph {
  const edges = edgesOf(graph);
  return rewrite(graph, (node, old) => {
    if (!isLayer(node) || !isLayer(old)) return undefined;
    let port = 0;
    let changed = false;
    const inputs = node.inputs.map((value) => {
      if (!value || value.kind === 'constant') return value;
      const toPort = port++;
      const edge = edges.findIndex((e) => e.to === old && e.toPort === toPort);
      const writer = writerOf(value);
      if (edge < 0 || !writer) return value;
      const { lanes } = portsOf(writer.layer, 'out')[writer.port]!;
      changed = true;
      const auto = layerOf(fifo, [value], { depth: depths[edge]!, lanes, memory: 'auto' as const }, old.origin);
      return output(ultra && fillsUltra(auto) ? withAttributes(auto, { memory: 'ultra' }) : auto);
    });
    return changed ? onInputs(node, inputs) : undefined;
  });
}

/** Every layer with types as narrow as its constants allow; readers see the narrower types. */
export function narrow(graph: Graph): Graph {
  return rewrite(graph, (node) => {
    if (!isLayer(node) || !node.op.narrow) return undefined;
    const narrowed = node.op.narrow(node);
    return narrowed === node ? undefined : narrowed.types.map((_, index) => output(narrowed as Node, index));
  });
}

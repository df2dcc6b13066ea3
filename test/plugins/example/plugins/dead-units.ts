import { constant, definePlugin, type Graph, type Node, node, nodesOf, output, readers, type Value } from 'finn';

/** Takes out units that nobody reads: their outgoing weights are all zero, as structured pruning leaves them. */
export const plugin = definePlugin({
  name: 'dead-units',
  passes: [
    {
      name: 'dead-units',
      doc: 'Units of a matrix layer whose outgoing weights are all zero are taken out.',
      at: 'after lower',
      run(graph, { note }) {
        const live = liveUnits(graph);
        for (const [{ origin, types }, units] of live)
          note(`'${origin[0]}' keeps ${units.length} of ${types[0]!.shape.at(-1)} units`);
        return live.size === 0 ? graph : keepOnly(graph, live);
      },
    },
  ],
});

const isMatrix = ({ op }: Node): boolean => op.name === 'MVAU';

/** For each matrix layer with dead units, those that are alive. One is kept in any case. */
function liveUnits(graph: Graph): Map<Node, number[]> {
  const readBy = readers(graph);
  const live = new Map<Node, number[]>();
  for (const layer of nodesOf(graph).filter(isMatrix)) {
    const [reader, ...others] = readBy.get(layer) ?? [];
    if (!reader?.node || others.length > 0 || !isMatrix(reader.node)) continue;
    const [, weights] = reader.node.inputs;
    if (weights?.kind !== 'constant') continue;
    const [units, width] = weights.type.shape as [number, number];
    const isRead = (unit: number): boolean =>
      weights.tensor.data.subarray(unit * width, (unit + 1) * width).some((weight) => weight !== 0);
    const alive = Array.from({ length: units }, (_, unit) => unit).filter(isRead);
    if (alive.length < units) live.set(layer, alive.length > 0 ? alive : [0]);
  }
  return live;
}

/** The graph with only these units: columns of the layer's weights, rows of its thresholds and of its reader's weights. */
function keepOnly(graph: Graph, live: ReadonlyMap<Node, readonly number[]>): Graph {
  const made = new Map<Node, Node>();
  const now = (value: Value): Value => (value.kind === 'node' ? output(made.get(value.node)!, value.index) : value);
  for (const old of nodesOf(graph)) {
    const [x, weights, thresholds, ...rest] = old.inputs;
    const units = live.get(old);
    const inputs = x?.kind === 'node' ? live.get(x.node) : undefined;
    const kept = units
      ? [
          picked(picked(weights, 0, inputs), 1, units),
          thresholds?.type.shape[0] === 1 ? thresholds : picked(thresholds, 0, units),
        ]
      : [picked(weights, 0, inputs), thresholds];
    const all = [x, ...kept, ...rest].slice(0, old.inputs.length).map((value) => value && now(value));
    made.set(old, node(old.op, all, old.attrs, old.origin, old.types.length));
  }
  return { ...graph, outputs: graph.outputs.map(({ name, value }) => ({ name, value: now(value) })) };
}

/** Rows (axis 0) or columns (axis 1) of a constant matrix. */
function picked(value: Value | undefined, axis: 0 | 1, kept: readonly number[] | undefined): Value | undefined {
  if (value?.kind !== 'constant' || !kept) return value;
  const { shape, data, dtype } = value.tensor;
  const [rows, columns] = shape as [number, number];
  const list = (n: number): readonly number[] => Array.from({ length: n }, (_, i) => i);
  const [down, across] = axis === 0 ? [kept, list(columns)] : [list(rows), kept];
  const numbers = down.flatMap((row) => across.map((column) => data[row * columns + column]!));
  return constant({ dtype, shape: [down.length, across.length], data: Float64Array.from(numbers) }, value.name);
}

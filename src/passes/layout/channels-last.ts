import { bug } from '../../diagnostics/diagnostic.ts';
import { type Graph, type InputValue, input, type Node, output, sameValue, type Value } from '../../ir/graph.ts';
import { nodesOf, readers } from '../../ir/traverse.ts';
import { onnx, qonnx } from '../ops.ts';
import { asIs, type Form, fromImage, image, imageShape, inverse, picked, toImage, viewed } from './form.ts';
import type { Layout, LayoutRule } from './layout.ts';
import { remade } from './remade.ts';
import { layoutRules, spatial } from './rules.ts';

/** Ends the origin of a Transpose that brings streams into the network's order, or back, for the node of that name. */
export const ORDER = 'order';

/** The network with its channels last, and how its ends lie. */
export interface ChannelsLast {
  readonly graph: Graph;
  /** By input of the network, the value that the new input is, as a function of the network's own input. */
  readonly inputs: ReadonlyMap<string, (own: Value) => Value>;
  /** By output, the network's own output as a function of the new one. */
  readonly outputs: ReadonlyMap<string, (fresh: Value) => Value>;
}

/**
 * An integer network in circuits' order: pixel after pixel, all channels of one together. Convolutions become padding,
 * windows and matrix products; what only moves elements disappears where order allows it. The ends keep their meaning:
 * the host brings its arrays into order.
 */
export function channelsLast(network: Graph): ChannelsLast {
  const made = new Map<Node, readonly Form[]>();
  const inputs = new Map<InputValue, InputValue>();
  const feeds = new Map<string, (own: Value) => Value>();
  const asImages = imageInputs(network);
  const form = (value: Value): Form => {
    if (value.kind === 'constant') return asIs(value);
    if (value.kind === 'node')
      return made.get(value.node)?.[value.index] ?? bug(`'${value.node.origin[0]}' not yet laid out`);
    if (!asImages.has(value)) return asIs(value);
    let fresh = inputs.get(value);
    if (!fresh) {
      fresh = input(value.name, { dtype: value.type.dtype, shape: imageShape(value.type.shape) });
      inputs.set(value, fresh);
      feeds.set(value.name, (own) => toImage(own, [value.name, 'channels_last']));
    }
    return image(fresh);
  };
  const layoutFor = ({ origin, op }: Node): Layout => {
    const order = [origin[0] ?? op.name, ORDER];
    const layout: Layout = {
      form,
      image(value) {
        const from = form(value);
        return from.kind === 'image' ? from.value : toImage(layout.plain(value), order);
      },
      plain: (value) => unlaid(form(value), value.type.shape, order),
    };
    return layout;
  };
  for (const node of nodesOf(network)) made.set(node, (layoutRules.get(node.op) ?? plainRule)(node, layoutFor(node)));

  const ends = new Map<string, (fresh: Value) => Value>();
  const outputs = network.outputs.map(({ name, value }) => {
    const from = form(value);
    const { shape } = value.type;
    if (from.kind !== 'as-is') ends.set(name, (fresh) => unlaid({ ...from, value: fresh }, shape, [name]));
    return { name, value: from.value };
  });
  const graph = { ...network, inputs: network.inputs.map((value) => inputs.get(value) ?? value), outputs };
  return { graph, inputs: feeds, outputs: ends };
}

/** What lies in some form, as it lies in the network. */
function unlaid(from: Form, shape: readonly number[], origin: readonly string[]): Value {
  switch (from.kind) {
    case 'as-is':
      return from.value;
    case 'image':
      return fromImage(from.value, shape, origin);
    case 'flat':
      return picked(viewed(from.value, shape, origin), inverse(from.order), origin);
  }
}

/** A node that nothing is known of keeps the network's order. */
const plainRule: LayoutRule = (node, layout) => {
  const inputs = node.inputs.map((value) => value && layout.plain(value));
  const same = inputs.every((value, i) => value === node.inputs[i] || (value && sameValue(value, node.inputs[i]!)));
  const fresh = same ? node : remade(node, inputs);
  return fresh.types.map((_, index) => asIs(output(fresh, index)));
};

/** Does the node work on channels, or on pixels? */
function needsImage({ op, inputs, types }: Node): boolean {
  if (spatial.has(op)) return true;
  const others = inputs.flatMap((value) => (value?.kind === 'constant' ? [value.tensor] : []));
  if (op === onnx('ReduceSum')) return others.every(({ data }) => data.every((axis) => axis >= 2 || axis < -1));
  const same = types[0]!.shape.join() === inputs[0]?.type.shape.join();
  const steps = op === qonnx('MultiThreshold');
  return same && others.some(({ data, shape }) => (steps ? shape[0]! > 1 : data.length > 1));
}

/** Inputs of three or four axes that an operation on images reads, through others that keep each element's place. */
function imageInputs(network: Graph): ReadonlySet<Value> {
  const read = readers(network);
  const found = new Set<Value>();
  const nodes = nodesOf(network);
  for (const start of network.inputs) {
    const { length } = start.type.shape;
    if (length !== 3 && length !== 4) continue;
    const queue = nodes.filter((node) => node.inputs.some((value) => value === start));
    for (let node = queue.pop(); node; node = queue.pop()) {
      if (needsImage(node)) {
        found.add(start);
        break;
      }
      if (node.types[0]!.shape.join() !== start.type.shape.join()) continue;
      for (const { node: next } of read.get(node) ?? []) if (next) queue.push(next);
    }
  }
  return found;
}

import { fail, inNetwork } from '../../diagnostics/diagnostic.ts';
import { type Graph, type Node, type Op, output, sameValue } from '../../ir/graph.ts';
import { nodesOf } from '../../ir/traverse.ts';
import { operators } from '../../operators/index.ts';
import type { Lowering } from '../../operators/operator.ts';
import { ORDER } from '../layout/channels-last.ts';
import { layOut } from '../layout/ends.ts';
import { onnx } from '../ops.ts';
import type { Hosted } from '../streamline/hosted.ts';
import { type Split, split } from '../streamline/walk.ts';

/** A network in its three parts, as the network has its axes and as circuits do. */
export interface Divided {
  readonly parts: Split;
  readonly laidOut: Split;
}

/**
 * The network's three parts, with movement and selection that no circuit does left to the host at either end. In the
 * middle they are refused by name, with the operators' reason.
 */
export function divide(network: Graph): Divided {
  const hosted = new Map<string, Hosted>();
  for (;;) {
    const parts = split(network, hosted);
    const laidOut = layOut(parts);
    const found = withoutCircuit(laidOut.core);
    if (found && !hosted.has(found.name)) {
      hosted.set(found.name, found);
      continue;
    }
    checkInputs(network, laidOut.core);
    return { parts, laidOut };
  }
}

/** Operations that need nothing but elements in another place, or choose among them. */
const movable = new Set<Op>(
  [
    ...['Transpose', 'Slice', 'Concat', 'Split', 'Pad', 'Resize', 'Gather', 'Expand', 'SpaceToDepth'],
    ...['TopK', 'ArgMax', 'ReduceSum'],
  ].map(onnx),
);

/** What is asked of a node does not depend on the recipe. */
const asked: Lowering = { options: { standaloneThresholds: false }, sole: () => true };

/** The first such node that no operator takes, by its ONNX name, and why. */
function withoutCircuit(core: Graph): (Hosted & { readonly name: string }) | undefined {
  for (const node of nodesOf(core)) {
    if (!movable.has(node.op) || node.origin[0] === undefined) continue;
    const reason = refusal(node) ?? (node.op === onnx('Split') ? unread(node, core) : undefined);
    if (reason !== undefined) return { name: node.origin[0], reason, hint: hints.get(node.op) };
  }
  return undefined;
}

/** What to write in the middle of a network instead. */
const hints = new Map<Op, string>(
  Object.entries({
    Transpose: 'leave the order of axes as it is between the first and the last layer, or reorder the weights instead',
    Slice:
      'take parts of height and width with steps of 1; let the layer in front compute only the channels that are used',
    Concat: 'join along the channels (axis 1)',
    Split:
      'split along the channels (axis 1), and read every part; let the layer in front compute only those that are used',
    Pad: 'pad height and width; a crop is a Slice',
    Resize: 'enlarge by whole factors; a strided convolution or a pool makes images smaller',
    Gather: 'let the layer in front compute its outputs in this order',
    SpaceToDepth: 'use a convolution with a kernel and strides of its block size',
    ReduceSum: 'reduce over all spatial axes',
  }).map(([name, hint]) => [onnx(name), hint]),
);

/** A stream without a reader would stop the accelerator. */
function unread(node: Node, core: Graph): string | undefined {
  const read = [...core.outputs.map(({ value }) => value), ...nodesOf(core).flatMap(({ inputs }) => inputs)];
  const index = node.types.findIndex((_, i) => !read.some((v) => v && sameValue(v, output(node, i))));
  return index < 0 ? undefined : `nothing reads its output ${index}`;
}

function refusal(node: Node): string | undefined {
  if (node.origin.at(-1) === ORDER)
    return 'it takes its input channel by channel, and streams bring it pixel by pixel: no circuit reorders them';
  const reasons: string[] = [];
  for (const operator of operators) {
    const made = operator.lower?.(node, asked);
    if (made && !('refused' in made)) return undefined;
    if (made) reasons.push(made.refused);
  }
  // Operators count the axes of what they are given.
  const last = node.types[0]!.shape.length === 4 && reasons.some((text) => text.includes('axis'));
  if (last) return `${reasons.join('; ')} (axes as N×H×W×C)`;
  return reasons.length > 0 ? reasons.join('; ') : `finn has no circuit for ${node.op.name}`;
}

/** An accelerator has one input. */
function checkInputs(network: Graph, { inputs }: Graph): void {
  if (inputs.length === 0)
    fail('streamline/unsupported', 'the outputs of the network do not depend on its input', {
      at: inNetwork(network.outputs.map(({ name }) => name)),
      hint: 'look in Netron what its outputs are computed from',
    });
}

import { bug } from '../../diagnostics/diagnostic.ts';
import { evaluate } from '../../ir/evaluate.ts';
import type { Graph, Node } from '../../ir/graph.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { nodesOf } from '../../ir/traverse.ts';
import { foldConstants } from '../../passes/streamline/constants.ts';
import type { Split } from '../../passes/streamline/walk.ts';
import type { Vectors } from '../artifacts.ts';
import { firstDifference, indexOf, mismatch } from './compare.ts';
import { integersOf, type Meeting, type Seen, sumIsRounded, tieDistance } from './near-tie.ts';
import { countOf, frameOf } from './vectors.ts';
import type { Verdict } from './verdict.ts';

/**
 * The integer network against the network: at every quantiser, then at the outputs. Fails with the first element that differs. Where the
 * network itself is within binary32 error of a step, the element counts as a near tie, and both go on from the network's integer:
 * everything behind it is compared all the same.
 */
export function verifyStreamline(network: Graph, split: Split, { inputs }: Vectors, verify: boolean): Verdict {
  if (!verify) return { stage: 'streamline', vectors: 0, elements: 0, nearTies: 0 };
  const meetings = new Map(split.meetings.map((meeting) => [meeting.origin, meeting]));
  const folded = foldConstants(network);
  const vectors = countOf(inputs);
  const found = { elements: 0, nearTies: 0, nearTieDistance: 0 };
  for (let vector = 0; vector < vectors; vector += 1) {
    const x = frameOf(inputs, vector, network.inputs[0]!.type.shape);
    const { seen, outputs } = observe(folded, x, meetings);
    const fed = split.before
      ? evaluate(split.before, new Map([[split.before.inputs[0]!.name, x]]))
      : new Map([[split.core.inputs[0]!.name, x]]);
    const core = evaluateBeside(split.core, fed, (node, made, given) => {
      const name = node.origin.at(-1) ?? '';
      const real = seen.get(name);
      const meeting = meetings.get(name);
      if (
        !real ||
        meeting?.at !== 'quantiser' ||
        !node.types[0]!.dtype.integer ||
        real.tensor.data.length !== made.data.length
      )
        return made;
      const wanted = integersOf(real.tensor, meeting, made);
      found.elements += made.data.length;
      let ties = 0;
      for (let i = 0; i < made.data.length; i += 1) {
        if (wanted.data[i] === made.data[i]) continue;
        const distance = sumIsRounded(node, i, given[0], meetings, seen)
          ? tieDistance(real, i, made.data[i]!, meeting)
          : undefined;
        if (distance === undefined)
          mismatch('streamline', {
            where: `'${name}'`,
            origin: node.origin,
            vector,
            element: indexOf(i, made.shape),
            expected: wanted.data[i]!,
            found: made.data[i]!,
          });
        ties += 1;
        found.nearTieDistance = Math.max(found.nearTieDistance, distance);
      }
      found.nearTies += ties;
      return ties === 0 ? made : { ...wanted, shape: made.shape };
    });
    const result = split.behind ? evaluate(split.behind, core) : core;
    for (const [name, wanted] of outputs) {
      const given = result.get(name)!;
      found.elements += given.data.length;
      const at = firstDifference(wanted, given);
      if (at >= 0)
        mismatch('streamline', {
          where: `output '${name}'`,
          origin: [name],
          vector,
          element: indexOf(at, given.shape),
          expected: wanted.data[at]!,
          found: given.data[at]!,
        });
    }
  }
  const { elements, nearTies, nearTieDistance } = found;
  return { stage: 'streamline', vectors, elements, nearTies, ...(nearTies > 0 && { nearTieDistance }) };
}

/** Runs the network on one vector; what its quantisers take and give, by name, and its outputs. */
function observe(
  network: Graph,
  x: Tensor,
  meetings: ReadonlyMap<string, Meeting>,
): { seen: ReadonlyMap<string, Seen>; outputs: ReadonlyMap<string, Tensor> } {
  const seen = new Map<string, Seen>();
  const values = new Map<Node, readonly Tensor[]>();
  const outputs = evaluate(network, new Map([[network.inputs[0]!.name, x]]), (node, made) => {
    values.set(node, made);
    const name = node.origin[0] ?? '';
    if (!meetings.has(name)) return;
    const given = node.inputs.map((v) =>
      v?.kind === 'node' ? values.get(v.node)![v.index] : v?.kind === 'input' ? x : v?.tensor,
    );
    seen.set(name, { node, tensor: made[0]!, inputs: given });
  });
  return { seen, outputs };
}

/** The graph's outputs, where `replace` may put another tensor in the place of a node's first output. */
function evaluateBeside(
  graph: Graph,
  inputs: ReadonlyMap<string, Tensor>,
  replace: (node: Node, made: Tensor, given: readonly (Tensor | undefined)[]) => Tensor,
): Map<string, Tensor> {
  const values = new Map<Node, readonly Tensor[]>();
  const read = (value: Graph['outputs'][number]['value']): Tensor => {
    if (value.kind === 'constant') return value.tensor;
    const tensor = value.kind === 'input' ? inputs.get(value.name) : values.get(value.node)?.[value.index];
    return tensor ?? bug('a value read before it was made');
  };
  for (const node of nodesOf(graph)) {
    const { origin, types, attrs, op } = node;
    const given = node.inputs.map((value) => value && read(value));
    const [first, ...rest] = op.evaluate(given, attrs, { origin, outputs: types.length, types });
    values.set(node, [replace(node, first!, given), ...rest]);
  }
  return new Map(graph.outputs.map(({ name, value }) => [name, read(value)]));
}

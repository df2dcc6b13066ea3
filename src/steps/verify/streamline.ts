import { evaluate } from '../../ir/evaluate.ts';
import type { Graph } from '../../ir/graph.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { foldConstants } from '../../passes/streamline/constants.ts';
import type { Split } from '../../passes/streamline/walk.ts';
import type { Vectors } from '../artifacts.ts';
import { evaluateBeside } from './beside.ts';
import { firstDifference, indexOf, mismatch } from './compare.ts';
import { exactly, integersOf, type Meetings, type Seen } from './near-tie.ts';
import { countOf, frameOf } from './vectors.ts';
import type { Verdict } from './verdict.ts';

/**
 * The integer network against the network: at every quantiser, then at the outputs. Fails with the first element that
 * differs. Where the network gives the same integer as soon as its sums are exact, the element counts as a near tie, and
 * both go on from the network's integer: everything behind it is compared all the same.
 */
export function verifyStreamline(network: Graph, split: Split, { inputs }: Vectors, verify: boolean): Verdict {
  if (!verify) return { stage: 'streamline', vectors: 0, elements: 0, nearTies: 0 };
  const meetings: Meetings = new Map(split.meetings.map((meeting) => [meeting.origin, meeting]));
  const folded = foldConstants(network);
  const vectors = countOf(inputs);
  let elements = 0;
  let nearTies = 0;
  let nearTieDistance = 0;
  for (let vector = 0; vector < vectors; vector += 1) {
    const x = frameOf(inputs, vector, network.inputs[0]!.type.shape);
    const { seen, outputs } = observe(folded, x, meetings);
    const fed = split.before
      ? evaluate(split.before, new Map([[split.before.inputs[0]!.name, x]]))
      : new Map([[split.core.inputs[0]!.name, x]]);
    const sums = new Map<string, Tensor>();
    const rerun = () => exactly(folded, x, meetings, seen, sums);
    const core = evaluateBeside(split.core, fed, (node, made) => {
      const name = node.origin.at(-1) ?? '';
      const real = seen.get(name)?.tensor;
      const meeting = meetings.get(name);
      if (!real || !meeting || !node.types[0]!.dtype.integer || real.data.length !== made.data.length) return made;
      if (meeting.at === 'product') {
        sums.set(name, made);
        return made;
      }
      const wanted = integersOf(real, meeting, made);
      elements += made.data.length;
      let again: ReturnType<typeof rerun> | undefined;
      for (let i = 0; i < made.data.length; i += 1) {
        if (wanted.data[i] === made.data[i]) continue;
        again ??= rerun();
        const exact = again.quantisers.get(name);
        if (!exact || exact.integers.data[i] !== made.data[i])
          mismatch('streamline', {
            where: `'${name}'`,
            origin: node.origin,
            vector,
            element: indexOf(i, made.shape),
            expected: wanted.data[i]!,
            found: made.data[i]!,
          });
        nearTies += 1;
        nearTieDistance = Math.max(nearTieDistance, exact.distance(i));
      }
      return again ? { ...wanted, shape: made.shape } : made;
    });
    const result = split.behind ? evaluate(split.behind, core) : core;
    for (const [name, wanted] of outputs) {
      const given = result.get(name)!;
      elements += given.data.length;
      const at = firstDifference(wanted, given);
      // What binary32 lost in the last sum may be all that is left of it, or stretched by an activation behind.
      if (at >= 0 && firstDifference(rerun().outputs.get(name)!, given) >= 0)
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
  return { stage: 'streamline', vectors, elements, nearTies, ...(nearTies > 0 && { nearTieDistance }) };
}

/** The integer network in the order of streams against the one in the network's order, from the same inputs to the same outputs. */
export function verifyLayout(split: Split, laidOut: Split, { inputs }: Vectors): void {
  const [first] = (split.before ?? split.core).inputs;
  for (let vector = 0; vector < countOf(inputs); vector += 1) {
    const given = new Map([[first!.name, frameOf(inputs, vector, first!.type.shape)]]);
    const [wanted, found] = [split, laidOut].map(({ before, core, behind }) => {
      const made = evaluate(core, before ? evaluate(before, given) : given);
      return behind ? evaluate(behind, made) : made;
    });
    for (const [name, expected] of wanted!) {
      const other = found!.get(name)!;
      const at = expected.data.findIndex((v, i) => !Object.is(v, other.data[i]));
      if (at < 0) continue;
      const element = indexOf(at, expected.shape);
      const values = { expected: expected.data[at]!, found: other.data[at]! };
      mismatch('streamline', { where: `output '${name}', channels last,`, origin: [name], vector, element, ...values });
    }
  }
}

/** Runs the network on one vector; what its quantisers and products take and give, by name, and its outputs. */
function observe(
  network: Graph,
  x: Tensor,
  meetings: Meetings,
): { seen: ReadonlyMap<string, Seen>; outputs: ReadonlyMap<string, Tensor> } {
  const seen = new Map<string, Seen>();
  const outputs = evaluateBeside(network, new Map([[network.inputs[0]!.name, x]]), (node, made, inputs) => {
    const name = node.origin[0] ?? '';
    if (meetings.has(name)) seen.set(name, { node, tensor: made, inputs });
    return made;
  });
  return { seen, outputs };
}

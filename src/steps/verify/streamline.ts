import { evaluate } from '../../ir/evaluate.ts';
import type { Graph, Node } from '../../ir/graph.ts';
import { type Tensor, tensor } from '../../ir/tensor.ts';
import { nodesOf } from '../../ir/traverse.ts';
import type { Split } from '../../passes/streamline/walk.ts';
import type { Vectors } from '../artifacts.ts';
import { firstDifference, indexOf, mismatch } from './compare.ts';
import { countOf, frameOf } from './vectors.ts';
import type { Verdict } from './verdict.ts';

interface Seen {
  readonly node: Node;
  readonly tensor: Tensor;
  readonly inputs: ReadonlyMap<number, Tensor>;
}

/** The integer network against the network: at every quantiser, then at the outputs. Names the first that differs. */
export function verifyStreamline(network: Graph, split: Split, { inputs }: Vectors, verify: boolean): Verdict {
  if (!verify) return { stage: 'streamline', vectors: 0, elements: 0, nearTies: 0 };
  const meetings = new Map(split.meetings.map((meeting) => [meeting.origin, meeting]));
  const quantisers = nodesOf(network).filter((node) => meetings.has(node.origin[0] ?? ''));
  const vectors = countOf(inputs);
  let elements = 0;
  let nearTies = 0;
  for (let vector = 0; vector < vectors; vector += 1) {
    const seen = new Map<string, Seen>();
    const values = new Map<Node, Tensor>();
    const x = frameOf(inputs, vector, network.inputs[0]!.type.shape);
    const outputs = evaluate(network, new Map([[network.inputs[0]!.name, x]]), (node, [first]) => {
      values.set(node, first!);
      if (!quantisers.includes(node)) return;
      const read = node.inputs.map((v, i) => [i, v?.kind === 'node' ? values.get(v.node) : undefined] as const);
      const running = read.filter((entry): entry is [number, Tensor] => entry[1] !== undefined);
      seen.set(node.origin[0]!, { node, tensor: first!, inputs: new Map(running) });
    });
    let tied = false;
    const fed = split.before
      ? evaluate(split.before, new Map([[split.before.inputs[0]!.name, x]]))
      : new Map([[split.core.inputs[0]!.name, x]]);
    const core = evaluate(split.core, fed, (node, [found]) => {
      const name = node.origin.findLast((origin) => meetings.has(origin));
      const real = name === undefined ? undefined : seen.get(name);
      if (tied || !real || node.types[0]!.dtype.integer === false || node.origin.at(-1) !== name) return;
      const wanted = integersOf(real.tensor, meetings.get(name!)!, found!);
      if (wanted.data.length !== found!.data.length) return;
      elements += found!.data.length;
      const at = firstDifference(wanted, found!);
      if (at < 0) return;
      if (isNearTie(real, at, found!.data[at]!, meetings.get(name!)!)) {
        nearTies += 1;
        tied = true;
        return;
      }
      const element = indexOf(at, found!.shape);
      mismatch('streamline', {
        where: `'${name}'`,
        origin: node.origin,
        vector,
        element,
        expected: wanted.data[at]!,
        found: found!.data[at]!,
      });
    });
    if (tied) continue;
    const result = split.behind ? evaluate(split.behind, core) : core;
    for (const [name, wanted] of outputs) {
      const found = result.get(name)!;
      elements += found.data.length;
      const at = firstDifference(wanted, found);
      if (at >= 0)
        mismatch('streamline', {
          where: `output '${name}'`,
          origin: [name],
          vector,
          element: indexOf(at, found.shape),
          expected: wanted.data[at]!,
          found: found.data[at]!,
        });
    }
  }
  return { stage: 'streamline', vectors, elements, nearTies };
}

type Meeting = Split['meetings'][number];

/** The integers behind a quantiser's real output. */
function integersOf(real: Tensor, { scale, offset }: Meeting, like: Tensor): Tensor {
  const each = (t: Tensor, i: number): number => {
    if (t.data.length === 1) return t.data[0]!;
    // One entry a channel (axis 1).
    const inner = real.shape.slice(2).reduce((n, m) => n * m, 1);
    return t.data[Math.floor(i / inner) % t.data.length]!;
  };
  const data = Float64Array.from(real.data, (v, i) => Math.round((v - each(offset, i)) / each(scale, i)));
  return tensor(like.dtype, like.shape.length === real.shape.length ? real.shape : like.shape, data);
}

/**
 * Is the network itself undecided here? The quantiser is asked again with its input moved up and down by what binary32
 * arithmetic may have lost: 2^-20 of the largest magnitude in the tensor.
 */
function isNearTie({ node, inputs }: Seen, at: number, found: number, meeting: Meeting): boolean {
  const [entry] = inputs;
  if (!entry) return false;
  const [position, x] = entry;
  const largest = Array.from(x.data).reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  return [-1, 1].some((direction) => {
    const moved = tensor(x.dtype, x.shape, x.data.slice());
    moved.data[at]! += direction * largest * 2 ** -20;
    const read = node.inputs.map((v, i) => (i === position ? moved : v?.kind === 'constant' ? v.tensor : undefined));
    const [y] = node.op.evaluate(read, node.attrs, { origin: node.origin, outputs: 1, types: node.types });
    return integersOf(y!, meeting, y!).data[at] === found;
  });
}

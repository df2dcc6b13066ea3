import { evaluate } from '../../ir/evaluate.ts';
import type { Graph } from '../../ir/graph.ts';
import { reshaped, type Tensor } from '../../ir/tensor.ts';
import type { Split } from '../../passes/streamline/walk.ts';
import type { Vectors } from '../artifacts.ts';
import { firstDifference, indexOf, mismatch } from './compare.ts';
import { countOf, frameOf } from './vectors.ts';
import type { Verdict } from './verdict.ts';

/** What the accelerator itself is fed for each vector, in the shape of its input: behind the host's part. */
export function acceleratorInputs({ before }: Split, layers: Graph, { inputs }: Vectors, most = Infinity): Tensor[] {
  const { name, type } = layers.inputs[0]!;
  return Array.from({ length: Math.min(most, countOf(inputs)) }, (_, i) => {
    const frame = before ? before.inputs[0]!.type.shape : type.shape;
    const x = frameOf(inputs, i, frame);
    const fed = before ? evaluate(before, new Map([[before.inputs[0]!.name, x]])).get(name)! : x;
    return { ...reshaped(fed, type.shape), dtype: type.dtype };
  });
}

/** The layers against the integer network, layer by layer where both have a tensor of the same ONNX node. */
export function verifyLower(split: Split, layers: Graph, vectors: Vectors, verify: boolean): Verdict {
  if (!verify) return { stage: 'lower', vectors: 0, elements: 0, nearTies: 0 };
  let elements = 0;
  const fed = acceleratorInputs(split, layers, vectors);
  fed.forEach((x, vector) => {
    const { core } = split;
    // One ONNX node may have become several nodes of the integer network: a Gemm its product and its bias.
    const wanted = new Map<string, Tensor[]>();
    const right = evaluate(
      core,
      new Map([[core.inputs[0]!.name, reshaped(x, core.inputs[0]!.type.shape)]]),
      (node, outputs) => {
        const key = node.origin.join('\n');
        wanted.set(key, [...(wanted.get(key) ?? []), outputs.at(-1)!]);
      },
    );
    const compare = (where: string, origin: readonly string[], expected: Tensor, found: Tensor) => {
      if (expected.data.length !== found.data.length) return;
      elements += found.data.length;
      const at = firstDifference(expected, found);
      if (at < 0) return;
      mismatch('lower', {
        where,
        origin,
        vector,
        element: indexOf(at, found.shape),
        expected: expected.data[at]!,
        found: found.data[at]!,
      });
    };
    const result = evaluate(layers, new Map([[layers.inputs[0]!.name, x]]), (node, outputs) => {
      const last = [...wanted.entries()].findLast(([origin]) => node.origin.join('\n').endsWith(origin));
      if (!last) return;
      const found = outputs.at(-1)!;
      const expected = last[1].find((one) => one.data.length === found.data.length && firstDifference(one, found) < 0);
      compare(`${node.op.name} of '${node.origin.at(-1)}'`, node.origin, expected ?? last[1].at(-1)!, found);
    });
    for (const [name, expected] of right) compare(`output '${name}'`, [name], expected, result.get(name)!);
  });
  return { stage: 'lower', vectors: fed.length, elements, nearTies: 0 };
}

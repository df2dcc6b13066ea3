import { fail } from '../../diagnostics/diagnostic.ts';
import { evaluate } from '../../ir/evaluate.ts';
import type { Graph } from '../../ir/graph.ts';
import { type Tensor, tensor } from '../../ir/tensor.ts';
import { foldConstants } from '../../passes/streamline/constants.ts';
import { parseRational, toNumber } from '../../util/rational.ts';
import type { Vectors } from '../artifacts.ts';
import { firstDifference, indexOf, mismatch } from './compare.ts';
import { countOf, frameOf } from './vectors.ts';
import type { Verdict } from './verdict.ts';

/** The network's first output for each vector, in the reference interpreter. */
export function outputsOf(graph: Graph, inputs: Tensor, most = Infinity): Tensor[] {
  const [first] = graph.inputs;
  const [result] = graph.outputs;
  const folded = foldConstants(graph);
  return Array.from({ length: Math.min(most, countOf(inputs)) }, (_, i) => {
    const x = frameOf(inputs, i, first!.type.shape);
    return evaluate(folded, new Map([[first!.name, x]])).get(result!.name)!;
  });
}

/** Share of vectors whose first output element, or whose greatest score, is the label. */
export function accuracyOf(outputs: readonly Tensor[], labels: Tensor): number {
  const per = labels.data.length / countOf(labels);
  const right = outputs.filter((y, i) => classOf(y, labels.data[i * per]!) === labels.data[i * per]!);
  return right.length / outputs.length;
}

/** Integer classes come as they are (TopK's first); of several scores the greatest one's place counts. */
function classOf({ data, dtype }: Tensor, label: number): number {
  if (data.length === 1 || (dtype.integer && data.length < 8 && !dtype.signed && data.includes(label))) return data[0]!;
  return Array.from(data).reduce((best, v, i) => (v > data[best]! ? i : best), 0);
}

/** The network against the recipe's expected outputs and labels. */
export function verifyImport(
  graph: Graph,
  { inputs, expected, labels }: Vectors,
  { verify, minAccuracy }: { readonly verify: boolean; readonly minAccuracy?: string | undefined },
): Verdict {
  if (!verify || (!expected && !labels)) return { stage: 'import', vectors: 0, elements: 0, nearTies: 0 };
  const outputs = outputsOf(graph, inputs);
  let elements = 0;
  if (expected) {
    const per = expected.data.length / outputs.length;
    outputs.forEach((found, vector) => {
      if (found.data.length !== per)
        fail('verify/vectors', `verify.expected has ${per} elements a vector; the network gives ${found.data.length}`);
      const wanted = tensor(expected.dtype, found.shape, expected.data.slice(vector * per, (vector + 1) * per));
      elements += per;
      const at = firstDifference(wanted, found);
      if (at < 0) return;
      const origin = graph.outputs[0]!.value.kind === 'node' ? graph.outputs[0]!.value.node.origin : [];
      mismatch(
        'import',
        {
          where: `output '${graph.outputs[0]!.name}'`,
          origin,
          vector,
          element: indexOf(at, found.shape),
          expected: wanted.data[at]!,
          found: found.data[at]!,
        },
        'the expected outputs are another network’s, or finn reads this one wrongly',
      );
    });
  }
  const accuracy = labels && accuracyOf(outputs, labels);
  const least = minAccuracy === undefined ? undefined : toNumber(parseRational(minAccuracy)!);
  if (accuracy !== undefined && least !== undefined && accuracy < least)
    fail(
      'verify/accuracy',
      `the network meets ${(100 * accuracy).toFixed(2)} % of the labels; verify.min_accuracy asks for ${(100 * least).toFixed(2)} %`,
    );
  return {
    stage: 'import',
    vectors: outputs.length,
    elements,
    nearTies: 0,
    ...(accuracy !== undefined && { accuracy }),
  };
}

import { fail, inNetwork } from '../../diagnostics/diagnostic.ts';
import { type InputValue, type Node, output, type Value } from '../../ir/graph.ts';
import type { Tensor } from '../../ir/tensor.ts';
import type { Because, Carried } from './carried.ts';
import { isConstant } from './constants.ts';

/** Where the integers of the accelerator meet the reals of the network, for verification and for the driver. */
export interface Meeting {
  /** ONNX name of the quantiser or of the product. */
  readonly origin: string;
  readonly at: 'quantiser' | 'product';
  /** real = scale · integer + offset, broadcast as in the network. */
  readonly scale: Tensor;
  readonly offset: Tensor;
}

/** What a rule may ask of the walk. */
export interface Walk {
  /** Opens an input of the accelerator, fed by the host with the integers behind `real`. */
  openInput(real: Value, type: InputValue['type'], scale: Tensor, offset: Tensor): InputValue;
  meet(meeting: Meeting): void;
}

/** What a node makes of carried inputs: one carried value for each of its outputs. */
export type Rule = (node: Node, inputs: readonly (Carried | undefined)[], walk: Walk) => readonly Carried[];

/** Leaves a node to the host: before the accelerator as long as nothing behind it is read, else behind it. */
export function onHost(
  node: Node,
  inputs: readonly (Carried | undefined)[],
  reason: string,
  hint?: string,
): readonly Carried[] {
  const isBehind = inputs.some(
    (from, i) => from && (from.kind === 'host' ? from.side === 'behind' : !isConstant(node.inputs[i]!)),
  );
  const earlier = inputs.find((from) => from?.kind === 'host' && from.because);
  const because = (earlier?.kind === 'host' && earlier.because) || { node, reason, hint };
  return node.types.map((_, index) => ({
    kind: 'host' as const,
    side: isBehind ? ('behind' as const) : ('before' as const),
    value: output(node, index),
    because,
  }));
}

/** Refuses hardware behind a part that only the host can compute, and names that part. */
export function refuseLeftover(node: Node, because: Because | undefined): never {
  const culprit = because?.node ?? node;
  return fail(
    'streamline/leftover',
    `'${culprit.origin[0]}' (${culprit.op.name}) stands between hardware layers and cannot be one: ${because?.reason ?? 'it works on reals'}; '${node.origin[0]}' (${node.op.name}) needs its result`,
    {
      at: inNetwork(culprit.origin),
      hint: because?.hint ?? 'take it out of the network, or move it to the end, where the host computes it',
    },
  );
}

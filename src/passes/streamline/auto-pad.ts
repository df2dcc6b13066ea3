import type { Node } from '../../ir/graph.ts';
import { onnx } from '../ops.ts';
import { refuse } from './carried.ts';

/**
 * Refuses padding that the exporter has left to be computed: ONNX and QONNX disagree about it (finn-facts C.4). The hint
 * has the pads that ONNX means. `kernel` has an extent for each spatial axis.
 */
export function refuseAutoPad(node: Node, kernel: readonly number[]): void {
  const size = node.inputs[0]!.type.shape.slice(2);
  const out = node.types[0]!.shape.slice(2);
  const auto = String(node.attrs['auto_pad'] ?? 'NOTSET');
  const transposed = node.op === onnx('ConvTranspose');
  const given = node.attrs['output_shape'] !== undefined;
  if (!auto.startsWith('SAME') && !(transposed && given)) return;
  const list = (name: string, otherwise: number): readonly number[] =>
    (node.attrs[name] as readonly number[] | undefined) ?? size.map(() => otherwise);
  const [strides, dilations, extra] = [list('strides', 1), list('dilations', 1), list('output_padding', 0)];
  const total = size.map((n, i) => {
    const span = (kernel[i]! - 1) * dilations[i]! + 1;
    return transposed
      ? strides[i]! * (n - 1) + extra[i]! + span - out[i]!
      : Math.max(0, (out[i]! - 1) * strides[i]! + span - n);
  });
  const upper = auto === 'SAME_UPPER';
  const begin = total.map((n) => (upper ? Math.floor(n / 2) : n - Math.floor(n / 2)));
  const pads = [...begin, ...total.map((n, i) => n - begin[i]!)];
  const what = auto.startsWith('SAME') ? `auto_pad is ${auto}` : `padding is said by output_shape`;
  refuse(
    node,
    `its ${what}, which exporters and tools do not agree on (strides ${strides.join('×')})`,
    `export it with auto_pad NOTSET and explicit pads: ONNX means pads [${pads.join(', ')}]`,
  );
}

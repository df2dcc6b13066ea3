import type { StreamPort } from '../../hdl/design.ts';
import { evaluate } from '../../ir/evaluate.ts';
import type { Graph } from '../../ir/graph.ts';
import type { Tensor } from '../../ir/tensor.ts';
import type { Layer } from '../../operators/operator.ts';
import { streamInputs } from '../../passes/fold/connect.ts';
import { layersOf } from '../../passes/fold/names.ts';
import { fromStream, pack, toStream, unpack } from '../../sim/packing.ts';

/** What passes through every layer for each frame: its stream inputs and its outputs, in port order. */
export interface Traffic {
  readonly layers: ReadonlyMap<string, { readonly inputs: readonly Tensor[][]; readonly outputs: readonly Tensor[][] }>;
  /** Outputs of the graph, frame by frame. */
  readonly outputs: readonly Tensor[];
}

/** Evaluates the folded graph on every frame and keeps what each layer takes and gives. */
export function trafficOf(graph: Graph, frames: readonly Tensor[], keep: number): Traffic {
  const layers = layersOf(graph);
  const kept = new Map(
    [...layers.keys()].map((name) => [name, { inputs: [] as Tensor[][], outputs: [] as Tensor[][] }]),
  );
  const names = new Map<unknown, string>([...layers].map(([name, layer]) => [layer, name]));
  const outputs = frames.map((frame, i) => {
    const seen = new Map<unknown, readonly Tensor[]>();
    const result = evaluate(graph, new Map([[graph.inputs[0]!.name, frame]]), (node, made) => {
      if (i >= keep) return;
      seen.set(node, made);
      const name = names.get(node);
      if (name === undefined) return;
      const inputs = streamInputs(node as Layer).map((value) =>
        value.kind === 'node' ? seen.get(value.node)![value.index]! : frame,
      );
      kept.get(name)!.inputs.push(inputs);
      kept.get(name)!.outputs.push([...made]);
    });
    return result.get(graph.outputs[0]!.name)!;
  });
  return { layers: kept, outputs };
}

const rowOf = ({ shape }: Tensor): number => shape.at(-1) ?? 1;

/** Tensors of several frames as the beats of a stream. */
export function beatsOf(frames: readonly Tensor[], port: StreamPort): Uint8Array {
  const parts = frames.map((frame) => pack(toStream(frame.data, rowOf(frame), port), frame.dtype, port));
  const all = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The elements of a frame's tensor out of a stream's beats. */
export const elementsOf = (beats: Uint8Array, like: Tensor, port: StreamPort): Float64Array =>
  fromStream(unpack(beats, like.dtype, port), rowOf(like), port);

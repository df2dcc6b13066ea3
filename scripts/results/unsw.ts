import { readFileSync } from 'node:fs';
import type { Graph } from '../../src/ir/graph.ts';
import { readModel } from '../../src/onnx/import.ts';
import { splitGemm } from '../../src/passes/clean/split-gemm.ts';
import { feedInput } from '../../src/passes/clean/surround.ts';
import { insertFifos, matchWidths, narrow, sizeFifos } from '../../src/passes/fold/connect.ts';
import { layersOf } from '../../src/passes/fold/names.ts';
import { applyFolding } from '../../src/passes/fold/parallelize.ts';
import { toLayers } from '../../src/passes/lower/to-layers.ts';
import { split } from '../../src/passes/streamline/walk.ts';
import { rational } from '../../src/util/rational.ts';

/** SIMD of the four layers, all of whose neurons are computed at once. */
export const foldings = { 1: [600, 64, 64, 64], 8: [75, 8, 8, 8] } as const;
export type Fold = keyof typeof foldings;

/**
 * The intrusion detection network (UNSW-NB15, 600-64-64-64-1, from the QONNX model zoo), folded so that a frame takes `fold` cycles, with
 * its queues; before connection too.
 */
export function unswNetwork(model: string, fold: Fold): { readonly layers: Graph; readonly dataflow: Graph } {
  const network = feedInput(splitGemm(readModel(new Uint8Array(readFileSync(model)))), {
    datatype: 'bipolar',
    scale: [rational(1n)],
  });
  const { graph, diagnostics } = toLayers(split(network).core, { standaloneThresholds: false });
  if (diagnostics.length > 0) throw new Error(diagnostics[0]!.message);
  const attributes = [...layersOf(graph).values()].map((layer, i) => {
    const simd = foldings[fold][i]!;
    return [layer, { simd, pe: layer.op.parallel(layer)['pe']!, memory: 'lut' }] as const;
  });
  const layers = narrow(applyFolding(graph, new Map(attributes)));
  const matched = matchWidths(layers);
  return { layers, dataflow: insertFifos(matched, sizeFifos(matched).depths) };
}

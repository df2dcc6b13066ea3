import { bug } from '../../src/diagnostics/diagnostic.ts';
import type { Context } from '../../src/engine/step.ts';
import type { Design } from '../../src/hdl/design.ts';
import type { Graph } from '../../src/ir/graph.ts';
import { readModel } from '../../src/onnx/import.ts';
import { insertFifos, matchWidths, narrow, sizeFifos } from '../../src/passes/fold/connect.ts';
import { layersOf } from '../../src/passes/fold/names.ts';
import { toLayers } from '../../src/passes/lower/to-layers.ts';
import { type Split, split } from '../../src/passes/streamline/walk.ts';
import type { Vectors } from '../../src/steps/artifacts.ts';
import { stitch } from '../../src/steps/stitch.ts';
import { readVectors } from '../../src/steps/verify/vectors.ts';
import { type MlpSpec, qonnxMlp } from './mlp.ts';
import { model } from './onnx-builder.ts';

/** A perceptron 4-4-3 of 3-bit weights, 2 bits between its layers, fed with INT4: small, and every weight matters. */
export const toySpec: MlpSpec = {
  inputs: 4,
  input: 'INT4',
  layers: [
    {
      weights: [
        [1, -2, 3, -1],
        [2, 1, -3, 2],
        [-3, 2, 1, 1],
        [1, 3, 2, -3],
      ],
      weight: { bits: 3, signed: true, scale: 0.5 },
      chain: [{ op: 'Add', inputs: [[0.5, -1, 0.25, 2]] }],
      quant: { bits: 2, signed: true, scale: 4 },
    },
    {
      weights: [
        [1, -2, 3],
        [2, 1, -3],
        [-3, 2, 1],
        [3, -1, 2],
      ],
      weight: { bits: 3, signed: true, scale: 0.25 },
      chain: [],
    },
  ],
};

/** Everything that the steps make of a small network up to the stitched circuit. */
export interface Toy {
  readonly network: Graph;
  readonly vectors: Vectors;
  readonly split: Split;
  readonly layers: Graph;
  readonly dataflow: Graph;
  readonly designs: ReadonlyMap<string, Design>;
  readonly accelerator: Design;
}

/** A step's context without a store; `call` is a defect where none is given. */
export const context = <C>(config: C, call: Context<C>['call'] = () => bug('no tools here')): Context<C> => ({
  config,
  sources: {},
  signal: new AbortController().signal,
  call,
  note: () => {},
  report: () => {},
});

/** The layers with FIFOs between them, their circuits, and the whole. */
export async function circuitsOf(layers: Graph): Promise<Pick<Toy, 'dataflow' | 'designs' | 'accelerator'>> {
  const matched = matchWidths(narrow(layers));
  const dataflow = insertFifos(matched, sizeFifos(matched).depths);
  const own = [...layersOf(dataflow)].filter(([, layer]) => !layer.op.inserted);
  const designs = new Map(own.map(([name, layer]) => [name, layer.op.rtl(layer, { family: 'ice40' }, name)]));
  const { accelerator } = await stitch.run({ dataflow, designs }, context({ family: 'ice40' as const }));
  return { dataflow, designs, accelerator };
}

/** The toy network through all steps before simulation. */
export async function toy(spec: MlpSpec = toySpec): Promise<Toy> {
  const network = readModel(model(qonnxMlp(spec)));
  const parts = split(network);
  const { graph: layers, diagnostics } = toLayers(parts.core, { standaloneThresholds: false });
  if (diagnostics.length > 0) throw new Error(diagnostics[0]!.message);
  return { network, vectors: readVectors(network, {}), split: parts, layers, ...(await circuitsOf(layers)) };
}

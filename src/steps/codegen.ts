import { bug } from '../diagnostics/diagnostic.ts';
import { item } from '../engine/artifact.ts';
import type { Graph } from '../ir/graph.ts';
import type { Layer } from '../operators/operator.ts';
import { layersOf } from '../passes/fold/names.ts';
import { foldedLayers, layerDesign } from './artifacts.ts';
import { layerStep } from './step.ts';

/** The one layer of a graph that holds one. */
export const onlyLayer = (graph: Graph): Layer => [...layersOf(graph).values()][0] ?? bug(`no layer in ${graph.name}`);

export const codegen = layerStep({
  name: 'codegen',
  doc: 'Prints Verilog and memory images of one layer.',
  needs: { layer: item(foldedLayers) },
  makes: { layerDesign },
  aside: true,
  config: ({ build }, { name }) => ({ name, family: build.target.board.family }),
  async run({ layer: graph }, { config }) {
    const layer = onlyLayer(graph);
    return { layerDesign: layer.op.rtl(layer, { family: config.family }, config.name) };
  },
});

import { bug } from '../diagnostics/diagnostic.ts';
import { each } from '../engine/artifact.ts';
import { stitch as assemble } from '../hdl/stitch.ts';
import { edgesOf } from '../passes/fold/connect.ts';
import { layersOf } from '../passes/fold/names.ts';
import { accelerator, dataflow, layerDesign } from './artifacts.ts';
import { buildStep } from './step.ts';

/** Name of the accelerator's top module. */
export const TOP = 'finn_accel';

export const stitch = buildStep({
  name: 'stitch',
  doc: 'Layers, width converters and FIFOs become one circuit with AXI-Stream in and out.',
  needs: { dataflow, designs: each(layerDesign) },
  makes: { accelerator },
  aside: true,
  config: ({ build }) => ({ family: build.target.board.family }),
  async run({ dataflow: graph, designs }, { config }) {
    const layers = layersOf(graph);
    const names = new Map([...layers].map(([name, layer]) => [layer, name]));
    const parts = [...layers].map(([name, layer]) => ({
      name: `u_${name}`,
      design:
        designs.get(name) ??
        (layer.op.inserted ? layer.op.rtl(layer, { family: config.family }, name) : bug(`no circuit of ${name}`)),
    }));
    const links = edgesOf(graph).map(({ from, fromPort, to, toPort }) => ({
      from: { part: `u_${names.get(from)}`, port: `m_axis_${fromPort}` },
      to: { part: `u_${names.get(to)}`, port: `s_axis_${toPort}` },
    }));
    return { accelerator: assemble({ top: TOP, parts, links }) };
  },
});

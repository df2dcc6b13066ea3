import type { Design } from '../../src/hdl/design.ts';
import type { Family } from '../../src/hdl/device.ts';
import type { Graph } from '../../src/ir/graph.ts';
import { layersOf } from '../../src/passes/fold/names.ts';
import { stitch } from '../../src/steps/stitch.ts';

/** The circuit of a graph of layers with its queues, as the build's stitch step makes it. */
export async function accelerator(dataflow: Graph, family: Family): Promise<Design> {
  const own = [...layersOf(dataflow)].filter(([, layer]) => !layer.op.inserted);
  const designs = new Map(own.map(([name, layer]) => [name, layer.op.rtl(layer, { family }, name)]));
  const context = {
    config: { family },
    sources: {},
    signal: new AbortController().signal,
    call: () => Promise.reject(new Error('stitching calls no tools')),
    note: () => {},
    report: () => {},
  };
  const made = await stitch.run({ dataflow, designs }, context);
  return made.accelerator;
}

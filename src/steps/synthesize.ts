import { parseStat } from '../tools/stat.ts';
import { synthesize as synthesis } from '../tools/synthesis.ts';
import { yosysTools } from '../tools/yosys.ts';
import { layerDesign, layerNetlist } from './artifacts.ts';
import { pretty } from './fold.ts';
import { layerStep } from './step.ts';

export const synthesize = layerStep({
  name: 'synthesize',
  doc: 'Synthesizes one layer out of context: its netlist and its real cell counts.',
  needs: { design: layerDesign },
  makes: { layerNetlist },
  cost: () => ({ threads: 1, memory: 700 }),
  config: ({ build, recipe }) => ({ family: build.target.board.family, provider: recipe.tools.synthesis }),
  tools: ({ recipe }) => [yosysTools[recipe.tools.synthesis]],
  async run({ design }, { config, call }) {
    const { family, provider } = config;
    const { netlist, stat } = await call(synthesis(design, design.top, { provider, family, outOfContext: true }));
    return { layerNetlist: { 'netlist.json': netlist, 'cells.json': pretty(parseStat(stat, family)) } };
  },
});

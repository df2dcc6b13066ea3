import { each, item } from '../../src/engine/artifact.ts';
import type { Executor } from '../../src/engine/executor.ts';
import { wholeLog } from '../../src/engine/invoke.ts';
import { type AnyStep, step } from '../../src/engine/step.ts';
import { type Rig, type Settings, scope, text, texts } from '../engine/rig.ts';
import { bash, script } from './calls.ts';

const layers = texts('layers', 'layer');
const netlist = text('netlist');
const top = text('top');

/** Four layers, each synthesized by a script; what it has to say is part of the result. */
const steps = (source: string): AnyStep[] => [
  step({
    name: 'fold',
    doc: '',
    per: 'build',
    needs: {},
    makes: { layers },
    config: (_: Settings) => ({}),
    run: async () => ({ layers: new Map(['a', 'b', 'c', 'd'].map((name) => [name, `layer ${name}\n`])) }),
  }),
  step({
    name: 'synthesize',
    doc: '',
    per: 'layer',
    needs: { layer: item(layers) },
    makes: { netlist },
    config: (_settings: Settings, { name }) => ({ name }),
    tools: () => [bash],
    run: async ({ layer }, { call }) => {
      const made = await call(
        script(source, { files: { 'in/a.v': layer }, outputs: { netlist: 'out.txt', log: wholeLog } }),
      );
      return { netlist: `${Buffer.from(made.netlist)}${Buffer.from(made.log)}` };
    },
  }),
  step({
    name: 'stitch',
    doc: '',
    per: 'build',
    needs: { netlists: each(netlist) },
    makes: { top },
    config: () => ({}),
    run: async ({ netlists }) => ({ top: [...netlists].flat().join('\n') }),
  }),
];

/** Builds the four layers, and closes the executor. */
export async function buildLayers(rig: Rig, source: string, executor: Executor) {
  const engine = rig.engine(steps(source), { executor });
  const at = scope('build', 'b');
  const built = await engine.run(engine.graph([{ scope: at, artifact: top }]), {
    display: rig.display,
    keepGoing: true,
  });
  await executor.close();
  return { built, hash: built.hash(at, top) };
}

import type { AnyStep } from '../../src/engine/step.ts';
import { step } from '../../src/engine/step.ts';
import { type Rig, scope, text } from './rig.ts';

const artifacts = ['a', 'b', 'c', 'd'].map(text);

/** Four steps in a row; `before` is told of each as it begins. */
export const row = (before: (name: string) => Promise<void>): AnyStep[] =>
  artifacts.map((artifact, i) =>
    step({
      name: artifact.name,
      doc: '',
      per: 'net',
      needs: i === 0 ? {} : { last: artifacts[i - 1]! },
      makes: { made: artifact },
      config: () => ({}),
      async run(inputs: { readonly last?: string }) {
        await before(artifact.name);
        return { made: `${inputs.last ?? ''}${artifact.name}` };
      },
    }),
  ) as AnyStep[];

/** Builds the row in the rig's store. */
export async function buildRow(rig: Rig, before: (name: string) => Promise<void> = async () => {}) {
  const net = scope('net', 'n');
  const engine = rig.engine(row(before));
  const built = await engine.run(engine.graph([{ scope: net, artifact: artifacts[3]! }]), { display: rig.display });
  return built.value(net, artifacts[3]!)?.value;
}

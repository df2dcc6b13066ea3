import { FinnError } from '../diagnostics/diagnostic.ts';
import { passes } from '../passes/index.ts';
import { runPlugged, suspects } from '../passes/plugged.ts';
import { integerNetwork, layers, lowerVerdict, vectors } from './artifacts.ts';
import { networkStep } from './step.ts';
import { suspecting } from './verify/compare.ts';
import { verifyLower } from './verify/lower.ts';

export const lower = networkStep({
  name: 'lower',
  doc: 'Every node becomes a hardware layer; what cannot be one is reported by its ONNX name.',
  needs: { integerNetwork, vectors },
  makes: { layers, lowerVerdict },
  aside: true,
  config: ({ recipe }) => ({
    standaloneThresholds: recipe.steps.lower.standaloneThresholds,
    verify: recipe.verifyAt.includes('lower'),
  }),
  async run({ integerNetwork: split, vectors: given }, { config, note }) {
    const core = runPlugged('before lower', split.core, { note });
    const { graph, diagnostics } = passes.lower.toLayers(core, config);
    if (diagnostics.length > 0) throw new FinnError(...diagnostics);
    const made = runPlugged('after lower', graph, { note });
    const verdict = suspecting(suspects('before lower', 'after lower'), () =>
      verifyLower(split, made, given, config.verify),
    );
    return { layers: made, lowerVerdict: verdict };
  },
});

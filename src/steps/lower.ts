import { FinnError } from '../diagnostics/diagnostic.ts';
import { passes } from '../passes/index.ts';
import { integerNetwork, layers, lowerVerdict, vectors } from './artifacts.ts';
import { networkStep } from './step.ts';
import { verifyLower } from './verify/lower.ts';

export const lower = networkStep({
  name: 'lower',
  doc: 'Every node becomes a hardware layer; what cannot be one is reported by its ONNX name.',
  needs: { integerNetwork, vectors },
  makes: { layers, lowerVerdict },
  config: ({ recipe }) => ({
    standaloneThresholds: recipe.steps.lower.standaloneThresholds,
    verify: recipe.verifyAt.includes('lower'),
  }),
  async run({ integerNetwork: split, vectors: given }, { config }) {
    const { graph, diagnostics } = passes.lower.toLayers(split.core, config);
    if (diagnostics.length > 0) throw new FinnError(...diagnostics);
    return { layers: graph, lowerVerdict: verifyLower(split, graph, given, config.verify) };
  },
});

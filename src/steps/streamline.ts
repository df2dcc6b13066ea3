import { inNetwork, warning } from '../diagnostics/diagnostic.ts';
import { passes } from '../passes/index.ts';
import { runPlugged, suspects } from '../passes/plugged.ts';
import { integerNetwork, network, streamlineVerdict, vectors } from './artifacts.ts';
import { networkStep } from './step.ts';
import { suspecting } from './verify/compare.ts';
import { verifyLayout, verifyStreamline } from './verify/streamline.ts';

export const streamline = networkStep({
  name: 'streamline',
  doc: 'Makes the network integer, channels last: scales and shifts sink into thresholds; what only the host can do stays at the ends.',
  needs: { network, vectors },
  makes: { integerNetwork, streamlineVerdict },
  aside: true,
  config: ({ recipe }) => ({ verify: recipe.verifyAt.includes('streamline') }),
  async run({ network: graph, vectors: given }, { config, note, report }) {
    const divided = passes.streamline.divide(runPlugged('before streamline', graph, { note }));
    const { parts: made } = divided;
    const laidOut = { ...divided.laidOut, core: runPlugged('after streamline', divided.laidOut.core, { note }) };
    for (const { node, op, side, reason } of made.onHost)
      note(`'${node}' (${op}) stays on the host, ${side} the accelerator: ${reason}`);
    const verdict = suspecting(suspects('before streamline'), () =>
      verifyStreamline(graph, made, given, config.verify),
    );
    if (verdict.nearTies > 0)
      report(
        warning(
          'verify/near-tie',
          `${verdict.nearTies} of ${verdict.elements} elements differ where the network itself is within binary32 error of a step (by at most ${(verdict.nearTieDistance ?? 0).toExponential(1)} of the largest value beside it)`,
          {
            at: inNetwork([graph.name]),
          },
        ),
      );
    if (config.verify) verifyLayout(made, laidOut, given);
    return { integerNetwork: laidOut, streamlineVerdict: verdict };
  },
});

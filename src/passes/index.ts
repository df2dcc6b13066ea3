import { splitBias } from './clean/split-bias.ts';
import { splitGemm } from './clean/split-gemm.ts';
import { appendTopK, feedInput } from './clean/surround.ts';
import { insertFifos, matchWidths, narrow, sizeFifos } from './fold/connect.ts';
import { estimateReports, finnConfig, scheduledRun } from './fold/estimate.ts';
import { readFinnFolding } from './fold/finn-file.ts';
import {
  applyFolding,
  contradictions,
  foldForRate,
  foldToFit,
  meetDemands,
  resolveRequests,
} from './fold/parallelize.ts';
import { layOut } from './layout/ends.ts';
import { divide } from './lower/divide.ts';
import { toLayers } from './lower/to-layers.ts';
import { split } from './streamline/walk.ts';

/**
 * Every pass, in the order in which a network goes through them, by the step that runs them: the column to read from top
 * to bottom. Steps take their passes from here.
 */
export const passes = {
  /** ONNX graph → ONNX graph with the recipe's input and output around it. */
  import: { splitGemm, splitBias, feedInput, appendTopK },
  /**
   * → integers, by one walk from the inputs to the outputs (streamline/rules.ts has a rule for each operation); then
   * channels last, convolutions as windows and products (layout/rules.ts). divide does both, and leaves to the host what
   * no operator takes at either end.
   */
  streamline: { split, layOut, divide },
  /** → hardware layers, by the operators' own rules. */
  lower: { toLayers },
  /** What is asked for by name, then what is chosen; narrow types; width converters; FIFOs; what comes of it. */
  fold: {
    readFinnFolding,
    resolveRequests,
    foldForRate,
    foldToFit,
    applyFolding,
    contradictions,
    meetDemands,
    narrow,
    matchWidths,
    sizeFifos,
    insertFifos,
    scheduledRun,
    estimateReports,
    finnConfig,
  },
} as const;

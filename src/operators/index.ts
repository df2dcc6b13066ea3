import { channelwise } from './channelwise/index.ts';
import { streamingConcat } from './concat/index.ts';
import { crop } from './crop/index.ts';
import { depthToSpace } from './depth-to-space/index.ts';
import { duplicateStreams } from './duplicate-streams/index.ts';
import { elementwiseOperators } from './elementwise/index.ts';
import { fifo, fifoLatency, fillsUltra, maximumDepth } from './fifo/index.ts';
import { globalAccPool } from './global-acc-pool/index.ts';
import { labelSelect } from './label-select/index.ts';
import { lookup } from './lookup/index.ts';
import { mvau } from './mvau/index.ts';
import type { Operator } from './operator.ts';
import { padding } from './padding/index.ts';
import { pixelPadding } from './pixel-padding/index.ts';
import { pool } from './pool/index.ts';
import { requant } from './requant/index.ts';
import { slidingWindow } from './sliding-window/index.ts';
import { streamingSplit } from './split/index.ts';
import { streamingMaxPool } from './streaming-max-pool/index.ts';
import { thresholding } from './thresholding/index.ts';
import { upsample } from './upsample/index.ts';
import { vvau } from './vvau/index.ts';
import { widthConverter } from './width-converter/index.ts';

/** finn's own, in the order in which lowering asks them: MVAU, VVAU and Pool take the thresholds behind them. */
const own: readonly Operator[] = [
  mvau,
  vvau,
  pool,
  requant,
  thresholding,
  ...elementwiseOperators,
  channelwise,
  streamingConcat,
  streamingSplit,
  labelSelect,
  slidingWindow,
  padding,
  lookup,
  pixelPadding,
  crop,
  upsample,
  depthToSpace,
  duplicateStreams,
  streamingMaxPool,
  globalAccPool,
  widthConverter,
  fifo,
].map((operator) => operator as unknown as Operator);

/** Every hardware layer that finn builds: those of plug-ins, which lowering asks first, then its own. */
export let operators: readonly Operator[] = own;

/** Puts the operators of plug-ins in front of finn's own, in place of those that were there. */
export function extendOperators(more: readonly Operator[]): void {
  operators = [...more, ...own];
}

/** The operator of that name, as layers and reports carry it. */
export const operatorNamed = (name: string): Operator | undefined => operators.find((op) => op.name === name);

/** The layers that lowering itself inserts where a value has several readers, and folding between others; and of queues what folding asks. */
export { duplicateStreams, fifo, fifoLatency, fillsUltra, maximumDepth, widthConverter };

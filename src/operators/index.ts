import { duplicateStreams } from './duplicate-streams/index.ts';
import { elementwiseOperators } from './elementwise/index.ts';
import { fifo } from './fifo/index.ts';
import { labelSelect } from './label-select/index.ts';
import { mvau } from './mvau/index.ts';
import type { Operator } from './operator.ts';
import { padding } from './padding/index.ts';
import { padding } from './padding/index.ts';
import { slidingWindow } from './sliding-window/index.ts';
import { streamingMaxPool } from './streaming-max-pool/index.ts';
import { thresholding } from './thresholding/index.ts';
import { widthConverter } from './width-converter/index.ts';

/** Every hardware layer that finn builds. Lowering asks them in this order: an MVAU takes the thresholds behind it. */
export const operators: readonly Operator[] = [
  mvau,
  thresholding,
  ...elementwiseOperators,
  labelSelect,
  slidingWindow,
  padding,
  padding,
  duplicateStreams,
  streamingMaxPool,
  widthConverter,
  fifo,
].map((operator) => operator as unknown as Operator);

/** The operator of that name, as layers and reports carry it. */
export const operatorNamed = (name: string): Operator | undefined => operators.find((op) => op.name === name);

/** The layers that lowering itself inserts where a value has several readers, and folding between others. */
export { duplicateStreams, fifo, widthConverter };

import { BIPOLAR, type DataType, smallest } from '../../ir/datatype.ts';
import { extremes } from '../../ir/tensor.ts';
import { ceilDiv, log2Ceil } from '../../util/maths.ts';
import type { Layer } from '../operator.ts';
import type { ThresholdingAttrs } from './unit.ts';

/** FINN's type of the thresholds: the smallest that holds them, each cut to what the input can reach. */
function thresholdType({ inputs: [x, thresholds] }: Layer<ThresholdingAttrs>): DataType {
  const { dtype } = x!.type;
  if (thresholds?.kind !== 'constant' || thresholds.tensor.data.length === 0) return dtype;
  const [low, high] = extremes(thresholds.tensor.data);
  const cut = (t: number): number => Math.ceil(Math.min(Math.max(t, dtype.min), dtype.max + 1));
  return smallest(cut(low), cut(high));
}

const stepsOf = ({ inputs: [, thresholds] }: Layer<ThresholdingAttrs>): number => thresholds!.type.shape[1]!;

/** The layer's entry in FINN's folding files and reports. */
export function finnThresholding(layer: Layer<ThresholdingAttrs>): {
  opType: string;
  attributes: Record<string, number | string>;
} {
  const { attrs, types, inputs } = layer;
  return {
    opType: 'Thresholding_rtl',
    attributes: {
      ActVal: types[0]!.dtype === BIPOLAR ? 0 : attrs.bias,
      NumChannels: types[0]!.shape.at(-1)!,
      PE: attrs.pe,
      inputDataType: inputs[0]!.type.dtype.name,
      numSteps: stepsOf(layer),
      outputDataType: types[0]!.dtype.name,
      weightDataType: thresholdType(layer).name,
    },
  };
}

/**
 * FINN's estimate of a Thresholding_rtl (finn-facts.md B.2.2; fitted to the golden estimate_layer_resources.json): for each output
 * bit b a memory of 2^b · channels/PE thresholds, in LUTs of 64 words unless it fills RAMB18s without waste, which its report leaves out.
 */
export function finnThresholdingResources(layer: Layer<ThresholdingAttrs>): {
  LUT: number;
  BRAM_18K: number;
  URAM: number;
} {
  const width = thresholdType(layer).bits;
  const folds = layer.types[0]!.shape.at(-1)! / layer.attrs.pe;
  const stages = log2Ceil(stepsOf(layer) + 1);
  let lut = 0;
  for (let stage = 0; stage < stages; stage += 1) {
    const depth = folds * 2 ** stage;
    const filled = depth % 1024 === 0 && width % 18 === 0;
    if (!filled) lut += layer.attrs.pe * width * ceilDiv(depth, 64);
  }
  return { LUT: lut, BRAM_18K: 0, URAM: 0 };
}

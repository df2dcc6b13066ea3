import { bug } from '../../diagnostics/diagnostic.ts';
import type { Device } from '../../hdl/device.ts';
import type { ThresholdOptions } from '../../hdl/threshold-plan.ts';
import type { Placement } from '../../hdl/threshold-rom.ts';
import { type ThresholdTable, thresholdTable } from '../../hdl/threshold-table.ts';
import { BIPOLAR, type DataType } from '../../ir/datatype.ts';
import { type Tensor, tensor } from '../../ir/tensor.ts';
import type { Layer } from '../operator.ts';
import type { Pixels } from '../pixels.ts';

export interface ThresholdingAttrs extends Pixels {
  /** Channels in one cycle; divides the channels. */
  readonly pe: number;
  /** Where thresholds lie that are not constants in logic. */
  readonly memory: Placement;
  /** An output is scale · (thresholds reached) + bias, and of the type called `output`. */
  readonly scale: number;
  readonly bias: number;
  readonly output: string;
  /** For each channel 1 or −1: what its elements are multiplied by before they are compared. All 1 if left out. */
  readonly sign?: readonly number[];
}

/** Every value that the layer can give, for rows of `steps` thresholds. */
export const outputsOf = ({ scale, bias }: Pick<ThresholdingAttrs, 'scale' | 'bias'>, steps: number): number[] =>
  Array.from({ length: steps + 1 }, (_, count) => scale * count + bias);

const tables = new WeakMap<Tensor, Map<string, ThresholdTable>>();

/**
 * The table of elements of type `dtype` as they lie in a beat: BIPOLAR elements x are the bits a with x = 2a − 1, so that
 * sign · x ≥ t is sign · a ≥ (t + sign)/2.
 */
export function tableOf(
  dtype: DataType,
  thresholds: Tensor,
  channels: number,
  sign: readonly number[] | undefined,
): ThresholdTable {
  const known = tables.get(thresholds) ?? new Map<string, ThresholdTable>();
  tables.set(thresholds, known);
  const key = `${dtype.name} ${channels} ${sign ?? ''}`;
  let table = known.get(key);
  if (!table) {
    table = make(dtype, thresholds, channels, sign);
    known.set(key, table);
  }
  return table;
}

function make(
  dtype: DataType,
  thresholds: Tensor,
  channels: number,
  sign: readonly number[] | undefined,
): ThresholdTable {
  const signOf = (c: number): 1 | -1 => (sign?.[c] === -1 ? -1 : 1);
  if (dtype !== BIPOLAR)
    return thresholdTable(
      thresholds,
      channels,
      () => dtype.min,
      () => dtype.max,
      signOf,
    );
  const n = thresholds.shape[1]!;
  const row = (c: number): number => (thresholds.shape[0] === 1 ? 0 : c);
  const data = Array.from({ length: channels * n }, (_, i) => {
    const c = Math.floor(i / n);
    return (thresholds.data[row(c) * n + (i % n)]! + signOf(c)) / 2;
  });
  return thresholdTable(
    tensor(thresholds.dtype, [channels, n], data),
    channels,
    () => 0,
    () => 1,
    signOf,
  );
}

/** What the layer asks of its threshold unit. */
export function optionsOf(
  { inputs: [x, thresholds], attrs, types }: Layer<ThresholdingAttrs>,
  device: Device,
): ThresholdOptions {
  if (thresholds?.kind !== 'constant') return bug('a Thresholding layer without constant thresholds');
  const { dtype, shape } = x!.type;
  return {
    table: tableOf(dtype, thresholds.tensor, shape.at(-1)!, attrs.sign),
    pe: attrs.pe,
    accBits: dtype.bits,
    accSigned: dtype.signed && dtype !== BIPOLAR,
    output: types[0]!.dtype,
    scale: attrs.scale,
    bias: attrs.bias,
    device,
    memory: attrs.memory,
  };
}

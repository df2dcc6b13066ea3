import { bug } from '../../diagnostics/diagnostic.ts';
import type { Counter } from '../../hdl/counters.ts';
import type { RomShape } from '../../hdl/threshold-rom.ts';
import { packWords } from '../../hdl/verilog.ts';
import { BIPOLAR, type DataType } from '../../ir/datatype.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { log2Ceil } from '../../util/maths.ts';
import type { Layer } from '../operator.ts';
import type { LookupAttrs } from './attrs.ts';

export interface LookupSizes {
  readonly rows: number;
  readonly index: DataType;
  /** Bits of a row's number; 0 if there is but one. */
  readonly rowBits: number;
  /** Beats of a row. */
  readonly fold: Counter;
  readonly foldBits: number;
  /** Is the row's number the high part of an address, or the low one: whichever leaves fewer words unused. */
  readonly rowFirst: boolean;
  readonly shape: RomShape;
}

/** The table, which `infer` has seen to be a constant. */
export function tableOf({ inputs: [table] }: Layer<LookupAttrs>): Tensor {
  return table?.kind === 'constant' ? table.tensor : bug('a Lookup without its table');
}

export function sizesOf(layer: Layer<LookupAttrs>): LookupSizes {
  const table = tableOf(layer);
  const [rows, columns] = table.shape as [number, number];
  const { pe } = layer.attrs;
  const folds = columns / pe;
  const [rowBits, foldBits] = [log2Ceil(rows), log2Ceil(folds)];
  const high = (rows - 1) * 2 ** foldBits + folds;
  const low = (folds - 1) * 2 ** rowBits + rows;
  return {
    rows,
    index: layer.inputs[1]!.type.dtype,
    rowBits,
    fold: { name: 'fold', count: folds },
    foldBits,
    rowFirst: high <= low,
    shape: { depth: Math.min(high, low), width: pe * table.dtype.bits },
  };
}

/** The table as words of `pe` elements, by address; words that no index reaches are 0. */
export function wordsOf(layer: Layer<LookupAttrs>): bigint[] {
  const { rows, rowBits, fold, foldBits, rowFirst, shape } = sizesOf(layer);
  const { dtype, data } = tableOf(layer);
  const { pe } = layer.attrs;
  const words = new Array<bigint>(shape.depth).fill(0n);
  for (let row = 0; row < rows; row += 1)
    for (let f = 0; f < fold.count; f += 1) {
      const from = (row * fold.count + f) * pe;
      const elements = Array.from(data.subarray(from, from + pe), (v) =>
        dtype === BIPOLAR ? BigInt(v > 0) : BigInt(v),
      );
      words[rowFirst ? row * 2 ** foldBits + f : f * 2 ** rowBits + row] = packWords(elements, dtype.bits);
    }
  return words;
}

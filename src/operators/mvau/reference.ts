import type { DataType } from '../../ir/datatype.ts';
import { type Tensor, tensor } from '../../ir/tensor.ts';

/** x (…, MW) times W (MW, MH), in exact integers. */
export function multiply(x: Tensor, weights: Tensor, dtype: DataType): Tensor {
  const [mw, mh] = weights.shape as [number, number];
  const rows = x.data.length / mw;
  const out = new Float64Array(rows * mh);
  for (let r = 0; r < rows; r += 1) {
    const from = r * mh;
    for (let i = 0; i < mw; i += 1) {
      const value = x.data[r * mw + i]!;
      if (value === 0) continue;
      const row = i * mh;
      for (let j = 0; j < mh; j += 1) out[from + j]! += value * weights.data[row + j]!;
    }
  }
  return tensor(dtype, [...x.shape.slice(0, -1), mh], out);
}

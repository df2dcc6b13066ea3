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

/** QONNX's MultiThreshold on the last axis: scale · (thresholds t ≤ value) + bias. Rows of thresholds ascend. */
export function activate(acc: Tensor, thresholds: Tensor, scale: number, bias: number, dtype: DataType): Tensor {
  const channels = acc.shape.at(-1)!;
  const [rows, steps] = thresholds.shape as [number, number];
  const out = new Float64Array(acc.data.length);
  for (let i = 0; i < out.length; i += 1) {
    const row = (rows === 1 ? 0 : i % channels) * steps;
    const value = acc.data[i]!;
    let low = 0;
    let high = steps;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (thresholds.data[row + middle]! <= value) low = middle + 1;
      else high = middle;
    }
    out[i] = scale * low + bias;
  }
  return tensor(dtype, acc.shape, out);
}

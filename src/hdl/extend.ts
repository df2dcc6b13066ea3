import { BIPOLAR, type DataType } from '../ir/datatype.ts';
import { concat } from './verilog.ts';

/** Verilog of `lanes` elements of one type in the bits of a wider one. */
export function extended(vector: string, lanes: number, from: DataType, to: DataType): string {
  if (from === to) return vector;
  const parts = Array.from({ length: lanes }, (_, i) => {
    const top = `${vector}[${(i + 1) * from.bits - 1}]`;
    // BIPOLAR's 0 is −1, and its 1 is 1.
    if (from === BIPOLAR) return to.bits === 1 ? top : `{{${to.bits - 1}{~${top}}}, 1'b1}`;
    const element = `${vector}[${i * from.bits} +: ${from.bits}]`;
    const more = to.bits - from.bits;
    return more === 0 ? element : `{{${more}{${from.signed ? top : "1'b0"}}}, ${element}}`;
  });
  return concat(parts.reverse());
}

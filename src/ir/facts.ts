import { type Data, extremes, type Tensor } from './tensor.ts';

/** What is asked of large constants again and again. */
export interface Facts {
  readonly integer: boolean;
  readonly min: number;
  readonly max: number;
  /** Is no element 0? */
  readonly nonZero: boolean;
}

/** By their elements, which tensors of several types share. */
const known = new WeakMap<Data, Facts>();

/** Are all elements integers, and between which; found once for each array of elements. */
export function factsOf({ data }: Tensor): Facts {
  let facts = known.get(data);
  if (!facts) {
    let integer = true;
    for (let i = 0; i < data.length && integer; i += 1) integer = Number.isInteger(data[i]);
    let zeros = 0;
    for (let i = 0; i < data.length; i += 1) if (data[i] === 0) zeros += 1;
    const [min, max] = extremes(data);
    facts = { integer, min, max, nonZero: zeros === 0 };
    known.set(data, facts);
  }
  return facts;
}

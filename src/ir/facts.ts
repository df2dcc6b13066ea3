import { extremes, type Tensor } from './tensor.ts';

/** What is asked of large constants again and again. */
export interface Facts {
  readonly integer: boolean;
  readonly min: number;
  readonly max: number;
}

const known = new WeakMap<Tensor, Facts>();

/** Are all elements integers, and between which; found once for each tensor. */
export function factsOf(t: Tensor): Facts {
  let facts = known.get(t);
  if (!facts) {
    const { data } = t;
    let integer = true;
    for (let i = 0; i < data.length && integer; i += 1) integer = Number.isInteger(data[i]);
    const [min, max] = extremes(data);
    facts = { integer, min, max };
    known.set(t, facts);
  }
  return facts;
}

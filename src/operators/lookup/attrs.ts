import type { Attrs } from '../../ir/graph.ts';

export interface LookupAttrs extends Attrs {
  /** Elements of a row in a beat; divides them. */
  readonly pe: number;
  /** Where the table lies. */
  readonly memory: 'auto' | 'lut' | 'block';
}

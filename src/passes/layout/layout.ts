import type { Node, Value } from '../../ir/graph.ts';
import type { Form } from './form.ts';

/** What a layout rule may ask for: its inputs in the form that it needs. */
export interface Layout {
  form(value: Value): Form;
  /** The value as N×H×W×C, brought there if it must be. */
  image(value: Value): Value;
  /** The value as it lies in the network. */
  plain(value: Value): Value;
}

/** One form for each output of the node. */
export type LayoutRule = (node: Node, layout: Layout) => readonly Form[];

import type { AnyStep } from '../engine/step.ts';
import type { Op } from '../ir/graph.ts';
import type { Operator } from '../operators/operator.ts';
import type { Pass } from '../passes/plugged.ts';
import type { Rule } from '../passes/streamline/rule.ts';

/** An ONNX operator of a domain of one's own, as models may have it. Where neither is said it stays on the host. */
export interface OnnxOperator {
  /** What it means, by `define`. */
  readonly op: Op;
  /** A function of each element alone: between a product and a quantiser it becomes thresholds, as finn's own activations do. */
  readonly elementwise?: boolean;
  /** What it does to carried integers (docs/walk.md); an operator of the plug-in takes what it leaves. Of networks of vectors. */
  readonly rule?: Rule;
}

// biome-ignore lint/suspicious/noExplicitAny: operators of every kind of attributes meet in one list
type AnyOperator = Operator<any>;

/** What a file that finn.config.yaml lists under `plugins` exports as `plugin`. All parts are lists, in the order in which they are asked or run. */
export interface Plugin {
  /** Small letters, digits and hyphens: what messages call it. */
  readonly name: string;
  /** Hardware layers. Lowering asks them before finn's own. */
  readonly operators?: readonly AnyOperator[];
  /** ONNX operators that models may have. */
  readonly onnx?: readonly OnnxOperator[];
  readonly passes?: readonly Pass[];
  /** Steps, by `networkStep`, `buildStep` and `layerStep`. */
  readonly steps?: readonly AnyStep[];
}

/** A plug-in, typed: `export const plugin = definePlugin({ … })`. */
export const definePlugin = (plugin: Plugin): Plugin => plugin;

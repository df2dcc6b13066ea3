import type { Design, StreamPort } from '../hdl/design.ts';
import type { Device, Family } from '../hdl/device.ts';
import type { Attrs, Node, Op, Value } from '../ir/graph.ts';

/** What a circuit costs. Keys that a family does not have are absent. */
export interface Resources {
  readonly lut: number;
  readonly ff?: number;
  /** Block RAMs in the family's unit: SB_RAM40 (ice40), DP16KD (ecp5), RAMB18 (xc7, xcup). */
  readonly bram: number;
  readonly uram?: number;
  readonly dsp: number;
}

export type { Device, Family };

/** One attribute that recipes may set on a layer. */
export interface Field {
  readonly doc: string;
  readonly type: 'integer' | 'choice';
  readonly choices?: readonly string[];
  /** FINN's name of it in folding files: PE, SIMD, ram_style. */
  readonly finn: string;
}

/** When a layer takes and gives beats, for one frame after the other: the basis of FIFO sizing, exact to the cycle. */
export type Schedule = Pipeline | Buffered;

/** One rigid pipeline: it moves on by a cycle as a whole, or not at all. */
export interface Pipeline {
  readonly kind?: 'pipeline';
  /** Cycles of one frame that is never made to wait: the initiation interval. */
  readonly interval: number;
  /** Divides `interval`: takes and gives repeat after that many cycles. The interval itself where it is left out; large frames are played faster with it. */
  readonly period?: number;
  /** Input stream `port` takes a beat in cycle t (0 ≤ t < interval). */
  takes(port: number, t: number): boolean;
  /** Output stream `port` gives a beat because of cycle t; it leaves `depth` cycles later. */
  gives(port: number, t: number): boolean;
  /** Registers between the cycle that completes a result and the result on the output. */
  readonly depth: number;
}

/**
 * An input side and an output side with a buffer between them, one stream each. In a cycle the input side takes beat i of
 * the endless input if i < `keeps` of the next output beat + capacity; the output side issues beat j if all of its `needs`
 * had been taken before this cycle and its pipeline moves. Both look at the state at the beginning of the cycle. Beats
 * count on from frame to frame: frame f adds f · inputs to needs and keeps.
 */
export interface Buffered {
  readonly kind: 'buffered';
  /** Beats of a frame. */
  readonly inputs: number;
  readonly outputs: number;
  /** Input beats of the frame that must have been taken before output beat j (0 ≤ j < outputs) is issued. */
  needs(j: number): number;
  /** Input beats of the frame, from its first on, whose places are free again when output beat j is the next. Never falls. */
  keeps(j: number): number;
  /** Beats that the buffer holds. */
  readonly capacity: number;
  /** A place is free in the very cycle in which the output beat is issued that frees it, not from the next cycle on. */
  readonly through?: boolean;
  /** Cycles from the issue of an output beat to its leaving. */
  readonly depth: number;
}

/** A layer: a node whose op is an operator. */
export type Layer<A extends Attrs = Attrs> = Node<A> & { readonly op: Operator<A> };

/** The recipe's choices for lowering. */
export interface LoweringOptions {
  /** Leave thresholds a layer of their own instead of fusing them into the matrix unit in front. */
  readonly standaloneThresholds: boolean;
}

/** What `lower` may look at: the recipe's choices, and who else reads a value. */
export interface Lowering {
  readonly options: LoweringOptions;
  /** Does only this node read the value? */
  sole(value: Value): boolean;
}
export type Lowered =
  | {
      readonly value: Value;
      /** The output of the node that `value` replaces; 0 if left out. */
      readonly output?: number;
    }
  /** Of a node with several outputs, the values that replace them all, in order. */
  | { readonly values: readonly Value[] }
  /** It would be this operator's, were it not for this reason. */
  | { readonly refused: string };

/** A hardware layer, whole: meaning, parallelism, cost, circuit. One folder each. */
export interface Operator<A extends Attrs = Attrs> extends Op<A> {
  readonly doc: string;
  /** Attributes that recipes may set. */
  readonly fields: Readonly<Record<string, Field>>;
  /**
   * `node` is a node of the integer network whose inputs are lowered already. The value that replaces its output,
   * or why not, or undefined where it is none of this operator's business.
   */
  lower?(node: Node, lowering: Lowering): Lowered | undefined;
  /** Parallelism attributes, each with the number it must divide, in the order in which folding raises them. */
  parallel(layer: Layer<A>): Readonly<Record<string, number>>;
  /** Further attributes, one set after the other, that folding tries on a layer that is still too slow with all of `parallel` raised. */
  beyond?(layer: Layer<A>): readonly Readonly<Record<string, number>>[];
  /** Attributes that the layer in front of the first stream must have, whose order of elements depends on this layer's. */
  demands?(layer: Layer<A>): Readonly<Record<string, number>>;
  /** Bits that one unit of SIMD adds to the weight stream; folding by frame rate caps their product. */
  weightBits?(layer: Layer<A>): number;
  /** The same layer with its weight, threshold and accumulator types as narrow as its constants allow. */
  narrow?(layer: Layer<A>): Layer<A>;
  streams(layer: Layer<A>): readonly StreamPort[];
  /** Cycles of one frame in steady state: the initiation interval. */
  cycles(layer: Layer<A>): number;
  schedule(layer: Layer<A>): Schedule;
  resources(layer: Layer<A>, device: Device): Resources;
  /** Why it cannot be built on this device, in words for a user. */
  refuse?(layer: Layer<A>, device: Device): string | undefined;
  /** Its circuit; the top module is called `name`. */
  rtl(layer: Layer<A>, device: Device, name: string): Design;
  /** FINN's counts of operations and parameters: op_mac_1bx1b, param_weight_1b, param_threshold_10b. */
  counts?(layer: Layer<A>): Readonly<Record<string, number>>;
  /** Of a queue, which passes beats on as they are: how many it holds. */
  capacity?(layer: Layer<A>): number;
  /** Folding puts it between other layers; the network has none of its own. */
  readonly inserted?: boolean;
  /** What FINN calls it, for its report and folding files. */
  finn(layer: Layer<A>): { readonly opType: string; readonly attributes: Readonly<Record<string, number | string>> };
  /** Small legal layers, to which the conformance test holds every member above. */
  samples(): readonly Layer<A>[];
}

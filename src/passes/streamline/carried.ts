import { fail, inNetwork } from '../../diagnostics/diagnostic.ts';
import { FLOAT64 } from '../../ir/datatype.ts';
import type { Node, Value } from '../../ir/graph.ts';
import { scalar, sizeOf, type Tensor, tensor } from '../../ir/tensor.ts';

/** An elementwise node of the network, and which of its inputs the chain runs through; its other inputs are constant. */
export interface Link {
  readonly node: Node;
  readonly position: number;
}

/** Least and greatest integer that can occur, for each channel (axis 1), or one for all. */
export interface Range {
  readonly min: Float64Array;
  readonly max: Float64Array;
}

/**
 * A real tensor of the network as integers: real = links(fround(scale · base + offset)), where scale · base + offset is
 * computed in binary64 and rounded once to binary32, and the links then run in binary32, one rounding an operation.
 */
export interface Integers {
  readonly kind: 'integers';
  readonly base: Value;
  /** FLOAT64, broadcastable to base. */
  readonly scale: Tensor;
  readonly offset: Tensor;
  readonly links: readonly Link[];
  readonly range: Range;
}

/** A real tensor that the host computes, before the accelerator or behind it, as a value of the network itself. */
export interface Host {
  readonly kind: 'host';
  readonly side: 'before' | 'behind';
  readonly value: Value;
  /** The first node that keeps it on the host, and why. */
  readonly because?: Because;
}

/** Why a node stays on the host; `hint` says what to change where hardware needs its result. */
export interface Because {
  readonly node: Node;
  readonly reason: string;
  readonly hint?: string | undefined;
}

/**
 * A sum of quantised tensors of unequal scales: real = links(Σ fround(scaleᵢ·baseᵢ + offsetᵢ)), the terms added in order,
 * one rounding an addition. The quantiser behind it finds integers to multiply the terms by.
 */
export interface Sum {
  readonly kind: 'sum';
  /** Without links; scales are numbers. */
  readonly terms: readonly Integers[];
  readonly links: readonly Link[];
  /** The addition itself, for the host and for messages. */
  readonly node: Node;
}

export type Carried = Integers | Sum | Host;

export const ONE: Tensor = scalar(FLOAT64, 1);
export const ZERO: Tensor = scalar(FLOAT64, 0);

export const isScalar = (t: Tensor): boolean => t.data.length === 1;
export const isOne = (t: Tensor): boolean => t.data.every((v) => v === 1);
export const isZero = (t: Tensor): boolean => t.data.every((v) => v === 0);

/** A parameter with a function of each element, in binary64. */
export const mapped = (t: Tensor, f: (x: number) => number): Tensor =>
  tensor(FLOAT64, t.shape, Float64Array.from(t.data, f));

/** A parameter that is the same number everywhere, as that number. */
export const collapsed = (t: Tensor): Tensor =>
  t.data.length > 0 && t.data.every((v) => v === t.data[0]) ? tensor(FLOAT64, [], [t.data[0]!]) : t;

/** A parameter with leading axes of 1 up to `rank`; a number stays a number. */
export const ofRank = (t: Tensor, rank: number): Tensor =>
  t.data.length === 1 || t.shape.length >= rank
    ? t
    : { ...t, shape: [...new Array<number>(rank - t.shape.length).fill(1), ...t.shape] };

/** Elementwise arithmetic in binary64 on two tensors of which at least one is a scalar, or that have equal shapes. */
export function combine(a: Tensor, b: Tensor, f: (x: number, y: number) => number): Tensor | undefined {
  if (isScalar(b)) return mapped(a, (x) => f(x, b.data[0]!));
  if (isScalar(a)) return mapped(b, (y) => f(a.data[0]!, y));
  if (sizeOf(a.shape) !== sizeOf(b.shape) || a.shape.join() !== b.shape.join()) return undefined;
  return tensor(
    FLOAT64,
    a.shape,
    Float64Array.from(a.data, (x, i) => f(x, b.data[i]!)),
  );
}

/**
 * One number a channel (axis 1) of a parameter that is broadcast over a tensor of `rank` axes and `channels` channels;
 * undefined where it varies along another axis.
 */
export function perChannel(t: Tensor, rank: number, channels: number): Float64Array | undefined {
  if (isScalar(t)) return new Float64Array(channels).fill(t.data[0]!);
  const lead = rank - t.shape.length;
  if (lead < 0 || !t.shape.every((n, i) => n === 1 || (i + lead === 1 && n === channels))) return undefined;
  return Float64Array.from(t.data);
}

/** Channels (size of axis 1) of a value; 1 for vectors and scalars. */
export const channelsOf = (value: Value): number => value.type.shape[1] ?? 1;

/** Refuses a node by its ONNX name. */
export function refuse(node: Node, reason: string, hint: string): never {
  return fail('streamline/unsupported', `${node.op.name} '${node.origin[0]}': ${reason}`, {
    at: inNetwork(node.origin),
    hint,
  });
}

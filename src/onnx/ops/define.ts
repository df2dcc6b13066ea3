import type { Code } from '../../diagnostics/codes.ts';
import { fail, inNetwork } from '../../diagnostics/diagnostic.ts';
import { type DataType, FLOAT32, FLOAT64, smallest } from '../../ir/datatype.ts';
import { type Attrs, constant, type NodeContext, type Op, type TensorType, type Value } from '../../ir/graph.ts';
import { broadcastShape, type Tensor } from '../../ir/tensor.ts';

/** QONNX's domain of quantisers, under which every spelling of it is registered. */
export const QONNX = 'qonnx.custom_op.general';
/** The domain of operations that finn writes between streamlining and lowering and that no standard has. */
export const FINN = 'finn.custom_op.general';

/** Where nothing better can be said about shapes. */
const misfit = 'look in Netron what makes its inputs: a node in front gives another shape than it was meant to';

/** One node, as `infer` sees it: typed access to inputs and attributes, and errors that name the node. */
export class Site {
  readonly op: string;
  readonly inputs: readonly (Value | undefined)[];
  readonly attrs: Attrs;
  readonly context: NodeContext;
  constructor(op: string, inputs: readonly (Value | undefined)[], attrs: Attrs, context: NodeContext) {
    this.op = op;
    this.inputs = inputs;
    this.attrs = attrs;
    this.context = context;
  }

  /** Fails with a message that begins with the node's name and operator. */
  fail(code: Code, message: string, hint?: string): never {
    const { origin } = this.context;
    return fail(code, `${origin.join(', ') || 'a node'} (${this.op}): ${message}`, {
      at: inNetwork(origin),
      hint: hint ?? (code === 'onnx/shape' ? misfit : undefined),
    });
  }
  /** The type of an input that must be there. */
  type(index: number): TensorType {
    return (this.inputs[index] ?? this.fail('onnx/input', `input ${index} is missing`)).type;
  }
  shape(index: number): readonly number[] {
    return this.type(index).shape;
  }
  /** An input that must be a constant, because shapes depend on it; undefined if it is left out. */
  constant(index: number, what: string): Tensor | undefined {
    const value = this.inputs[index];
    if (!value) return undefined;
    if (value.kind !== 'constant')
      return this.fail(
        'onnx/dynamic-shape',
        `its ${what} (input ${index}) must be constant`,
        `it is computed from the input of the network: export the network with its ${what} fixed`,
      );
    return value.tensor;
  }
  /** A constant list of integers from an input, or the attribute of that name from before it became an input. */
  integers(index: number, what: string): number[] | undefined {
    const given = this.constant(index, what);
    if (!given) return this.attrs[what] === undefined ? undefined : this.list(what);
    const bad = given.data.find((v) => !Number.isInteger(v));
    if (bad !== undefined)
      this.fail(
        'onnx/input',
        `its ${what} (input ${index}) holds ${bad}, which is no integer`,
        'give it whole numbers',
      );
    return [...given.data];
  }
  number(name: string, otherwise: number): number {
    const value = this.attrs[name] ?? otherwise;
    return typeof value === 'number' ? value : this.illegal(name, value, 'a number');
  }
  integer(name: string, otherwise: number): number {
    const value = this.number(name, otherwise);
    return Number.isInteger(value) ? value : this.illegal(name, value, 'an integer');
  }
  flag(name: string, otherwise: boolean): boolean {
    const value = this.attrs[name] ?? (otherwise ? 1 : 0);
    if (value === true || value === 1) return true;
    return value === false || value === 0 ? false : this.illegal(name, value, '0 or 1');
  }
  string(name: string, otherwise: string): string {
    const value = this.attrs[name] ?? otherwise;
    return typeof value === 'string' ? value : this.illegal(name, value, 'a string');
  }
  choice<T extends string>(name: string, choices: readonly T[], otherwise: T): T {
    const value = this.attrs[name] ?? otherwise;
    return choices.find((c) => c === value) ?? this.illegal(name, value, choices.join(', '));
  }
  list(name: string): number[];
  list(name: string, length: number, otherwise: number): number[];
  list(name: string, length?: number, otherwise?: number): number[] {
    const value = this.attrs[name];
    if (value === undefined && otherwise !== undefined) return new Array<number>(length!).fill(otherwise);
    if (!Array.isArray(value) || !value.every((v): v is number => Number.isInteger(v))) {
      return this.illegal(name, value, 'a list of integers');
    }
    if (length !== undefined && value.length !== length) {
      return this.illegal(name, value, `a list of ${length} integers`);
    }
    return value;
  }
  /** Fails because attribute `name` is `value`; `legal` completes "must be …". */
  illegal(name: string, value: unknown, legal: string): never {
    const shown = value === undefined ? 'missing' : (JSON.stringify(value) ?? 'undefined').slice(0, 80);
    return this.fail('onnx/attribute', `attribute '${name}' is ${shown}`, `it must be ${legal}`);
  }
  /** An axis in 0 … rank−1; negative ones count from the end. */
  axis(value: number, rank: number): number {
    const axis = value < 0 ? value + rank : value;
    if (Number.isInteger(axis) && axis >= 0 && axis < rank) return axis;
    return this.fail('onnx/shape', `axis ${value} does not exist`, `the tensor has ${rank} axes`);
  }
  /** Shape of two inputs broadcast together. */
  broadcast(...indices: number[]): number[] {
    let shape: number[] = [];
    for (const index of indices) {
      const wide = broadcastShape(shape, this.shape(index));
      if (!wide) {
        const shapes = indices.map((i) => `[${this.shape(i).join(', ')}]`).join(' and ');
        this.fail(
          'onnx/shape',
          `shapes ${shapes} do not broadcast`,
          'its inputs need the same shape (extents of 1 are repeated): look at strides, pads and kernels of the branches in front',
        );
      }
      shape = wide;
    }
    return shape;
  }
}

export interface Definition {
  readonly name: string;
  readonly domain?: string;
  /** Least and greatest number of inputs. */
  readonly arity: readonly [number, number];
  /** Most outputs that are computed; 1 if left out. */
  readonly outputs?: number;
  infer(site: Site): TensorType | readonly TensorType[];
  /** `site` has the inputs as constants; `types` are what `infer` gave. */
  evaluate(
    inputs: readonly (Tensor | undefined)[],
    site: Site,
    types: readonly TensorType[],
  ): Tensor | readonly Tensor[];
}

/** An ONNX operator: checks the number of inputs and outputs, so that `infer` can speak about the rest. */
export function define(definition: Definition): Op {
  const { name, domain = '', arity, outputs = 1 } = definition;
  return {
    name,
    domain,
    infer(inputs, attrs, context) {
      const site = new Site(name, inputs, attrs, context);
      if (inputs.length < arity[0] || inputs.length > arity[1]) {
        const legal = arity[0] === arity[1] ? `${arity[0]}` : `${arity[0]} to ${arity[1]}`;
        site.fail('onnx/input', `it has ${inputs.length} inputs`, `${name} takes ${legal}`);
      }
      for (let i = 0; i < arity[0]; i += 1) site.type(i);
      if (context.outputs > outputs) {
        site.fail('onnx/unsupported', `it has ${context.outputs} outputs`, `finn computes ${outputs} of ${name}`);
      }
      const types = definition.infer(site);
      return Array.isArray(types) ? types : [types as TensorType];
    },
    evaluate(inputs, attrs, context) {
      const values = inputs.map((x) => x && constant(x));
      const made = definition.evaluate(inputs, new Site(name, values, attrs, context), context.types);
      return Array.isArray(made) ? made : [made as Tensor];
    },
  };
}

/** Is this type an integer type? */
export const isInteger = (type: TensorType): boolean => type.dtype.integer;

/** FLOAT64 if any input is, otherwise FLOAT32: what arithmetic gives that is not exact. */
export const floatOf = (...types: readonly TensorType[]): DataType =>
  types.some((t) => t.dtype === FLOAT64) ? FLOAT64 : FLOAT32;

/** The type of integers min…max; FLOAT64 where they would not be exact in binary64. */
export const integerRange = (min: number, max: number): DataType =>
  min < -(2 ** 53) || max > 2 ** 53 ? FLOAT64 : smallest(min, max);

/** The narrowest type that holds the elements of both; `a` itself if they are equal. */
export function common(a: DataType, b: DataType): DataType {
  if (a === b) return a;
  if (!a.integer || !b.integer) return a === FLOAT64 || b === FLOAT64 ? FLOAT64 : FLOAT32;
  return a.bits === 64 || b.bits === 64
    ? a.bits === 64
      ? a
      : b
    : integerRange(Math.min(a.min, b.min), Math.max(a.max, b.max));
}

/** Rounds to the storage of a type: binary32 for FLOAT32, nothing for the rest. */
export const rounder = (dtype: DataType): ((x: number) => number) => (dtype === FLOAT32 ? Math.fround : (x) => x);

import { FLOAT32, FLOAT64 } from '../../ir/datatype.ts';
import type { Node, TensorType } from '../../ir/graph.ts';
import { writeNpy } from '../../ir/npy.ts';
import type { Tensor } from '../../ir/tensor.ts';

/** What a step reads: a value by its number (0 is the input, i + 1 what step i makes), or a constant. */
export type Operand = number | Tensor;

/** Settings of a step beside what it reads. */
export type Options = Readonly<Record<string, number | boolean | readonly number[]>>;

/** One function of host_part.py. It computes in binary64 and is rounded once, to the storage of its type. */
export interface HostStep {
  readonly op: string;
  readonly reads: readonly Operand[];
  /** Of one frame, as in the network: its batch axis is one of the axes. */
  readonly type: TensorType;
  readonly options: Options;
}

/** What the host computes before or behind the accelerator, on frames of the shapes that the network has. */
export interface HostProgram {
  readonly input: TensorType;
  readonly steps: readonly HostStep[];
  /** The value that is the result. */
  readonly result: number;
  /** Type of that value. */
  readonly output: TensorType;
}

/** A program while it is written. */
export class HostWriter {
  readonly input: TensorType;
  readonly steps: HostStep[] = [];
  constructor(input: TensorType) {
    this.input = input;
  }

  /** Writes one more step; its value. */
  step(op: string, reads: readonly Operand[], type: TensorType, options: Options = {}): number {
    this.steps.push({ op, reads, type, options });
    return this.steps.length;
  }
  typeOf(operand: Operand): TensorType {
    if (typeof operand !== 'number') return operand;
    return operand === 0 ? this.input : this.steps[operand - 1]!.type;
  }
  /** The program with that result. */
  done(result: number): HostProgram {
    return { input: this.input, steps: this.steps, result, output: this.typeOf(result) };
  }
}

/** How a node of the network becomes steps: the values of its outputs, or undefined where the driver cannot compute it. */
export type HostRule = (
  node: Node,
  reads: readonly (Operand | undefined)[],
  writer: HostWriter,
) => readonly Operand[] | undefined;

/** A type of the same storage as the interpreter's reals for this one: binary32 unless it is binary64. */
export const realType = ({ dtype, shape }: TensorType): TensorType => ({
  dtype: dtype === FLOAT64 ? FLOAT64 : FLOAT32,
  shape,
});

/** Constants of at most so many numbers stand in the JSON itself. */
const inlined = 8;

/**
 * A program as accelerator.json has it, and the files beside with its larger constants; `name` tells them from those of
 * another program.
 */
export function encodeProgram(
  program: HostProgram,
  name: string,
): { json: unknown; files: Record<string, Uint8Array> } {
  const files: Record<string, Uint8Array> = {};
  const known = new Map<Tensor, string>();
  const operand = (read: Operand): unknown => {
    if (typeof read === 'number') return read;
    if (read.data.length <= inlined && read.data.every(Number.isFinite))
      return { shape: read.shape, values: [...read.data] };
    const path = known.get(read) ?? `constants/${name}_${known.size}.npy`;
    known.set(read, path);
    files[path] = writeNpy(read);
    return { npy: path };
  };
  const json = {
    input: typeJson(program.input),
    steps: program.steps.map(({ op, reads, type, options }) => ({
      ...{ op, reads: reads.map(operand), ...typeJson(type) },
      ...options,
    })),
    result: program.result,
    output: typeJson(program.output),
  };
  return { json, files };
}

/** The name of a type says whether values are integers; reals of binary32 are rounded to it, all else is binary64. */
const typeJson = ({ dtype, shape }: TensorType): { shape: readonly number[]; type: string } => ({
  shape,
  type: dtype.name,
});

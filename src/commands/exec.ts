import { FinnError, fail } from '../diagnostics/diagnostic.ts';
import { admits } from '../ir/datatype.ts';
import { evaluate } from '../ir/evaluate.ts';
import type { Graph, InputValue } from '../ir/graph.ts';
import { readNpy, writeNpy } from '../ir/npy.ts';
import { allocate, sizeOf, type Tensor, tensor } from '../ir/tensor.ts';
import { writeAtomically } from '../util/files.ts';
import { reason } from '../util/system-error.ts';
import { typeText } from './graph.ts';
import { readAnyModel, readGiven } from './model-file.ts';
import type { Io } from './session.ts';
import { plural } from './table.ts';
import { useTrustedPlugins } from './trusted-plugins.ts';

export interface ExecOptions {
  /** .npy files in the order of the model's inputs. */
  readonly input: readonly string[];
  /** .npy files in the order of the model's outputs; those left over are not written. */
  readonly output: readonly string[];
}

/** `finn exec`: runs a model in the reference interpreter, frame by frame. */
export async function exec(model: string, { input, output }: ExecOptions, io: Io): Promise<number> {
  useTrustedPlugins(model, io);
  const graph = readAnyModel(model);
  if (input.length !== graph.inputs.length)
    fail('cli/usage', `${model} has ${plural(graph.inputs.length, 'input')}, ${input.length} given with --input`, {
      hint: `in this order: ${graph.inputs.map(({ name, type }) => `${name} (${typeText(type)})`).join(', ')}`,
    });
  if (output.length > graph.outputs.length)
    fail('cli/usage', `${model} has ${plural(graph.outputs.length, 'output')}, ${output.length} named with --output`, {
      hint: `in this order: ${graph.outputs.map(({ name }) => name).join(', ')}`,
    });
  const fed = graph.inputs.map((value, i) => feed(value, input[i]!));
  const results = runFrames(graph, fed);
  for (const [i, path] of output.entries()) {
    const result = results[i]!;
    try {
      writeAtomically(path, writeNpy(result));
    } catch (cause) {
      fail('cli/file', `${path}: cannot be written: ${reason(cause)}`);
    }
    io.out(`${path}: ${graph.outputs[i]!.name}, ${typeText(result)}`);
  }
  return 0;
}

/** What an input is given: a tensor of its own shape, or as many of them as `frames` says one behind the other. */
interface Fed {
  readonly value: InputValue;
  readonly given: Tensor;
  readonly frames: number;
}

function feed(value: InputValue, path: string): Fed {
  const { name, type } = value;
  const given = readFile(path);
  const size = sizeOf(type.shape);
  const frames = given.data.length / size;
  if (!Number.isInteger(frames) || frames === 0)
    fail(
      'exec/input',
      `${path} has shape ${given.shape.join('×') || 'scalar'}, input '${name}' takes ${typeText(type)}`,
      {
        hint: `give one frame of ${plural(size, 'element')}, or several with the number of frames as first axis`,
      },
    );
  const { dtype } = type;
  const bad = dtype.integer ? given.data.findIndex((v) => !admits(dtype, v)) : -1;
  if (bad >= 0)
    fail(
      'exec/input',
      `element ${bad} of ${path} is ${given.data[bad]}, which is no ${dtype.name} as input '${name}' takes`,
      {
        hint: `${dtype.name} holds ${dtype.min} to ${dtype.max}`,
      },
    );
  return { value, given, frames };
}

function readFile(path: string): Tensor {
  const bytes = readGiven(path);
  try {
    return readNpy(bytes);
  } catch (cause) {
    if (!(cause instanceof FinnError)) throw cause;
    throw new FinnError(...cause.diagnostics.map((one) => ({ ...one, message: `${path}: ${one.message}` })));
  }
}

function runFrames(graph: Graph, fed: readonly Fed[]): Tensor[] {
  const counts = new Set(fed.map(({ frames }) => frames));
  if (counts.size > 1)
    fail('exec/input', `the inputs have different numbers of frames: ${[...counts].join(', ')}`, {
      hint: 'give every input the same number',
    });
  const [frames = 1] = counts;
  const results: Tensor[][] = graph.outputs.map(() => []);
  for (let frame = 0; frame < frames; frame += 1) {
    const inputs = fed.map(({ value: { name, type }, given }) => {
      const size = sizeOf(type.shape);
      return [name, tensor(type.dtype, type.shape, given.data.slice(frame * size, (frame + 1) * size))] as const;
    });
    const made = evaluate(graph, new Map(inputs));
    for (const [i, { name }] of graph.outputs.entries()) results[i]!.push(made.get(name)!);
  }
  return results.map(joined);
}

/** Tensors of one shape behind one another along the first axis. */
function joined(parts: readonly Tensor[]): Tensor {
  const [first] = parts as [Tensor];
  if (parts.length === 1) return first;
  const data = allocate(first.dtype, first.data.length * parts.length);
  for (const [i, part] of parts.entries()) data.set(part.data, i * first.data.length);
  const [batch = 1, ...rest] = first.shape;
  return tensor(first.dtype, [batch * parts.length, ...rest], data);
}

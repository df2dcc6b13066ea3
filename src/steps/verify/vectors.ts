import { error, FinnError, inNetwork } from '../../diagnostics/diagnostic.ts';
import { admits, FLOAT32, int, smallest } from '../../ir/datatype.ts';
import type { Graph } from '../../ir/graph.ts';
import { readNpy } from '../../ir/npy.ts';
import { extremes, sizeOf, type Tensor, tensor } from '../../ir/tensor.ts';
import { clamp } from '../../util/maths.ts';
import { random } from '../../util/random.ts';
import type { Vectors } from '../artifacts.ts';

/** Vectors that are made where the recipe names none: fewer of large frames, of which one has as many elements as many small ones. */
const MADE = { most: 16, least: 3, elements: 1 << 18 } as const;

/**
 * The recipe's vectors, checked against the network; seeded random ones where it names none. `inputs` becomes
 * [N, …the network's input without its batch axis], of the input's datatype.
 */
export function readVectors(graph: Graph, sources: Readonly<Record<string, Uint8Array>>): Vectors {
  const [first, ...others] = graph.inputs;
  if (!first || others.length > 0)
    throw new FinnError(
      error('verify/vectors', `the network has ${graph.inputs.length} inputs; finn builds accelerators with one`, {
        at: inNetwork(graph.inputs.map(({ name }) => name)),
        hint: 'put them together in one input (Concat or Split inside the network), or cut the network in two',
      }),
    );
  const { dtype, shape } = first.type;
  const frame = shape.slice(1);
  const size = sizeOf(shape);
  if (!sources['input.npy'])
    return { inputs: made(dtype, [clamp(Math.floor(MADE.elements / size), MADE.least, MADE.most), ...frame], size) };
  const read = readNpy(sources['input.npy']);
  const count = read.data.length / size;
  if (!Number.isInteger(count) || count === 0)
    throw new FinnError(
      error(
        'verify/vectors',
        `verify.input has shape [${read.shape}], ${read.data.length} elements: not a number of frames`,
        {
          at: inNetwork([first.name]),
          hint: `one frame has shape [${frame}], ${size} elements`,
        },
      ),
    );
  const bad = read.data.findIndex((v) => !admits(dtype, v));
  if (bad >= 0)
    throw new FinnError(
      error('verify/vectors', `verify.input holds ${read.data[bad]} (element ${bad}), which is no ${dtype.name}`, {
        at: inNetwork([first.name]),
        hint: `the accelerator is fed ${dtype.name}: ${dtype.min} to ${dtype.max}`,
      }),
    );
  return {
    inputs: tensor(dtype, [count, ...frame], read.data),
    expected: sources['expected.npy'] && perFrame(readNpy(sources['expected.npy']), count, 'verify.expected'),
    labels: sources['labels.npy'] && perFrame(readNpy(sources['labels.npy']), count, 'verify.labels'),
  };
}

function perFrame(read: Tensor, count: number, what: string): Tensor {
  if (read.data.length % count !== 0)
    throw new FinnError(
      error('verify/vectors', `${what} has ${read.data.length} elements for ${count} vectors`, {
        hint: 'its first axis is the number of vectors',
      }),
    );
  const data = Float64Array.from(read.data);
  const [min, max] = extremes(data);
  const dtype = data.every(Number.isInteger) ? smallest(Math.min(min, 0), Math.max(max, 0)) : FLOAT32;
  return tensor(dtype.bits > 64 ? int(64) : dtype, [count, data.length / count], data);
}

function made(dtype: Tensor['dtype'], shape: readonly number[], size: number): Tensor {
  const next = random(1);
  const value = (i: number): number => {
    if (!dtype.integer) return Math.fround(next.int(-2048, 2047) / 512);
    // The first two frames hold the extremes everywhere, where sums are largest.
    if (i < 2 * size) return i < size ? dtype.max : dtype.min;
    const v = next.int(dtype.min, dtype.max);
    return admits(dtype, v) ? v : dtype.max;
  };
  return tensor(
    dtype,
    shape,
    Float64Array.from({ length: sizeOf(shape) }, (_, i) => value(i)),
  );
}

/** Vector `i` as the network's input, with its batch axis of 1. */
export function frameOf(inputs: Tensor, i: number, shape: readonly number[]): Tensor {
  const size = sizeOf(shape);
  return tensor(inputs.dtype, shape, inputs.data.subarray(i * size, (i + 1) * size));
}

export const countOf = (inputs: Tensor): number => inputs.shape[0]!;

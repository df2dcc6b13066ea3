import { random } from '../../src/util/random.ts';
import { floats, info, int64s, model, op } from '../helpers/onnx-builder.ts';

/** Units of the third product that nobody reads. */
export const dead = [2, 5];

/**
 * A perceptron 6-8-8-3 of 3-bit weights whose channels are shuffled behind the first layer (a Gather in the middle, which
 * finn itself refuses) unless it is said not to be, and of whose second layer two units are read by nobody.
 */
export function shuffled({ shuffle = true }: { readonly shuffle?: boolean } = {}): Uint8Array {
  const values = random('shuffled');
  const weights = (rows: number, columns: number, zero: readonly number[] = []): number[] =>
    Array.from({ length: rows * columns }, (_, i) =>
      zero.includes(Math.floor(i / columns)) ? 0 : values.pick([-3, -2, -1, 1, 2, 3]),
    );
  const quant = (name: string, from: string, to: string, scale: string, signed: number) =>
    op(
      name,
      'Quant',
      [from, scale, 'zero', 'bits'],
      [to],
      { signed, narrow: 0, rounding_mode: 'ROUND' },
      'onnx.brevitas',
    );
  return model({
    inputs: [info('x', [1, 6])],
    nodes: [
      quant('w1', 'a', 'wa', 'one', 1),
      op('fc1', 'MatMul', ['x', 'wa'], ['p1']),
      quant('act1', 'p1', 'q1', 'step', 0),
      ...(shuffle ? [op('shuffle', 'Gather', ['q1', 'order'], ['s1'], { axis: 1 })] : []),
      quant('w2', 'b', 'wb', 'one', 1),
      op('fc2', 'MatMul', [shuffle ? 's1' : 'q1', 'wb'], ['p2']),
      quant('act2', 'p2', 'q2', 'step', 0),
      quant('w3', 'c', 'wc', 'one', 1),
      op('fc3', 'MatMul', ['q2', 'wc'], ['y']),
    ],
    initializers: [
      floats('one', [], [1]),
      floats('step', [], [4]),
      floats('zero', [], [0]),
      floats('bits', [], [3]),
      floats('a', [6, 8], weights(6, 8)),
      floats('b', [8, 8], weights(8, 8)),
      floats('c', [8, 3], weights(8, 3, dead)),
      int64s('order', [8], [0, 4, 1, 5, 2, 6, 3, 7]),
    ],
  });
}

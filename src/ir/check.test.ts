import { describe, expect, it } from 'vitest';
import { check } from './check.ts';
import { BIPOLAR, FLOAT32, int } from './datatype.ts';
import { apply, constant, type Graph, input, type Op, type Value } from './graph.ts';
import { tensor } from './tensor.ts';

const Same: Op = { name: 'Same', domain: 'test', infer: ([x]) => [x!.type], evaluate: ([x]) => [x!] };
const x = input('x', { dtype: FLOAT32, shape: [2] });
const graph = (value: Value, inputs = [x]): Graph => ({ name: 'g', inputs, outputs: [{ name: 'y', value }] });
const y = apply(Same, [x], {}, ['same']);

describe('check', () => {
  it('accepts a sound graph', () => expect(() => check(graph(y))).not.toThrow());
  it.each<[string, Graph, RegExp]>([
    ['an input that is not the graph’s', graph(y, []), /same \(Same\) reads 'x'/],
    [
      'a type that infer does not give',
      graph({ ...y, node: { ...y.node, types: [{ dtype: int(3), shape: [2] }] } }),
      /output 0 of same \(Same\) is INT3\[2\], infer gives FLOAT32\[2\]/,
    ],
    ['an output that does not exist', graph({ ...y, index: 1 }), /reads output 1 of same \(Same\), which has 1/],
    [
      'a constant beyond its type',
      graph(apply(Same, [constant(tensor(BIPOLAR, [2], [1, 0]), 'w')], {}, ['n'])),
      /element 1 of constant 'w' of n \(Same\) is 0, not BIPOLAR/,
    ],
    [
      'two outputs of one name',
      {
        ...graph(y),
        outputs: [
          { name: 'y', value: y },
          { name: 'y', value: x },
        ],
      },
      /two outputs have one name/,
    ],
    ['no outputs', { ...graph(y), outputs: [] }, /no outputs/],
  ])('refuses %s, and names the pass', (_, bad, message) => {
    expect(() => check(bad, 'absorb')).toThrow(message);
    expect(() => check(bad, 'absorb')).toThrow(/after absorb/);
  });
});

import { afterEach, expect, it } from 'vitest';
import { FinnError } from '../diagnostics/diagnostic.ts';
import { int, uint } from '../ir/datatype.ts';
import { apply, constant, type Graph, input, type NodeValue } from '../ir/graph.ts';
import { tensor } from '../ir/tensor.ts';
import { onnx } from './ops.ts';
import { extendPasses, type Pass, runPlugged, suspects } from './plugged.ts';

afterEach(() => extendPasses([]));

const x = input('x', { dtype: int(4), shape: [1, 3] });
const product = (weights: readonly number[], from = x): NodeValue =>
  apply(onnx('MatMul'), [from, constant(tensor(int(3), [3, 1], weights))], {}, ['fc']);
const graph = (value: NodeValue, inputs: Graph['inputs'] = [x]): Graph => ({
  name: 'net',
  inputs,
  outputs: [{ name: 'y', value }],
});
const before = graph(product([1, -2, 3]));

const use = (run: Pass['run'], at: Pass['at'] = 'before lower'): void =>
  extendPasses([{ pass: { name: 'mine', doc: '', at, run }, from: 'a.ts' }]);
const refused = (): string => {
  try {
    runPlugged('before lower', before, { note: () => {} });
  } catch (cause) {
    return cause instanceof FinnError ? cause.message : String(cause);
  }
  return 'it was not refused';
};

it('runs the passes of a place, in order, and no others', () => {
  const trail: string[] = [];
  const pass = (name: string, at: Pass['at']): { pass: Pass; from: string } => ({
    pass: {
      name,
      doc: '',
      at,
      run(given, { note }) {
        note('here');
        return given === before ? graph(product([1, -2, 3])) : given;
      },
    },
    from: 'a.ts',
  });
  extendPasses([pass('one', 'before lower'), pass('other', 'after lower'), pass('two', 'before lower')]);
  expect(runPlugged('before lower', before, { note: (text) => trail.push(text) })).not.toBe(before);
  expect(trail).toEqual(['one: here', 'two: here']);
  expect(runPlugged('after fold', before, { note: () => {} })).toBe(before);
});

it('names a pass that changes what the network computes', () => {
  use(() => graph(product([1, -2, 2])));
  expect(refused()).toMatch(
    /^plugin\/pass: pass 'mine' of a\.ts changes what the network computes: element 0 of 'y' is -?\d+, not -?\d+$/,
  );
});

it('names a pass that changes the ends', () => {
  const wider = input('x', { dtype: uint(4), shape: [1, 3] });
  use(() => graph(product([1, -2, 3], wider), [wider]));
  expect(refused()).toMatch(
    /pass 'mine' of a\.ts changes the ends of the network from x: INT4\[1, 3\] .* to x: UINT4\[1, 3\]/,
  );
});

it('names a pass that leaves an illegal graph, or none', () => {
  use(() => ({ ...before, inputs: [] }));
  expect(refused()).toMatch(
    /pass 'mine' of a\.ts leaves a graph that is not legal: after mine: fc .*reads 'x', which is no input/,
  );
  use(() => undefined as never);
  expect(refused()).toMatch(/^plugin\/pass: pass 'mine' of a\.ts leaves a graph that is not legal/);
});

it('says who is suspected where a comparison fails later', () => {
  use((given) => given);
  expect(suspects('before lower', 'after lower')).toBe("what changed the graph before this check: pass 'mine' of a.ts");
  expect(suspects('after lower')).toBeUndefined();
});

import { describe, expect, it } from 'vitest';
import { BIPOLAR, FLOAT32, int, uint } from '../../ir/datatype.ts';
import { constant, input, type Node, type NodeValue, type Op, type Value } from '../../ir/graph.ts';
import { tensor } from '../../ir/tensor.ts';
import { reductions } from '../../onnx/ops/reduction.ts';
import type { Lowering } from '../operator.ts';
import { globalAccPool } from './index.ts';

const alone: Lowering = { options: { standaloneThresholds: false }, sole: () => true };
const sum = reductions.find((op) => op.name === 'ReduceSum') as Op;
const list = (...axes: number[]): Value => constant(tensor(int(64), [axes.length], axes));
const nodeOf = (inputs: Value[], attrs: Record<string, unknown> = {}): Node => ({
  op: sum,
  inputs,
  attrs,
  types: sum.infer(inputs, attrs, { origin: ['mean'], outputs: 1 }),
  origin: ['mean'],
});
const lowered = (node: Node) => globalAccPool.lower!(node, alone);
const refusal = (node: Node) => (lowered(node) as { refused: string }).refused;
const x = input('x', { dtype: uint(4), shape: [1, 3, 5, 2] });

describe('lower', () => {
  it('takes sums over rows and columns, however their axes are given, and keeps their type', () => {
    for (const node of [
      nodeOf([x, list(1, 2)]),
      nodeOf([x, list(-2, 1)]),
      nodeOf([x, list(1, 2)], { keepdims: 0 }),
      nodeOf([input('x', { dtype: BIPOLAR, shape: [1, 3, 5, 2] }), list(1, 2)]),
      nodeOf([input('x', { dtype: int(3), shape: [1, 8, 1, 6] })], { axes: [1, 2] }),
    ]) {
      const { value } = lowered(node) as { value: NodeValue };
      expect(value.node.op).toBe(globalAccPool);
      expect(value.type).toEqual(node.types[0]);
    }
  });
  it('says why it cannot', () => {
    expect(refusal(nodeOf([x, list(3)]))).toMatch(/mean cannot .* sums axes \[3\] of \[1,3,5,2\]/);
    expect(refusal(nodeOf([input('x', { dtype: FLOAT32, shape: [1, 3, 5, 2] }), list(1, 2)]))).toMatch(/FLOAT32/);
    expect(refusal(nodeOf([input('x', { dtype: int(4), shape: [2, 3, 5, 2] }), list(1, 2)]))).toMatch(/batch is 2/);
  });
});

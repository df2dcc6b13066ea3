import { describe, expect, it } from 'vitest';
import { FLOAT32, int, uint } from '../../ir/datatype.ts';
import { constant, input, type Node, type NodeValue, type Value } from '../../ir/graph.ts';
import { scalar, tensor } from '../../ir/tensor.ts';
import { layerOf } from '../layer.ts';
import { labelSelect } from './index.ts';
import type { LabelSelectAttrs } from './sizes.ts';

const x = (labels: number, dtype = int(8)) => input('x', { dtype, shape: [1, labels] });
const layer = (labels: number, attrs: Partial<LabelSelectAttrs> = {}) =>
  layerOf<LabelSelectAttrs>(labelSelect, [x(labels)], { k: 1, labels, pe: 1, keepdims: 1, ...attrs }, ['top']);

const nodeOf = (name: string, inputs: Value[], attrs: Record<string, unknown>): Node => ({
  op: { name, domain: '', infer: () => [], evaluate: () => [] },
  inputs,
  attrs,
  types: [],
  origin: [name],
});
const lowered = (node: Node) =>
  labelSelect.lower!(node, { options: { standaloneThresholds: false }, sole: () => true });
const attrsOf = (node: Node) => ((lowered(node) as { value: Value }).value as NodeValue).node.attrs;

describe('LabelSelect', () => {
  it('gives the largest first, and of equal ones the first', () => {
    const { types, attrs } = layer(6, { k: 4 });
    const given = tensor(int(8), [1, 6], [3, -1, 7, 3, 7, 0]);
    expect([...labelSelect.evaluate([given], attrs, { origin: [], outputs: 1, types })[0]!.data]).toEqual([2, 4, 0, 3]);
  });

  it('has FINN’s types and cycles', () => {
    expect(layer(10).types[0]!.dtype).toBe(uint(8));
    expect(layer(256).types[0]!.dtype).toBe(uint(8));
    expect(layer(1000, { k: 5 }).types[0]).toEqual({ dtype: uint(16), shape: [1, 5] });
    expect(labelSelect.cycles(layer(10))).toBe(10);
    expect(labelSelect.cycles(layer(10, { pe: 5 }))).toBe(2);
  });

  it('replaces the indices of TopK', () => {
    const k = constant(scalar(int(64), 3));
    expect(lowered(nodeOf('TopK', [x(10), k], { axis: -1 }))).toMatchObject({ output: 1 });
    expect(attrsOf(nodeOf('TopK', [x(10), k], { axis: 1 }))).toEqual({ k: 3, labels: 10, pe: 1, keepdims: 1 });
  });

  it('replaces ArgMax, with and without its axis', () => {
    expect(attrsOf(nodeOf('ArgMax', [x(10)], { axis: 1 }))).toMatchObject({ k: 1, keepdims: 1 });
    expect(attrsOf(nodeOf('ArgMax', [x(10)], { axis: -1, keepdims: 0 }))).toMatchObject({ k: 1, keepdims: 0 });
    expect(layer(10, { keepdims: 0 }).types[0]!.shape).toEqual([1]);
  });

  it('says why it cannot', () => {
    const k = constant(scalar(int(64), 3));
    const refusal = (node: Node) => (lowered(node) as { refused: string }).refused;
    expect(refusal(nodeOf('TopK', [x(10, FLOAT32), k], {}))).toMatch(/FLOAT32, not integer/);
    expect(refusal(nodeOf('TopK', [x(10), k], { axis: 0 }))).toMatch(/along axis 0/);
    expect(refusal(nodeOf('TopK', [x(10), k], { largest: 0 }))).toMatch(/smallest/);
    expect(refusal(nodeOf('ArgMax', [x(10)], { axis: 1, select_last_index: 1 }))).toMatch(/last of equal/);
    expect(() => layer(10, { pe: 3 })).toThrow('top (LabelSelect): pe 3 does not divide its 10 labels');
    expect(() => layer(10, { k: 11 })).toThrow('k is 11, of 10 labels');
  });
});

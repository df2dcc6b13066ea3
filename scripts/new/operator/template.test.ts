import { describe, expect, it } from 'vitest';
import { int } from '../../../src/ir/datatype.ts';
import { input } from '../../../src/ir/graph.ts';
import { tensor } from '../../../src/ir/tensor.ts';
import { layerOf } from '../../../src/operators/layer.ts';
import { template } from './index.ts';

describe('Template', () => {
  it('gives magnitudes', () => {
    const { attrs, types } = layerOf(template, [input('x', { dtype: int(3), shape: [1, 4] })], { pe: 2 }, ['top']);
    const given = tensor(int(3), [1, 4], [-4, -1, 0, 3]);
    expect([...template.evaluate([given], attrs, { origin: [], outputs: 1, types })[0]!.data]).toEqual([4, 1, 0, 3]);
  });

  it('says which folding is legal', () => {
    const x = input('x', { dtype: int(3), shape: [1, 4] });
    expect(() => layerOf(template, [x], { pe: 3 }, ['top'])).toThrow('pe 3 does not divide its 4 channels');
  });
});

import { expect, it } from 'vitest';
import { FLOAT32, parseDataType } from '../ir/datatype.ts';
import { evaluate } from '../ir/evaluate.ts';
import { type Graph, input, node, output } from '../ir/graph.ts';
import { tensor } from '../ir/tensor.ts';
import { onnx } from '../passes/ops.ts';
import { integerNetwork } from './artifacts.ts';

/** −x, under the name of x, as the host's parts have it. */
function negated(name: string): Graph {
  const x = input(name, { dtype: FLOAT32, shape: [1, 2] });
  return { name: 'negated', inputs: [x], outputs: [{ name, value: output(node(onnx('Neg'), [x], {}, ['Neg_0'])) }] };
}

it('parts of the host whose outputs are called like their inputs come back as they were', () => {
  const x = input('strain', { dtype: parseDataType('INT8')!, shape: [1, 2] });
  const core: Graph = { name: 'core', inputs: [x], outputs: [{ name: 'answer', value: x }] };
  const given = { before: negated('strain'), core, behind: negated('answer'), meetings: [], onHost: [] };
  const back = integerNetwork.decode(integerNetwork.encode(given));
  for (const part of ['before', 'behind'] as const) {
    const { inputs, outputs } = back[part]!;
    const { name } = given[part].inputs[0]!;
    expect([inputs.map((one) => one.name), outputs.map((one) => one.name)]).toEqual([[name], [name]]);
    const values = new Map([[name, tensor(FLOAT32, [1, 2], Float64Array.of(3, -4))]]);
    expect([...evaluate(back[part]!, values).get(name)!.data]).toEqual([-3, 4]);
  }
  expect(integerNetwork.encode(back)).toEqual(integerNetwork.encode(given));
});

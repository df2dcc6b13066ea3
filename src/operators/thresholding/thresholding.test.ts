import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { available, shared } from '../../../test/helpers/require.ts';
import { BIPOLAR, FLOAT32, int, parseDataType, uint } from '../../ir/datatype.ts';
import { constant, input, type Node, type NodeValue, type Op, type Value } from '../../ir/graph.ts';
import { tensor } from '../../ir/tensor.ts';
import { layerOf } from '../layer.ts';
import type { Lowering } from '../operator.ts';
import { finnThresholdingResources } from './finn.ts';
import { thresholding } from './index.ts';

interface GoldenNode {
  readonly op_type: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, number | string>>;
  readonly inputs: readonly { readonly shape: readonly number[] }[];
}

const golden = join(shared, 'golden');
const json = <T>(path: string): T => JSON.parse(readFileSync(path, 'utf8')) as T;

describe.skipIf(!available('shared'))('estimates of the golden files', () => {
  for (const network of available('shared') ? readdirSync(golden) : []) {
    const folder = join(golden, network, 'finn');
    let configurations: string[] = [];
    try {
      configurations = readdirSync(folder);
    } catch {
      continue;
    }
    it.each(configurations)(`${network}/%s`, (configuration) => {
      const { nodes } = json<{ nodes: GoldenNode[] }>(join(folder, configuration, 'nodes.json'));
      const cycles = json<Record<string, number>>(join(folder, configuration, 'estimate_layer_cycles.json'));
      const resources = json<Record<string, object>>(join(folder, configuration, 'estimate_layer_resources.json'));
      for (const { name, op_type, attributes, inputs } of nodes) {
        if (op_type !== 'Thresholding_rtl') continue;
        const weight = parseDataType(String(attributes['weightDataType']))!;
        const steps = Number(attributes['numSteps']);
        const out = parseDataType(String(attributes['outputDataType']))!;
        const dtype = parseDataType(String(attributes['inputDataType']))!;
        const shape = inputs[0]!.shape;
        const layer = layerOf(
          thresholding,
          [
            input('x', { dtype, shape }),
            // What FINN calls the type of the thresholds is that of the extreme ones.
            constant(
              tensor(
                int(32),
                [1, steps],
                Array.from({ length: steps }, (_, i) => (i % 2 ? weight.min : weight.max)),
              ),
            ),
          ],
          {
            pe: Number(attributes['PE']),
            memory: 'auto',
            scale: out === BIPOLAR ? 2 : 1,
            bias: out === BIPOLAR ? -1 : Number(attributes['ActVal']),
            output: out.name,
          },
          [name],
        );
        expect(thresholding.cycles(layer)).toBe(cycles[name]);
        expect(resources[name]).toMatchObject(finnThresholdingResources(layer));
        const { opType, attributes: ours } = thresholding.finn(layer);
        expect(opType).toBe('Thresholding_rtl');
        expect(attributes).toMatchObject(ours);
      }
    });
  }
});

const fake = (name: string, domain: string): Op => ({
  name,
  domain,
  infer: () => [],
  evaluate: () => [],
});
const nodeOf = (
  op: string,
  inputs: Value[],
  attrs: Record<string, unknown>,
  shape: number[],
  dtype = FLOAT32,
): Node => ({
  op: fake(op, ''),
  inputs,
  attrs,
  types: [{ dtype, shape }],
  origin: [op],
});
const out = (node: Node): NodeValue => ({ kind: 'node', node, index: 0, type: node.types[0]! });
const options = { standaloneThresholds: false };
const alone: Lowering = { options, sole: () => true };

describe('lower', () => {
  const x = input('x', { dtype: int(4), shape: [1, 3] });
  const steps = constant(tensor(FLOAT32, [3, 2], [0, 1, -2, 2, 5, 6]));
  const lowered = (node: Node, lowering = alone) => thresholding.lower!(node, lowering);

  it('takes a MultiThreshold on integers', () => {
    const attrs = { out_dtype: 'INT2', out_bias: -1, data_layout: 'NC' };
    const result = lowered(nodeOf('MultiThreshold', [x, steps], attrs, [1, 3]));
    const value = result && 'value' in result ? result.value : undefined;
    expect(value).toMatchObject({ kind: 'node', type: { dtype: int(2), shape: [1, 3] } });
    const made = (value as NodeValue).node;
    const given = tensor(int(4), [1, 3], [1, -3, 7]);
    const context = { origin: [], outputs: 1, types: made.types };
    expect([...made.op.evaluate([given, steps.tensor], made.attrs, context)[0]!.data]).toEqual([1, -1, 1]);
  });

  it('takes a Mul by ±1 with it', () => {
    const signs = constant(tensor(FLOAT32, [3], [1, -1, -1]));
    // Lowering has made a layer of it before.
    const mul = nodeOf('ChannelwiseOp', [x, signs], { function: 'Mul' }, [1, 3], int(5));
    const result = lowered(nodeOf('MultiThreshold', [out(mul), steps], { out_dtype: 'UINT2' }, [1, 3]));
    const made = ((result as { value: Value }).value as NodeValue).node;
    expect(made.attrs).toMatchObject({ sign: [1, -1, -1], output: 'UINT2' });
    expect(made.inputs[0]).toBe(x);
    expect(made.origin).toEqual(['ChannelwiseOp', 'MultiThreshold']);
    const read: Lowering = { options, sole: () => false };
    const kept = lowered(nodeOf('MultiThreshold', [out(mul), steps], { out_dtype: 'UINT2' }, [1, 3]), read);
    expect(((kept as { value: Value }).value as NodeValue).node.attrs).not.toHaveProperty('sign');
  });

  it('says why it cannot', () => {
    const real = input('x', { dtype: FLOAT32, shape: [1, 3] });
    const refusal = (node: Node) => (lowered(node) as { refused: string }).refused;
    expect(refusal(nodeOf('MultiThreshold', [real, steps], {}, [1, 3]))).toMatch(/FLOAT32, not integer/);
    const half = { out_scale: 0.5, out_dtype: 'UINT2' };
    expect(refusal(nodeOf('MultiThreshold', [x, steps], half, [1, 3]))).toMatch(/can give 0.5, which is no UINT2/);
    const wide = input('x', { dtype: int(4), shape: [1, 3, 5, 5] });
    expect(refusal(nodeOf('MultiThreshold', [wide, steps], { data_layout: 'NCHW' }, [1, 3, 5, 5]))).toMatch(
      /last axis, of 5/,
    );
    expect(lowered(nodeOf('Relu', [x], {}, [1, 3]))).toBeUndefined();
  });
});

describe('infer', () => {
  const x = input('x', { dtype: uint(4), shape: [1, 10] });
  const steps = constant(tensor(int(8), [1, 3], [1, 2, 3]));
  const attrs = { pe: 1, memory: 'auto', scale: 1, bias: 0, output: 'UINT2' } as const;
  it('names the legal PEs', () => {
    expect(() => layerOf(thresholding, [x, steps], { ...attrs, pe: 4 }, ['fc2'])).toThrow(
      'layer/folding: fc2 (Thresholding): pe 4 does not divide its 10 channels',
    );
  });
  it('refuses outputs that do not fit their type', () => {
    expect(() => layerOf(thresholding, [x, steps], { ...attrs, bias: 1 }, ['fc2'])).toThrow(
      'it can give 4, which is no UINT2',
    );
  });
});

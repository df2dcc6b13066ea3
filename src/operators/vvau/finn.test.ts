import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { available, shared } from '../../../test/helpers/require.ts';
import { parseDataType } from '../../ir/datatype.ts';
import { finnVvauEstimate } from './finn.ts';

interface GoldenNode {
  readonly op_type: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, number | string | readonly number[]>>;
}

const json = <T>(path: string): T => JSON.parse(readFileSync(path, 'utf8')) as T;

describe.skipIf(!available('shared'))('estimates of the golden files: MobileNet-v1', () => {
  const folder = join(shared, 'golden/mobilenetv1-w4a4-64/finn');
  it.each(available('shared') ? readdirSync(folder) : [])('%s', (configuration) => {
    const { nodes } = json<{ nodes: GoldenNode[] }>(join(folder, configuration, 'nodes.json'));
    const cycles = json<Record<string, number>>(join(folder, configuration, 'estimate_layer_cycles.json'));
    const resources = json<Record<string, object>>(join(folder, configuration, 'estimate_layer_resources.json'));
    const all = nodes.filter(({ op_type }) => op_type === 'VVAU_hls');
    expect(all.length).toBe(13);
    for (const { name, attributes } of all) {
      const bits = (key: string): number => parseDataType(String(attributes[key]))!.bits;
      const [positions, windows] = [attributes['Kernel'], attributes['Dim']].map(
        (pair) => (pair as number[])[0]! * (pair as number[])[1]!,
      ) as [number, number];
      const [channels, pe, simd] = ['Channels', 'PE', 'SIMD'].map((key) => Number(attributes[key] ?? 1)) as [
        number,
        number,
        number,
      ];
      const estimate = finnVvauEstimate({
        ...{ channels, positions, pe, simd, weightBits: bits('weightDataType') },
        inputBits: bits('inputDataType'),
        inputSigned: parseDataType(String(attributes['inputDataType']))!.signed,
        accumulatorBits: bits('accDataType'),
        ramStyle: (attributes['ram_style'] ?? 'auto') as 'auto' | 'block' | 'distributed',
      });
      expect([name, resources[name]]).toMatchObject([name, estimate]);
      expect(cycles[name]).toBe((channels / pe) * (positions / simd) * windows);
    }
  });
});

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { available } from '../../../test/helpers/require.ts';
import { parseDataType } from '../../ir/datatype.ts';
import { bram18, type FinnMvau, finnEstimate } from './finn.ts';

const golden = fileURLToPath(new URL('../../../../shared/golden/', import.meta.url));

interface GoldenNode {
  readonly op_type: string;
  readonly name: string;
  readonly all_attributes_with_defaults: Readonly<Record<string, number | string | readonly number[]>>;
}

/** Every folder of the golden estimates: network/finn/configuration. */
function configurations(): string[] {
  if (!existsSync(golden)) return [];
  return readdirSync(golden).flatMap((network) => {
    const folder = `${golden}${network}/finn`;
    return existsSync(folder) ? readdirSync(folder).map((name) => `${network}/finn/${name}`) : [];
  });
}

function read(a: GoldenNode['all_attributes_with_defaults'], node: GoldenNode): FinnMvau {
  const type = (key: string) => parseDataType(String(a[key]))!;
  return {
    backend: node.op_type === 'MVAU_hls' ? 'hls' : 'rtl',
    mw: Number(a['MW']),
    mh: Number(a['MH']),
    pe: Number(a['PE']),
    simd: Number(a['SIMD']),
    inputBits: type('inputDataType').bits,
    inputSigned: type('inputDataType').signed,
    weightBits: type('weightDataType').bits,
    accumulatorBits: type('accDataType').bits,
    outputBits: type('outputDataType').bits,
    activation: Number(a['noActivation']) === 0,
    ramStyle: a['ram_style'] as FinnMvau['ramStyle'],
    resType: a['resType'] as FinnMvau['resType'],
    thresholdStyle: a['ram_style_thresholds'] as FinnMvau['thresholdStyle'],
    dsp58: false,
  };
}

describe('FINN’s estimates', () => {
  it.skipIf(!available('shared'))('of all MVAUs of the golden files are reproduced', () => {
    let count = 0;
    for (const configuration of configurations()) {
      const nodes = JSON.parse(readFileSync(`${golden}${configuration}/nodes.json`, 'utf8')) as { nodes: GoldenNode[] };
      const resources = JSON.parse(
        readFileSync(`${golden}${configuration}/estimate_layer_resources.json`, 'utf8'),
      ) as Record<string, unknown>;
      for (const node of nodes.nodes.filter((n) => n.op_type.startsWith('MVAU'))) {
        const estimate = finnEstimate(read(node.all_attributes_with_defaults, node));
        expect({ at: `${configuration} ${node.name}`, ...estimate }).toEqual({
          at: `${configuration} ${node.name}`,
          ...(resources[node.name] as object),
        });
        count += 1;
      }
    }
    expect(count).toBeGreaterThan(100);
  });

  it('count block RAMs by the width of a word', () => {
    expect(bram18(1, 16385)).toBe(2);
    expect(bram18(18, 1025)).toBe(2);
    expect(bram18(36, 512)).toBe(1);
    expect(bram18(37, 64)).toBe(2);
  });
});

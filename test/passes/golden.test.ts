import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { check } from '../../src/ir/check.ts';
import type { Graph } from '../../src/ir/graph.ts';
import { extremes } from '../../src/ir/tensor.ts';
import { insertFifos, matchWidths, narrow, sizeFifos } from '../../src/passes/fold/connect.ts';
import { estimateReports, finnConfig } from '../../src/passes/fold/estimate.ts';
import { readFinnFolding } from '../../src/passes/fold/finn-file.ts';
import { applyFolding, foldForRate, resolveRequests } from '../../src/passes/fold/parallelize.ts';
import { layOut } from '../../src/passes/layout/ends.ts';
import { toLayers } from '../../src/passes/lower/to-layers.ts';
import { type Split, split } from '../../src/passes/streamline/walk.ts';
import { rational } from '../../src/util/rational.ts';
import {
  fed,
  framesFor,
  goldenArray,
  goldenJson,
  run,
  runSplit,
  type Surroundings,
  sharedNetwork,
} from '../helpers/networks.ts';
import { available, shared } from '../helpers/require.ts';

const there = available('shared');

/** Golden files of one network: what stands around it, and the arrays that then go in and come out. */
interface Case extends Surroundings {
  readonly network: string;
  readonly input: string;
  readonly output: string;
}

const plain = (network: string): Case => ({ network, input: 'input.npy', output: 'output.npy' });
const accelerator = (network: string): Case => ({
  network,
  pixels: true,
  topK: 1,
  input: 'accelerator_input.npy',
  output: 'accelerator_output.npy',
});
const tfc = ['tfc-w1a1', 'tfc-w1a2', 'tfc-w2a2'];
const cases: readonly Case[] = [
  ...[...tfc, 'unsw-nb15-mlp-w2a2', 'kws-mlp-w3a3', 'tfc-w2a2-finn', 'tfc-w2a2-finn-streamlined'].map(plain),
  ...tfc.map(accelerator),
  { network: 'kws-mlp-w3a3', topK: 1, input: 'input.npy', output: 'accelerator_output.npy' },
  { ...plain('tfc-w2a2-qcdq'), pixels: false },
  ...['resnet8-w4a4', 'resnet8-w4a4-finn-streamlined', 'cnn1d-w4a4'].map(plain),
  { ...accelerator('cnv-w1a1') },
  { network: 'cnn1d-w4a4', topK: 1, input: 'input.npy', output: 'accelerator_output.npy' },
  {
    ...accelerator('resnet8-w4a4'),
    pixels: false,
    feed: { datatype: 'UINT8', scale: [rational(2n, 255n)], bias: [rational(-1n)] },
    topK: 5,
  },
  {
    ...accelerator('mobilenetv1-w4a4-64'),
    pixels: false,
    feed: {
      datatype: 'UINT8',
      scale: [rational(1n, 255n)],
      mean: [rational(485n, 1000n), rational(456n, 1000n), rational(406n, 1000n)],
      std: [rational(226n, 1000n)],
    },
    topK: 5,
  },
];

const lowered = (core: Graph): Graph => {
  const { graph, diagnostics } = toLayers(core, { standaloneThresholds: false });
  expect(diagnostics).toEqual([]);
  return graph;
};

describe.skipIf(!there)('networks of ../shared through split and toLayers', () => {
  it.each(cases)('$network, pixels $pixels, top-$topK', (one) => {
    const graph = sharedNetwork(one.network, one);
    check(graph);
    const parts = layOut(split(graph));
    check(parts.core, 'layOut');
    const input = goldenArray(one.network, one.input);
    const wanted = goldenArray(one.network, one.output);
    const frames = framesFor(graph, input, 16);
    const size = wanted.data.length / wanted.shape[0]!;
    const [low, high] = extremes(wanted.data);
    const layers = parts.core.inputs.every(({ type }) => type.dtype.integer) ? lowered(parts.core) : undefined;
    if (layers) check(layers, 'toLayers');
    frames.forEach((x, i) => {
      const network = run(graph, x);
      const found = runSplit(parts, x);
      for (let j = 0; j < size; j += 1) {
        const right = wanted.data[i * size + j]!;
        expect(Math.abs(found.data[j]! - right)).toBeLessThanOrEqual(
          network.dtype.integer ? 0 : 1e-6 * Math.max(-low, high),
        );
      }
      if (layers)
        expect(run(layers, { ...fed(parts, x), shape: layers.inputs[0]!.type.shape }).data).toEqual(
          run(parts.core, fed(parts, x)).data,
        );
    });
  });
});

interface Configuration {
  readonly network: string;
  readonly name: string;
  readonly folder: string;
}
interface FinnConfig {
  readonly synth_clk_period_ns: string;
  readonly target_fps?: string;
  readonly mvau_wwidth_max?: string;
}

const configurations: Configuration[] = there
  ? [...tfc, 'unsw-nb15-mlp-w2a2', 'kws-mlp-w3a3'].flatMap((network) =>
      readdirSync(join(shared, 'golden', network, 'finn'))
        .sort()
        .map((name) => ({ network, name, folder: `finn/${name}` })),
    )
  : [];

/** Our names of layers: FINN's without its choice between HLS and RTL. */
const ours = (finnName: string): string => finnName.replace(/_(hls|rtl)_/, '_');
const renamed = (entries: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(entries).map(([name, value]) => [ours(name), value]));

describe.skipIf(!there)('FINN’s folding and reports', () => {
  const layersOf = new Map<string, Graph>();
  const splits = new Map<string, Split>();
  const splitOf = (network: string): Split => {
    const around = network.startsWith('tfc') ? { pixels: true, topK: 1 } : network.startsWith('kws') ? { topK: 1 } : {};
    const parts = splits.get(network) ?? split(sharedNetwork(network, around));
    splits.set(network, parts);
    return parts;
  };
  const layers = (network: string): Graph => {
    const graph = layersOf.get(network) ?? lowered(splitOf(network).core);
    layersOf.set(network, graph);
    return graph;
  };

  it.each(configurations)('$network, $name', ({ network, folder }) => {
    const config = goldenJson<FinnConfig>(network, `${folder}/config.json`);
    const period = Number(config.synth_clk_period_ns);
    const graph = layers(network);
    const used = join(shared, 'golden', network, folder, 'used_folding_config_file.json');
    let folding: ReturnType<typeof foldForRate>;
    if (config.target_fps) {
      const cycles = Math.floor(1e9 / period / Number(config.target_fps));
      folding = foldForRate(graph, { cycles, widthMax: Number(config.mvau_wwidth_max ?? 36), twoPass: true });
    } else {
      const file = readFinnFolding(readFileSync(used, 'utf8'), used, graph, { in: 'recipe', pointer: '' });
      const resolved = resolveRequests(graph, file.requests);
      expect([...file.diagnostics, ...resolved.diagnostics]).toEqual([]);
      folding = resolved.folding;
    }
    const folded = narrow(applyFolding(graph, folding));
    check(folded, 'narrow');

    const golden = goldenJson<Record<string, Record<string, unknown>>>(
      network,
      config.target_fps ? `${folder}/auto_folding_config.json` : `${folder}/used_folding_config_file.json`,
    );
    const written = finnConfig(folded, false) as typeof golden;
    if (config.target_fps) expect(written).toEqual(golden);
    else
      for (const [name, layer] of Object.entries(written))
        if (name !== 'Defaults')
          expect({ name, ...golden[name] }).toMatchObject({
            name,
            PE: layer['PE'],
            ...(layer['SIMD'] !== undefined && { SIMD: layer['SIMD'] }),
          });

    const reports = estimateReports(folded, { family: 'xc7' }, 1000 / period);
    expect(reports['estimate_layer_cycles.json']).toEqual(
      renamed(goldenJson(network, `${folder}/estimate_layer_cycles.json`)),
    );
    expect(reports['op_and_param_counts.json']).toEqual(
      renamed(goldenJson(network, `${folder}/op_and_param_counts.json`)),
    );
    const performance = goldenJson<Record<string, number | string>>(
      network,
      `${folder}/estimate_network_performance.json`,
    );
    expect(reports['estimate_network_performance.json']).toMatchObject({
      ...performance,
      max_cycles_node_name: ours(String(performance['max_cycles_node_name'])),
    });

    if (config.target_fps) return;
    const matched = matchWidths(folded);
    check(matched, 'matchWidths');
    const connected = insertFifos(matched, sizeFifos(matched).depths);
    check(connected, 'insertFifos');
    const input = goldenArray(network, network.startsWith('tfc') ? 'accelerator_input.npy' : 'input.npy');
    const parts = splitOf(network);
    for (const x of framesFor(parts.before ?? parts.core, input, 4)) {
      const given = { ...fed(parts, x), shape: connected.inputs[0]!.type.shape };
      expect(run(connected, given).data).toEqual(run(graph, given).data);
    }
  });
});

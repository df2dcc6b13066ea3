import { describe, expect, it } from 'vitest';
import { inRecipe } from '../../diagnostics/diagnostic.ts';
import { int } from '../../ir/datatype.ts';
import { constant, type Graph, input, output, type Value } from '../../ir/graph.ts';
import { tensor } from '../../ir/tensor.ts';
import { fifo } from '../../operators/fifo/index.ts';
import { labelSelect } from '../../operators/label-select/index.ts';
import { layerOf } from '../../operators/layer.ts';
import { slidingWindow } from '../../operators/sliding-window/index.ts';
import { vvau } from '../../operators/vvau/index.ts';
import { insertFifos, matchWidths, sizeFifos } from './connect.ts';
import { scheduledRun } from './estimate.ts';
import { readFinnFolding } from './finn-file.ts';
import { layersOf } from './names.ts';
import { applyFolding, contradictions, foldForRate, foldToFit, meetDemands, resolveRequests } from './parallelize.ts';

/** A depthwise 3×3 convolution of 8×8 pixels of 4 channels. */
function depthwise(): Graph {
  const x = input('x', { dtype: int(4), shape: [1, 8, 8, 4] });
  const windows = layerOf(
    slidingWindow,
    [x],
    {
      ...{ kernel: [3, 3], stride: [1, 1], dilation: [1, 1] },
      ...{ depthwise: 1, simd: 1, parallelWindow: 0, pixels: 1, memory: 'auto' },
    },
    ['window'],
  );
  const weights = tensor(
    int(2),
    [9, 4],
    Array.from({ length: 36 }, (_, i) => (i % 3) - 1),
  );
  const sums = layerOf(
    vvau,
    [output(windows), constant(weights)],
    { pe: 1, simd: 1, memory: 'auto', scale: 1, bias: 0, accumulator: 'INT10', output: 'INT10' },
    ['conv'],
  );
  return { name: 'depthwise', inputs: [x], outputs: [{ name: 'y', value: output(sums) }] };
}

const attributes = (graph: Graph) =>
  Object.fromEntries(
    [...layersOf(graph)].map(([name, { attrs }]) => [name, [attrs['pe'], attrs['simd'], attrs['parallelWindow']]]),
  );

describe('a depthwise window', () => {
  const folded = (cycles: number): Graph => {
    const graph = depthwise();
    return meetDemands(applyFolding(graph, foldForRate(graph, { cycles, widthMax: Infinity, twoPass: true })));
  };

  it('is ordered for its reader', () => {
    expect(attributes(folded(1e9))).toEqual({
      ConvolutionInputGenerator_0: [undefined, 1, 0],
      VVAU_0: [1, 1, undefined],
    });
    expect(attributes(folded(1000))).toEqual({
      ConvolutionInputGenerator_0: [undefined, 2, 0],
      VVAU_0: [2, 1, undefined],
    });
    expect(attributes(folded(300))).toEqual({
      ConvolutionInputGenerator_0: [undefined, 4, 1],
      VVAU_0: [4, 3, undefined],
    });
  });

  it('keeps the pace that its folding is for, with the FIFOs that are found', () => {
    for (const cycles of [2000, 700, 330, 109, 80]) {
      const matched = matchWidths(folded(cycles));
      const { depths, run } = sizeFifos(matched);
      expect(run!.interval).toBeLessThan(cycles);
      const whole = scheduledRun(insertFifos(matched, depths))!;
      expect([whole.interval, whole.latency]).toEqual([run!.interval, run!.latency]);
    }
  });

  it('cannot be asked to be otherwise', () => {
    const graph = depthwise();
    const asked = resolveRequests(graph, [
      { name: 'VVAU_0', attributes: { pe: 2 } },
      { name: 'ConvolutionInputGenerator_0', attributes: { simd: 4 } },
    ]);
    const now = applyFolding(graph, asked.folding);
    const requested = new Map(
      [...layersOf(now).values()].map((layer, i) => [
        layer,
        asked.folding.get([...layersOf(graph).values()][i]!) ?? {},
      ]),
    );
    const [found] = contradictions(now, requested);
    expect(found).toMatchObject({
      code: 'fold/demand',
      message: "'ConvolutionInputGenerator_0': simd: 4, but VVAU_0 behind it, with pe 2 and simd 1, needs simd: 2",
      hint: 'leave simd of ConvolutionInputGenerator_0 out: it follows from VVAU_0',
    });
    expect(contradictions(meetDemands(now), new Map())).toEqual([]);
  });

  it('is folded as fast as fits', () => {
    const graph = depthwise();
    const cost = (g: Graph): number => {
      const [, one] = [...layersOf(meetDemands(g)).values()];
      return (one!.attrs['pe'] as number) * (one!.attrs['simd'] as number);
    };
    const stood: number[] = [];
    const folding = foldToFit(
      graph,
      (g) => cost(g) <= 6,
      (g) => {
        stood.push(cost(g));
        return cost(g) <= 4;
      },
    );
    expect(cost(applyFolding(graph, folding!))).toBe(4);
    expect(stood.at(-1)).toBe(4);
    expect(foldToFit(graph, () => false)).toBeUndefined();
  });
});

describe('a FINN file', () => {
  const at = inRecipe('/folding/x/file');
  const read = (entries: object) =>
    readFinnFolding(JSON.stringify({ Defaults: {}, ...entries }), 'folding.json', depthwise(), at);

  it('may name layers that finn builds otherwise, and is told of it once for each kind', () => {
    const names = [
      'ChannelwiseOp_hls_0',
      'ChannelwiseOp_hls_1',
      'DownSampler_hls_0',
      'TLastMarker_hls_0',
      'IODMA_hls_0',
    ];
    const { diagnostics, warnings, requests } = read({
      ...Object.fromEntries(names.map((name) => [name, { PE: 1 }])),
      ConvolutionInputGenerator_rtl_0: { SIMD: 2, parallel_window: 0, ram_style: 'ultra' },
    });
    expect(diagnostics).toEqual([]);
    expect(warnings.map(({ message }) => message)).toEqual([
      'folding.json names ChannelwiseOp_hls_0, ChannelwiseOp_hls_1, which the network does not have as layers: what it does lies in thresholds or in another layer',
      'folding.json names DownSampler_hls_0, which the network does not have as layers: a window generator skips pixels itself',
    ]);
    expect(requests).toEqual([
      { name: 'ConvolutionInputGenerator_0', attributes: { simd: 2, parallelWindow: 0, memory: 'ultra' }, at },
    ]);
  });

  it('may take another backend than finn', () => {
    expect(read({ VVAU_rtl_0: { PE: 2 } }).requests).toEqual([{ name: 'VVAU_0', attributes: { pe: 2 }, at }]);
    expect(read({ VVAU_hls_1: { PE: 2 }, VVAU_rtl_0: { PE: 2 } }).diagnostics.map(({ code }) => code)).toEqual([
      'fold/no-such-layer',
    ]);
  });
});

describe('width converters', () => {
  const graph = (slow: boolean): Graph => {
    const x = input('x', { dtype: int(8), shape: [1, 4032] });
    const queue = (value: Value, lanes: number) =>
      output(layerOf(fifo, [value], { depth: 2, lanes, memory: 'auto' }, ['queue']));
    const wide = queue(queue(x, 63), 64);
    const labels = { k: 1, labels: 4032, pe: 1, keepdims: 1 };
    const value = slow ? output(layerOf(labelSelect, [wide], labels, ['labels'])) : wide;
    return { name: 'wide', inputs: [x], outputs: [{ name: 'y', value }] };
  };
  const lanes = (of: Graph): unknown[] =>
    [...layersOf(matchWidths(of)).values()].flatMap(({ op, attrs }) =>
      op.name === 'StreamingDataWidthConverter' ? [[attrs['inLanes'], attrs['outLanes']]] : [],
    );

  it('go over the greatest common divisor where the least common multiple is too wide, if another layer is as slow', () => {
    expect(lanes(graph(true))).toEqual([
      [63, 1],
      [1, 64],
      [64, 1],
    ]);
    expect(lanes(graph(false))).toEqual([[63, 64]]);
  });
});

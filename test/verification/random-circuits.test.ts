import { describe, expect, it } from 'vitest';
import type { Diagnostic } from '../../src/diagnostics/diagnostic.ts';
import { FinnError } from '../../src/diagnostics/diagnostic.ts';
import { FLOAT32, uint } from '../../src/ir/datatype.ts';
import { constant, type Graph, input, node as makeNode, type Node, output, type Value } from '../../src/ir/graph.ts';
import { tensor } from '../../src/ir/tensor.ts';
import { estimateReports, type Performance } from '../../src/passes/fold/estimate.ts';
import { layersOf } from '../../src/passes/fold/names.ts';
import { applyFolding, foldForRate, meetDemands } from '../../src/passes/fold/parallelize.ts';
import { layOut } from '../../src/passes/layout/ends.ts';
import { toLayers } from '../../src/passes/lower/to-layers.ts';
import { onnx, qonnx } from '../../src/passes/ops.ts';
import { type Split, split } from '../../src/passes/streamline/walk.ts';
import { testCall } from '../../src/sim/direct.ts';
import { simulate } from '../../src/steps/simulate.ts';
import { readVectors } from '../../src/steps/verify/vectors.ts';
import { random } from '../../src/util/random.ts';
import { foldedAtRandom } from '../helpers/random-folding.ts';
import { randomImages } from '../helpers/random-images.ts';
import { available } from '../helpers/require.ts';
import { circuitsOf, context } from '../helpers/toy.ts';

/** The integer network of a seed, channels last, and its layers; undefined where it is refused. */
function lowered(network: Graph): { readonly parts: Split; readonly layers: Graph } | undefined {
  try {
    const parts = layOut(split(network));
    const { graph, diagnostics } = toLayers(parts.core, { standaloneThresholds: false });
    return diagnostics.length > 0 || layersOf(graph).size === 0 ? undefined : { parts, layers: graph };
  } catch (cause) {
    if (cause instanceof FinnError) return undefined;
    throw cause;
  }
}

/** Simulates the whole, with and without stalls; its pace, which is held to what the schedules say. */
async function simulated(network: Graph, parts: Split, folded: Graph): Promise<Performance> {
  const { dataflow, designs, accelerator } = await circuitsOf(folded);
  const reports = estimateReports(dataflow, { family: 'ice40' }, 12);
  const estimate = Object.fromEntries(
    Object.entries(reports).map(([name, report]) => [`report/${name}`, Buffer.from(JSON.stringify(report))]),
  );
  const said: Diagnostic[] = [];
  const vectors = readVectors(network, {});
  const importVerdict = { stage: 'import' as const, vectors: 0, elements: 0, nearTies: 0 };
  const config = { simulator: 'iverilog', clockMhz: 12, codegen: false, stitch: true } as const;
  const { simulation, stitchVerdict } = await simulate.run(
    { accelerator, designs, dataflow, estimate, split: parts, vectors, importVerdict },
    { ...context(config, testCall()), report: (diagnostic) => void said.push(diagnostic) },
  );
  expect(said).toEqual([]);
  expect(stitchVerdict.elements).toBeGreaterThan(0);
  const performance = reports['estimate_network_performance.json'] as Performance;
  const seen = JSON.parse(Buffer.from(simulation['report/rtlsim_performance.json']!).toString()) as {
    readonly latency_cycles: number;
  };
  expect(seen.latency_cycles).toBe(performance.scheduled_latency_cycles);
  return performance;
}

/** One convolution of `width` columns, 3×3, from 2 to 4 channels, and thresholds behind it. */
function oneConvolution(width: number): Graph {
  const draw = random('one convolution');
  const x = input('x', { dtype: uint(2), shape: [1, 2, 6, width] });
  const make = (op: Node['op'], inputs: readonly Value[], attrs: Node['attrs'], name: string): Value =>
    output(makeNode(op, inputs, attrs, [name]) as Node);
  const single = (v: number): Value => constant(tensor(FLOAT32, [], [v]));
  const weights = constant(
    tensor(
      FLOAT32,
      [4, 2, 3, 3],
      Array.from({ length: 72 }, () => draw.int(-2, 2) / 4),
    ),
  );
  const narrow = { signed: 1, narrow: 1, rounding_mode: 'ROUND' };
  const w = make(qonnx('Quant'), [weights, single(0.25), single(0), single(3)], narrow, 'weights');
  const y = make(onnx('Conv'), [x, w], { kernel_shape: [3, 3] }, 'conv');
  const quant = { signed: 0, narrow: 0, rounding_mode: 'ROUND' };
  const q = make(qonnx('Quant'), [y, single(0.5), single(0), single(2)], quant, 'quant');
  return { name: 'one', inputs: [x], outputs: [{ name: 'y', value: q }] };
}

describe.skipIf(!available('iverilog'))('whole circuits', () => {
  // Seeds chosen for nothing but that they are small enough to be simulated at once.
  it.each([3, 5, 12, 17, 21, 26, 34, 41, 48, 62, 77, 90])(
    'of random network %i compute the same at the predicted pace',
    async (seed) => {
      const { graph } = randomImages(seed);
      const made = lowered(graph);
      expect(made, 'choose another seed').toBeDefined();
      await simulated(graph, made!.parts, meetDemands(foldedAtRandom(made!.layers, seed)));
    },
    600_000,
  );

  it('give more than one pixel a cycle where a frame a pixel at a time is too slow', async () => {
    const network = oneConvolution(8);
    const { parts, layers } = lowered(network)!;
    const at = async (cycles: number) => {
      const folding = foldForRate(layers, { cycles: cycles + 1, widthMax: Number.POSITIVE_INFINITY, twoPass: true });
      return simulated(network, parts, meetDemands(applyFolding(layers, folding)));
    };
    // 6 rows of 8 pixels: one a cycle, then two.
    expect((await at(48)).scheduled_interval_cycles).toBe(48);
    expect((await at(24)).scheduled_interval_cycles).toBe(24);
  }, 600_000);
});

import { beforeAll, describe, expect, it } from 'vitest';
import { type Diagnostic, FinnError } from '../../src/diagnostics/diagnostic.ts';
import type { Design } from '../../src/hdl/design.ts';
import { int, smallest } from '../../src/ir/datatype.ts';
import { constant, type Graph, input, node as makeNode, type Node, output } from '../../src/ir/graph.ts';
import { rewrite } from '../../src/ir/rewrite.ts';
import { extremes, tensor } from '../../src/ir/tensor.ts';
import { nodesOf } from '../../src/ir/traverse.ts';
import { estimateReports } from '../../src/passes/fold/estimate.ts';
import { toLayers } from '../../src/passes/lower/to-layers.ts';
import { onnx } from '../../src/passes/ops.ts';
import { testCall } from '../../src/sim/direct.ts';
import type { Vectors } from '../../src/steps/artifacts.ts';
import { simulate } from '../../src/steps/simulate.ts';
import { outputsOf, verifyImport } from '../../src/steps/verify/import.ts';
import { verifyLower } from '../../src/steps/verify/lower.ts';
import { verifyStreamline } from '../../src/steps/verify/streamline.ts';
import { random } from '../../src/util/random.ts';
import { available } from '../helpers/require.ts';
import { circuitsOf, context, type Toy, toy, toySpec } from '../helpers/toy.ts';

const simulator = available('iverilog') ? 'iverilog' : 'cxxrtl';

let whole: Toy;
/** As many vectors as make every threshold decide. */
let many: Vectors;
beforeAll(async () => {
  whole = await toy();
  const { dtype, shape } = whole.vectors.inputs;
  const next = random(7);
  const data = Float64Array.from({ length: 1024 * shape[1]! }, () => next.int(dtype.min, dtype.max));
  many = { inputs: tensor(dtype, [1024, shape[1]!], data) };
});

/** The one diagnostic that `work` fails with. */
async function diagnosed(work: () => unknown): Promise<Diagnostic> {
  try {
    await work();
  } catch (cause) {
    if (cause instanceof FinnError && cause.diagnostics.length === 1) return cause.diagnostics[0]!;
    throw cause;
  }
  throw new Error('nothing was wrong');
}

/** The graph with one element of constant input `position` changed, in the `which`-th node whose op is called `name`. */
function tampered(
  graph: Graph,
  name: string,
  which: number,
  position: number,
  element: number,
  change: (v: number) => number,
): Graph {
  let seen = 0;
  return rewrite(graph, (node: Node) => {
    if (node.op.name !== name || seen++ !== which) return undefined;
    const value = node.inputs[position];
    if (value?.kind !== 'constant') throw new Error(`input ${position} of ${name} is not constant`);
    const data = Float64Array.from(value.tensor.data);
    data[element] = change(data[element]!);
    const [min, max] = extremes(data);
    const changed = constant(tensor(smallest(Math.min(min, -1), max), value.tensor.shape, data), value.name);
    const inputs = node.inputs.map((one, i) => (i === position ? changed : one));
    return [output(makeNode(node.op, inputs, node.attrs, node.origin))];
  });
}

/** Weights are two's complement: their lowest bit turns even into odd. */
const flipBit = (v: number): number => v ^ 1;
const move = (v: number): number => v + 1;
const numbers = /gives (-?[\d.]+) at \[\d+(, \d+)*\] where (-?[\d.]+) is right/;

function expectMismatch({ code, message, at }: Diagnostic, stage: string, where: RegExp, origin: RegExp): void {
  expect(code).toBe('verify/mismatch');
  expect(message).toMatch(new RegExp(`^after ${stage}, vector \\d+: `));
  expect(message).toMatch(where);
  const [, found, , right] = numbers.exec(message)!;
  expect(found).not.toBe(right);
  expect(at?.in === 'network' && at.origin.join()).toMatch(origin);
}

describe('what was tampered with is found, and named', () => {
  it('nothing, where nothing was', async () => {
    const { network, split, layers, vectors } = whole;
    expect(verifyStreamline(network, split, vectors, true)).toMatchObject({
      vectors: 16,
      elements: 16 * 7,
      nearTies: 0,
    });
    expect(verifyLower(split, layers, vectors, true)).toMatchObject({ vectors: 16 });
  });

  it('import: an expected output', async () => {
    const { network, vectors } = whole;
    const right = outputsOf(network, vectors.inputs);
    const data = Float64Array.from(right.flatMap((y) => [...y.data]));
    const expected = tensor(right[0]!.dtype, [16, 3], data);
    expect(verifyImport(network, { ...vectors, expected }, { verify: true })).toMatchObject({
      vectors: 16,
      elements: 48,
    });
    data[3 * 3 + 1]! += 0.25;
    const diagnostic = await diagnosed(() =>
      verifyImport(network, { ...vectors, expected: tensor(right[0]!.dtype, [16, 3], data) }, { verify: true }),
    );
    expectMismatch(diagnostic, 'import', /vector 3: output '\w+' gives .* at \[0, 1\]/, /MatMul/);
  });

  it('streamline: one weight bit, one threshold, a bias of a meeting', async () => {
    const { network, split } = whole;
    const vectors = many;
    const check = (core: Graph) => diagnosed(() => verifyStreamline(network, { ...split, core }, vectors, true));
    const quantiser = split.meetings.find(({ at }) => at === 'quantiser')!.origin;
    for (let element = 0; element < 16; element += 1)
      expectMismatch(
        await check(tampered(split.core, 'MatMul', 0, 1, element, flipBit)),
        'streamline',
        new RegExp(`'${quantiser}'`),
        new RegExp(quantiser),
      );
    for (let element = 0; element < 12; element += 1)
      expectMismatch(
        await check(tampered(split.core, 'MultiThreshold', 0, 1, element, move)),
        'streamline',
        new RegExp(`'${quantiser}'`),
        new RegExp(quantiser),
      );
    expectMismatch(await check(tampered(split.core, 'MatMul', 1, 1, 4, flipBit)), 'streamline', /output '\w+'/, /./);
    const meeting = split.meetings.find(({ at }) => at === 'quantiser');
    const wrong = { ...split, meetings: [{ ...meeting!, offset: tensor(meeting!.offset.dtype, [], [4]) }] };
    expectMismatch(
      await diagnosed(() => verifyStreamline(network, wrong, vectors, true)),
      'streamline',
      new RegExp(quantiser),
      /./,
    );
  });

  it('lower: one weight bit, one threshold', async () => {
    const { split, layers } = whole;
    const check = (graph: Graph) => diagnosed(() => verifyLower(split, graph, many, true));
    const quantiser = split.meetings.find(({ at }) => at === 'quantiser')!.origin;
    expectMismatch(
      await check(tampered(layers, 'MVAU', 0, 1, 7, flipBit)),
      'lower',
      new RegExp(`MVAU of '${quantiser}'`),
      /MatMul.*Quant/,
    );
    expectMismatch(
      await check(tampered(layers, 'MVAU', 0, 2, 5, move)),
      'lower',
      new RegExp(`MVAU of '${quantiser}'`),
      /MatMul.*Quant/,
    );
    expectMismatch(await check(tampered(layers, 'MVAU', 1, 1, 0, flipBit)), 'lower', /MVAU of 'MatMul/, /MatMul/);
  });

  it('lower: not that a Gemm became two layers, the product and the bias; but an error in either', async () => {
    const int4 = int(4);
    const x = input('x', { dtype: int4, shape: [1, 2] });
    const weights = constant(tensor(int4, [2, 2], Float64Array.of(1, -2, 3, 4)), 'weights');
    const bias = constant(tensor(int(8), [2], Float64Array.of(40, -58)), 'bias');
    const product = makeNode(onnx('MatMul'), [x, weights], {}, ['Gemm_0']);
    const sum = makeNode(onnx('Add'), [output(product), bias], {}, ['Gemm_0']);
    const core: Graph = { name: 'gemm', inputs: [x], outputs: [{ name: 'y', value: output(sum) }] };
    const split = { before: undefined, core, behind: undefined, meetings: [], onHost: [] };
    const { graph: layers } = toLayers(core, { standaloneThresholds: false });
    expect(nodesOf(layers).filter(({ origin }) => origin.join() === 'Gemm_0')).toHaveLength(2);
    const vectors = { inputs: tensor(int4, [2, 2], Float64Array.of(1, 2, -3, 4)) };
    expect(verifyLower(split, layers, vectors, true)).toMatchObject({ vectors: 2 });
    const wrong = tampered(layers, 'MVAU', 0, 1, 0, flipBit);
    expectMismatch(
      await diagnosed(() => verifyLower(split, wrong, vectors, true)),
      'lower',
      /MVAU of 'Gemm_0'/,
      /Gemm_0/,
    );
  });
});

describe('near ties', () => {
  /** Weights of 0.1 and a quantiser of 0.2: every odd sum is on a step but for what binary32 loses in adding it up. */
  const K = 24;
  const tenths = async (): Promise<Toy> => {
    const next = random(3);
    return toy({
      inputs: K,
      input: 'INT4',
      layers: [
        {
          weights: Array.from({ length: K }, () => Array.from({ length: 4 }, () => next.int(-4, 3))),
          weight: { bits: 3, signed: true, scale: 0.1 },
          chain: [],
          quant: { bits: 8, signed: true, scale: 0.2 },
        },
        { weights: toySpec.layers[1]!.weights!, weight: { bits: 3, signed: true, scale: 0.25 }, chain: [] },
      ],
    });
  };
  const inputs = (n: number, graph: Graph) => {
    const next = random(5);
    const { dtype } = graph.inputs[0]!.type;
    return {
      inputs: tensor(
        dtype,
        [n, K],
        Float64Array.from({ length: n * K }, () => next.int(dtype.min, dtype.max)),
      ),
    };
  };

  it('are counted with their distance, and everything behind them is compared', async () => {
    const { network, split } = await tenths();
    const vectors = inputs(200, network);
    const verdict = verifyStreamline(network, split, vectors, true);
    expect(verdict.elements).toBe(200 * 7);
    expect(verdict.nearTies).toBeGreaterThan(0);
    expect(verdict.nearTies).toBeLessThan(400);
    expect(verdict.nearTieDistance).toBeGreaterThan(2 ** -26);
    expect(verdict.nearTieDistance).toBeLessThanOrEqual(2 ** -20);
  });

  it('excuse no error of the same size elsewhere, nor behind them', async () => {
    const { network, split } = await tenths();
    const vectors = inputs(200, network);
    const steps = nodesOf(split.core).find((node) => node.op.name === 'MultiThreshold')!.inputs[1]!.type.shape[1]!;
    for (const element of [0.4, 0.5, 0.55].map((share) => Math.floor(share * steps))) {
      const core = tampered(split.core, 'MultiThreshold', 0, 1, element, move);
      expect((await diagnosed(() => verifyStreamline(network, { ...split, core }, vectors, true))).code).toBe(
        'verify/mismatch',
      );
    }
    const behind = tampered(split.core, 'MatMul', 1, 1, 2, flipBit);
    expectMismatch(
      await diagnosed(() => verifyStreamline(network, { ...split, core: behind }, vectors, true)),
      'streamline',
      /output/,
      /./,
    );
  });

  it('excuse nothing where binary32 is exact: a tie that goes the other way is an error', async () => {
    const { network, split } = await toy({
      ...toySpec,
      layers: [{ ...toySpec.layers[0]!, chain: [], quant: { bits: 3, signed: true, scale: 1 } }, toySpec.layers[1]!],
    });
    const { inputs: x } = many;
    expect(verifyStreamline(network, split, { inputs: x }, true).nearTies).toBe(0);
    const steps = nodesOf(split.core).find((node) => node.op.name === 'MultiThreshold')!.inputs[1]!.type.shape[1]!;
    for (let element = 0; element < steps; element += 1) {
      const core = tampered(split.core, 'MultiThreshold', 0, 1, element, move);
      expect((await diagnosed(() => verifyStreamline(network, { ...split, core }, { inputs: x }, true))).code).toBe(
        'verify/mismatch',
      );
    }
  });
});

describe(`what a circuit does wrong is found by ${simulator}`, () => {
  const call = testCall();
  const run = (parts: Partial<Toy>) => {
    const { accelerator, designs, dataflow, split, vectors } = { ...whole, ...parts };
    const importVerdict = { stage: 'import' as const, vectors: 0, elements: 0, nearTies: 0 };
    const config = { simulator, clockMhz: 12, codegen: true, stitch: true } as const;
    const reports = estimateReports(dataflow, { family: 'ice40' }, config.clockMhz);
    const estimate = Object.fromEntries(
      Object.entries(reports).map(([name, report]) => [`report/${name}`, Buffer.from(JSON.stringify(report))]),
    );
    return simulate.run(
      { accelerator, designs, dataflow, estimate, split, vectors, importVerdict },
      context(config, call),
    );
  };

  /** The layers with the first weight or threshold changed that matters to the few vectors that each circuit is run on. */
  const visible = (position: number, change: (v: number) => number): Graph => {
    const { dtype, shape, data } = whole.vectors.inputs;
    const few = { inputs: tensor(dtype, [4, shape[1]!], data.slice(0, 4 * shape[1]!)) };
    for (let element = 0; ; element += 1) {
      const wrong = tampered(whole.layers, 'MVAU', 0, position, element, change);
      try {
        verifyLower(whole.split, wrong, few, true);
      } catch (cause) {
        if (cause instanceof FinnError) return wrong;
        throw cause;
      }
    }
  };

  it('nothing, where nothing is', async () => {
    const made = await run({});
    expect(made.codegenVerdict).toMatchObject({ vectors: 4, elements: 4 * 7 });
    expect(made.stitchVerdict.vectors).toBe(16);
  });

  it('codegen: one weight bit in the Verilog of a layer', async () => {
    const designs = new Map(whole.designs);
    const design = designs.get('MVAU_1')!;
    let flipped = 0;
    const source = design.sources['MVAU_1.v']!.replace(
      /(weights\[3\] = \d+'h)([0-9a-f])/,
      (_, head: string, digit: string) => {
        flipped += 1;
        return `${head}${(Number.parseInt(digit, 16) ^ 1).toString(16)}`;
      },
    );
    expect(flipped).toBe(1);
    designs.set('MVAU_1', { ...design, sources: { ...design.sources, 'MVAU_1.v': source } });
    expectMismatch(await diagnosed(() => run({ designs })), 'codegen', /MVAU_1 gives/, /MatMul/);
  });

  it('codegen: a moved threshold and a flipped weight in the circuit of a layer', async () => {
    for (const wrong of [visible(2, move), visible(1, flipBit)]) {
      const { designs } = await circuitsOf(wrong);
      expectMismatch(await diagnosed(() => run({ designs })), 'codegen', /MVAU_0 gives/, /MatMul.*Quant/);
    }
  });

  it('stitch: layers of another network', async () => {
    const { accelerator } = await circuitsOf(visible(2, move));
    expectMismatch(await diagnosed(() => run({ accelerator })), 'stitch', /the accelerator gives/, /./);
  });

  /** The accelerator with a FIFO that does something else with the beat counted `n` from reset. */
  const faultyFifo = (n: number, kind: 'drops' | 'doubles'): Design => {
    const { accelerator } = whole;
    const path = 'StreamingFIFO_0.v';
    const [, width] = /input wire \[(\d+):0\] s_axis_0_tdata/.exec(accelerator.sources[path]!)!;
    const logic =
      kind === 'drops'
        ? 'assign m_axis_0_tvalid = s_axis_0_tvalid & !hit; assign s_axis_0_tready = m_axis_0_tready | hit;'
        : 'assign m_axis_0_tvalid = s_axis_0_tvalid; assign s_axis_0_tready = m_axis_0_tready & !(hit & !again);';
    const source = `module StreamingFIFO_0 (
  input wire ap_clk, input wire ap_rst_n,
  input wire [${width}:0] s_axis_0_tdata, input wire s_axis_0_tvalid, output wire s_axis_0_tready,
  output wire [${width}:0] m_axis_0_tdata, output wire m_axis_0_tvalid, input wire m_axis_0_tready
);
  reg [15:0] count;
  reg again;
  wire hit = count == 16'd${n};
  assign m_axis_0_tdata = s_axis_0_tdata;
  ${logic}
  always @(posedge ap_clk) begin
    if (!ap_rst_n) begin count <= 16'd0; again <= 1'b0; end
    else begin
      if (s_axis_0_tvalid & s_axis_0_tready) count <= count + 16'd1;
      if (hit & s_axis_0_tvalid & m_axis_0_tready) again <= 1'b1;
    end
  end
endmodule
`;
    return { ...accelerator, sources: { ...accelerator.sources, [path]: source } };
  };

  it('stitch: a beat that is lost between two layers', async () => {
    const diagnostic = await diagnosed(() => run({ accelerator: faultyFifo(9, 'drops') }));
    expectMismatch(diagnostic, 'stitch', /vector [2-4]: the accelerator gives/, /./);
    expect(diagnostic.hint).toMatch(/\d+ beats came where 48 are due: some were lost or doubled/);
  });

  it('stitch: a beat that comes twice', async () => {
    expectMismatch(
      await diagnosed(() => run({ accelerator: faultyFifo(9, 'doubles') })),
      'stitch',
      /vector [2-4]: the accelerator gives/,
      /./,
    );
  });

  it('stitch: the last beat of all is lost', async () => {
    const diagnostic = await diagnosed(() => run({ accelerator: faultyFifo(16 * 4 - 1, 'drops') }));
    expect(diagnostic.code).toBe('verify/beats');
    expect(diagnostic.message).toMatch(
      /after stitch: the accelerator gives 45 beats on m_axis_0 where 48 are due .*nothing moves any more/,
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { operators } from '../src/operators/index.ts';
import type { Operator, Pipeline } from '../src/operators/operator.ts';
import { testCall } from '../src/sim/direct.ts';
import type { Simulator } from '../src/sim/simulation.ts';
import { candidates, estimateGaps, lint, shown } from './helpers/battery.ts';
import { type Candidate, conform } from './helpers/conform.ts';
import { layers } from './helpers/layers.ts';
import { available } from './helpers/require.ts';

const seed = 20240229;
const perOperator = 12;

// Icarus starts at once; cxxrtl compiles for seconds per layer, so it is given less where it is all there is.
const quick = available('iverilog');
const simulator: Simulator = quick ? 'iverilog' : 'cxxrtl';

const samplesOf = (op: Operator): Candidate[] => candidates(op.samples(), 'sample');

const randomOf = (op: Operator): Candidate[] =>
  candidates(fc.sample(layers[op.name] ?? fc.constantFrom(...op.samples()), { seed, numRuns: perOperator }), 'random');

/** Findings, with the layers that they are about. */
async function findings(all: readonly Candidate[]): Promise<string[]> {
  const found = await conform(all, testCall(), { seed, simulator });
  const guilty = all.filter((c) => found.some((text) => text.startsWith(`${c.name}: `)));
  return [...found, ...guilty.map(shown)];
}

describe('every operator keeps its word', () => {
  for (const op of operators) {
    it(`${op.name}: its samples`, { timeout: 600_000 }, async () => {
      expect(op.samples().length).toBeGreaterThan(0);
      const all = samplesOf(op);
      expect(await findings(quick ? all : all.slice(0, 4))).toEqual([]);
    });
    it.skipIf(!quick)(`${op.name}: random layers (seed ${seed})`, { timeout: 600_000 }, async () => {
      expect(await findings(randomOf(op))).toEqual([]);
    });
  }
});

describe('the harness sees', () => {
  const [layer] = operators.find((op) => op.name === 'Thresholding')!.samples();
  const lie = (kind: string, change: Partial<Operator>): Candidate => {
    const op: Operator = { ...layer!.op, ...change };
    return { name: kind, layer: { ...layer!, op }, device: { family: 'ice40' } };
  };
  const honest = layer!.op;

  it('a wrong element, beat, cycle and depth', { timeout: 600_000 }, async () => {
    const found = await conform(
      [
        lie('element', {
          evaluate(inputs, attrs, context) {
            const [y] = honest.evaluate(inputs, attrs, context);
            const data = Float64Array.from(y!.data);
            data[5] = 1 - data[5]!;
            return [{ ...y!, data }];
          },
        }),
        lie('slower', { cycles: (l) => honest.cycles(l) + 1 }),
        lie('deeper', { schedule: (l) => ({ ...honest.schedule(l), depth: honest.schedule(l).depth + 1 }) }),
        // A bypass that only back-pressure shows: the same pace, one more beat in front of the pipeline.
        lie('roomier', {
          schedule: (l) => {
            const beats = honest.cycles(l);
            const places = { capacity: 2, needs: (j: number) => j + 1, keeps: (j: number) => j, depth: 1 };
            return { kind: 'buffered', inputs: beats, outputs: beats, ...places };
          },
        }),
        lie('eager', {
          schedule: (l) => {
            const { period: _, ...rest } = honest.schedule(l) as Pipeline;
            return { ...rest, gives: (_port, t) => t !== 2 };
          },
        }),
        lie('circuit', {
          rtl(l, device, top) {
            const design = honest.rtl(l, device, top);
            const broken = design.sources[`${top}_unit.v`]!.replace(
              /'h([0-9a-f]*)/,
              (_, digits: string) => `'h${(BigInt(`0x${digits}`) ^ 1n).toString(16)}`,
            );
            return { ...design, sources: { ...design.sources, [`${top}_unit.v`]: broken } };
          },
        }),
        lie('retracts', {
          rtl(l, device, top) {
            const design = honest.rtl(l, device, top);
            const broken = design.sources[`${top}.v`]!.replace('else if (move) valid', 'else valid');
            return { ...design, sources: { ...design.sources, [`${top}.v`]: broken } };
          },
        }),
      ],
      testCall(),
      { simulator },
    );
    const of = (kind: string) => found.filter((text) => text.startsWith(`${kind}: `));
    expect(of('element')[0]).toMatch(/without stalls: m_axis_0, frame 0, element 5 is [01], not [01]$/);
    expect(of('slower')[0]).toMatch(/interval 12, but cycles 13/);
    expect(of('deeper')[0]).toMatch(/m_axis_0, frame 0, beat 0 moved in cycle 2, by schedule in 3/);
    expect(of('roomier').filter((text) => text.includes('without stalls'))).toEqual([]);
    expect(of('roomier')[0]).toMatch(/with stalls of .* moved in cycle \d+, by schedule in \d+$/);
    expect(of('eager')[0]).toMatch(/m_axis_0 moved 84 beats, by schedule 77$/);
    expect(of('circuit')[0]).toMatch(/element \d+ is [01], not [01]/);
    expect(of('retracts').join('\n')).toMatch(/broke AXI-Stream|beats, not|deadlock|element/);
  });
});

describe.skipIf(!available('verilator'))('Verilator has nothing to say about', () => {
  for (const op of operators) {
    it(`${op.name}`, { timeout: 300_000 }, () => {
      expect([...samplesOf(op), ...randomOf(op)].flatMap((candidate) => lint(candidate) ?? [])).toEqual([]);
    });
  }
});

describe('resources() is near what Yosys counts', () => {
  for (const op of operators.filter((o) => o.name !== 'MVAU')) {
    it(`${op.name}`, { timeout: 600_000 }, async () => {
      expect(await estimateGaps(op)).toEqual([]);
    });
  }
});

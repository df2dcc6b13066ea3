import { describe, expect, it } from 'vitest';
import { adder, type Fault, faulty, narrower } from '../../test/helpers/circuits.ts';
import { available } from '../../test/helpers/require.ts';
import { testCall } from './direct.ts';
import { compileSimulation, runSimulation, type Simulator } from './simulation.ts';
import type { SimulationResult, Stimulus } from './stimulus.ts';

const call = testCall();
const faults: readonly Fault[] = ['retracts', 'changes', 'drops', 'duplicates', 'hangs'];
const designs = [adder(16, 3), adder(70, 5), narrower(), ...faults.map(faulty)];
const ramp = (bytes: number): Uint8Array => Uint8Array.from({ length: bytes }, (_, i) => (i * 37 + 11) & 255);
const stalls = { s_axis_0: { probability: 0.4, seed: 1 }, m_axis_0: { probability: 0.5, seed: 2 } };
/** Beats of 70 bits are 9 bytes, of which the last has 6 bits. */
const wide = ramp(90).map((byte, i) => (i % 9 === 8 ? byte & 63 : byte));

const stimuli: readonly Stimulus[] = [
  { dut: 0, inputs: { s_axis_0: ramp(400) }, outputs: { m_axis_0: 200 } },
  { dut: 0, inputs: { s_axis_0: ramp(400) }, outputs: { m_axis_0: 200 }, stalls },
  { dut: 1, inputs: { s_axis_0: wide }, outputs: { m_axis_0: 10 }, stalls },
  { dut: 2, inputs: { s_axis_0: ramp(60) }, outputs: { m_axis_0: 60 } },
  { dut: 2, inputs: { s_axis_0: ramp(60) }, outputs: { m_axis_0: 60 }, stalls },
  ...faults.map((_, i) => ({
    dut: 3 + i,
    inputs: { s_axis_0: ramp(60) },
    outputs: { m_axis_0: 12 },
    stalls: { m_axis_0: stalls.m_axis_0 },
    idle: 100,
  })),
  { dut: 0, inputs: { s_axis_0: ramp(400) }, outputs: { m_axis_0: 200 }, maxCycles: 50 },
];

async function simulate(simulator: Simulator): Promise<SimulationResult[]> {
  const compiled = await compileSimulation(designs, simulator, call);
  return runSimulation(compiled, stimuli, call);
}
const output = (result: SimulationResult | undefined) => result!.streams['m_axis_0']!;
const inputOf = (result: SimulationResult | undefined) => result!.streams['s_axis_0']!;
const words = (bytes: Uint8Array): Uint16Array => new Uint16Array(bytes.slice().buffer);

describe('cxxrtl', () => {
  it('gives the beats of a FIFO, one a cycle', async () => {
    const [plain] = await simulate('cxxrtl');
    expect(plain!.ended).toBe('done');
    expect([...words(output(plain).beats)]).toEqual([...words(ramp(400))].map((v) => (v + 3) & 0xffff));
    expect([...inputOf(plain).times]).toEqual(Array.from({ length: 200 }, (_, i) => i));
    expect([...output(plain).times]).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    expect(plain!.cycles).toBe(201);
  });

  it('gives the same beats when streams stall, and stalls both ways', async () => {
    const results = await simulate('cxxrtl');
    for (const [plain, stalled] of [
      [results[0], results[1]],
      [results[3], results[4]],
    ]) {
      expect(stalled!.ended).toBe('done');
      expect(output(stalled).beats).toEqual(output(plain).beats);
      expect(output(stalled).violations).toBe(0);
      expect(inputOf(stalled).starved).toBeGreaterThan(0);
      expect(output(stalled).blocked).toBeGreaterThan(0);
      expect(stalled!.cycles).toBeGreaterThan(plain!.cycles);
    }
  });

  it('carries beats wider than a machine word', async () => {
    const [, , result] = await simulate('cxxrtl');
    const value = (bytes: Uint8Array, i: number): bigint =>
      BigInt(
        `0x${Buffer.from(bytes.slice(i * 9, i * 9 + 9))
          .reverse()
          .toString('hex')}`,
      );
    for (let i = 0; i < 10; i += 1) {
      expect(value(output(result).beats, i)).toBe((value(wide, i) + 5n) % 2n ** 70n);
    }
  });

  it('narrows beats, least significant first', async () => {
    const result = (await simulate('cxxrtl'))[3];
    expect(output(result).beats).toEqual(ramp(60));
    expect(inputOf(result).blocked).toBe(19 * 2);
  });

  it('finds what breaks AXI-Stream', async () => {
    const results = (await simulate('cxxrtl')).slice(5);
    const by = Object.fromEntries(faults.map((fault, i) => [fault, results[i]]));
    expect(output(by['retracts']).violations).toBeGreaterThan(0);
    expect(output(by['changes']).violations).toBeGreaterThan(0);
    expect(output(by['changes']).count).toBe(12);
    expect(by['drops']).toMatchObject({ ended: 'deadlock' });
    expect(output(by['drops'])).toMatchObject({ count: 11, violations: 0 });
    expect(by['duplicates']).toMatchObject({ ended: 'done' });
    expect(output(by['duplicates'])).toMatchObject({ count: 13, violations: 0 });
    expect(by['hangs']).toMatchObject({ ended: 'deadlock' });
    expect(inputOf(by['hangs']).count).toBe(5);
  });

  it('stops where cycles run out', async () => {
    const result = (await simulate('cxxrtl')).at(-1);
    expect(result).toMatchObject({ ended: 'limit', cycles: 50 });
    expect(inputOf(result).count).toBe(50);
  });
});

for (const simulator of ['verilator', 'iverilog'] as const) {
  describe.skipIf(!available(simulator))(simulator, () => {
    it('agrees with cxxrtl in every beat, cycle and count', async () => {
      expect(await simulate(simulator)).toEqual(await simulate('cxxrtl'));
    });
  });
}

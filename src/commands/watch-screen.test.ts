import { describe, expect, it } from 'vitest';
import { error } from '../diagnostics/diagnostic.ts';
import type { Session } from './session.ts';
import { watchScreen } from './watch-screen.ts';

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const reports = {
  'report/estimate_network_performance.json': json({ max_cycles: 64, estimated_throughput_fps: 375000 }),
  'report/rtlsim_performance.json': json({
    interval_cycles: 64,
    latency_cycles: 189,
    'throughput[images/s]': 375000,
    'fclk[mhz]': 24,
  }),
  'report/post_synth_resources.json': json({ '(top)': { LUT: 1893, EBR_4K: 25 } }),
  'report/post_route_timing.json': json({ fmax_mhz: 31.25 }),
  'verification_output/verdicts.json': json([
    { stage: 'import', vectors: 10, accuracy: 0.9822 },
    { stage: 'codegen', vectors: 0 },
    { stage: 'stitch', vectors: 10 },
  ]),
};

const session = { render: ({ message }: { message: string }) => message, recipe: { locate: () => undefined } };

function screen(asJson: boolean) {
  const lines: string[] = [];
  const keep = (line: string): void => void lines.push(line);
  const io = { out: keep, err: keep, terminal: false, color: false, signal: new AbortController().signal };
  return { screen: watchScreen(asJson, io), lines, session: session as unknown as Session };
}

describe('what finn watch shows of a build', () => {
  it('is what was found beyond estimates', () => {
    const { screen: plain, lines } = screen(false);
    plain.built({ build: 'fast', rows: undefined, before: undefined, seconds: 12.3 }, 'build/net/fast', reports);
    expect(lines).toEqual([
      'fast: built in 12 s, build/net/fast',
      '  simulated: a frame every 64 cycles, 189 cycles latency',
      '  synthesized: 1893 LUT, 25 RAM',
      '  placed and routed: 31.3 MHz',
      '  accuracy 98.22 %',
      '  verified: import, stitch',
    ]);
  });

  it('is the same for machines', () => {
    const { screen: machine, lines } = screen(true);
    machine.built({ build: 'fast', rows: undefined, before: undefined, seconds: 12.3 }, 'build/net/fast', reports);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { type: 'built', build: 'fast', measured: { interval_cycles: 64, lut: 1893 }, verified: ['import', 'stitch'] },
    ]);
  });

  it('tells a failure anew when a step ran, and as an old one when it was not tried', () => {
    const { screen: plain, lines, session: at } = screen(false);
    const id = { step: 'fold', scope: ['net', 'fast'] };
    const failed = { type: 'failed' as const, id, diagnostics: [error('fold/deadlock', 'they wait')] };
    const planned = { type: 'planned' as const, instances: 1, fresh: 0, steps: [] };
    const done = { type: 'done' as const, ok: false, ran: 0, fresh: 0, failed: 1, seconds: 0 };
    for (const event of [planned, { type: 'started' as const, id, because: '' }, failed, done, planned, failed, done])
      plain.event(event, at);
    expect(lines).toEqual([
      '✗ fold net/fast',
      'they wait',
      'failed: 0 ran, 0 fresh, 1 failed, in 0.00 s',
      '✗ fold net/fast: failed before with the same inputs, and is not tried again',
      'they wait',
      'failed: 0 ran, 0 fresh, 1 failed, in 0.00 s',
    ]);
  });
});

import { bug } from '../diagnostics/diagnostic.ts';
import type { StreamPort } from '../hdl/design.ts';
import { ordered } from './job.ts';
import { beatBytes } from './packing.ts';
import type { SimulationResult, Stimulus, StreamResult } from './stimulus.ts';

/** What a recording testbench wrote, by file name, as a result. Unknown bits (x, z) count as 0. */
export function readRecording(
  streams: readonly StreamPort[],
  stimulus: Stimulus,
  files: Readonly<Record<string, Uint8Array>>,
): SimulationResult {
  const lines = (name: string): string[] =>
    new TextDecoder()
      .decode(files[name] ?? bug(`no ${name}`))
      .split('\n')
      .filter((line) => line !== '');
  const summary = lines('summary.log').map((line) => line.split(' ').map(Number));
  const [ended, cycles] = summary[0] as [number, number];
  const results = ordered(streams).map((stream, index): [string, StreamResult] => {
    const log = lines(`${stream.name}.log`).map((line) => line.split(' '));
    const [starved, blocked, violations] = summary[index + 1] as [number, number, number];
    const bytes = beatBytes(stream.width);
    const sent = stimulus.inputs[stream.name]?.subarray(0, log.length * bytes);
    const beats = sent ?? Buffer.concat(log.map(([, hex]) => fromHex(hex!, bytes)));
    const times = Uint32Array.from(log, ([cycle]) => Number(cycle));
    return [stream.name, { beats: new Uint8Array(beats), count: log.length, times, starved, blocked, violations }];
  });
  const names = ['done', 'deadlock', 'limit'] as const;
  return { ended: names[ended] ?? bug(`'${ended}' in summary.log`), cycles, streams: Object.fromEntries(results) };
}

const fromHex = (hex: string, bytes: number): Buffer =>
  Buffer.from(hex.replace(/[xz]/gi, '0').padStart(bytes * 2, '0'), 'hex').reverse();

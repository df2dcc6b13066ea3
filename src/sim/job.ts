import { bug } from '../diagnostics/diagnostic.ts';
import type { StreamPort } from '../hdl/design.ts';
import { beatBytes } from './packing.ts';
import { defaults, type SimulationResult, type Stimulus, type StreamResult, stallWords } from './stimulus.ts';

/** The streams of a circuit as harnesses number them: inputs first, each in the design's order. */
export const ordered = (streams: readonly StreamPort[]): readonly StreamPort[] => [
  ...streams.filter((s) => s.direction === 'in'),
  ...streams.filter((s) => s.direction === 'out'),
];

/** 32-bit words of one beat in jobs and reports. */
export const beatWords = (width: number): number => Math.ceil(width / 32);

/** Beats that a stimulus gives to, or is due from, a stream. A stream that it does not name is a defect. */
export function beatsOf(stimulus: Stimulus, stream: StreamPort): number {
  if (stream.direction === 'out') return stimulus.outputs[stream.name] ?? bug(`no beats due for ${stream.name}`);
  const beats = stimulus.inputs[stream.name] ?? bug(`no beats for ${stream.name}`);
  const bytes = beatBytes(stream.width);
  if (beats.length % bytes !== 0) bug(`${beats.length} bytes for ${stream.name}, whose beats have ${bytes}`);
  return beats.length / bytes;
}

/** Runs as the little-endian words that harness.h reads. */
export function encodeJob(circuits: readonly (readonly StreamPort[])[], stimuli: readonly Stimulus[]): Uint8Array {
  const words: number[] = [stimuli.length];
  const parts: Uint8Array[] = [];
  const flush = (): void => {
    const part = new Uint8Array(words.length * 4);
    const view = new DataView(part.buffer);
    for (const [i, word] of words.entries()) view.setUint32(i * 4, word, true);
    parts.push(part);
    words.length = 0;
  };
  for (const stimulus of stimuli) {
    const dut = stimulus.dut ?? 0;
    const { maxCycles, idle, drain } = { ...defaults, ...stimulus };
    words.push(dut, maxCycles, idle, drain);
    for (const stream of ordered(circuits[dut] ?? bug(`no circuit ${dut}`))) {
      words.push(...stallWords(stimulus.stalls?.[stream.name]), beatsOf(stimulus, stream));
      if (stream.direction === 'out') continue;
      flush();
      parts.push(widen(stimulus.inputs[stream.name]!, beatBytes(stream.width), beatWords(stream.width) * 4));
    }
  }
  flush();
  return concat(parts);
}

/** What harness.h wrote, for the same circuits and stimuli. */
export function decodeReport(
  circuits: readonly (readonly StreamPort[])[],
  stimuli: readonly Stimulus[],
  report: Uint8Array,
): SimulationResult[] {
  const view = new DataView(report.buffer, report.byteOffset, report.byteLength);
  let at = 0;
  const word = (): number => {
    at += 4;
    return view.getUint32(at - 4, true);
  };
  const results = stimuli.map((stimulus): SimulationResult => {
    const ended = (['done', 'deadlock', 'limit'] as const)[word()] ?? bug('a report that harness.h cannot have made');
    const cycles = word();
    const streams: Record<string, StreamResult> = {};
    for (const stream of ordered(circuits[stimulus.dut ?? 0]!)) {
      const [count, starved, blocked, violations] = [word(), word(), word(), word()];
      const times = Uint32Array.from({ length: count }, word);
      const bytes = beatBytes(stream.width);
      let beats = stimulus.inputs[stream.name]?.subarray(0, count * bytes);
      if (stream.direction === 'out') {
        const wide = beatWords(stream.width) * 4;
        beats = widen(report.subarray(at, at + count * wide), wide, bytes);
        at += count * wide;
      }
      streams[stream.name] = { beats: beats!, count, times, starved, blocked, violations };
    }
    return { ended, cycles, streams };
  });
  if (at !== report.length) bug(`${report.length - at} bytes left over in a simulation's report`);
  return results;
}

/** Records of `from` bytes as records of `to` bytes, cut or filled with zeros at their end. */
function widen(records: Uint8Array, from: number, to: number): Uint8Array {
  if (from === to) return records;
  const count = records.length / from;
  const out = new Uint8Array(count * to);
  const size = Math.min(from, to);
  for (let i = 0; i < count; i += 1) {
    for (let b = 0; b < size; b += 1) out[i * to + b] = records[i * from + b]!;
  }
  return out;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

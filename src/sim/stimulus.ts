/** How often a stream is made to wait: the source keeps tvalid low, or the sink keeps tready low. */
export interface Stall {
  /** Of one cycle, from 0 (never) up to, but not including, 1. */
  readonly probability: number;
  readonly seed: number;
}

/** One run of one circuit from reset: what goes in, what is due to come out, and how the streams stall. */
export interface Stimulus {
  /** Index of the circuit among the designs that were compiled together; 0 by default. */
  readonly dut?: number;
  /** Beats of each input stream, ⌈width/8⌉ bytes each, little-endian, as `pack` makes them. */
  readonly inputs: Readonly<Record<string, Uint8Array>>;
  /** Number of beats that each output stream is due to give. */
  readonly outputs: Readonly<Record<string, number>>;
  /** By stream name; streams not named never stall. */
  readonly stalls?: Readonly<Record<string, Stall>>;
  /** The run ends as 'limit' after this many cycles; 2^31 by default. */
  readonly maxCycles?: number;
  /** The run ends as 'deadlock' after this many cycles without a beat on any stream; 100000 by default. */
  readonly idle?: number;
  /** Cycles that follow the last beat that is due, to see beats that are not; 64 by default. */
  readonly drain?: number;
}

/** What happened on one stream. */
export interface StreamResult {
  /** The beats that were accepted, ⌈width/8⌉ bytes each; for inputs what of the stimulus was taken. */
  readonly beats: Uint8Array;
  /** Number of those; an output that gives more than is due has them all here. */
  readonly count: number;
  /** The cycle of each beat; cycle 0 is the first after reset. */
  readonly times: Uint32Array;
  /** Cycles with tvalid low while beats were still to come. */
  readonly starved: number;
  /** Cycles with tvalid high and tready low: back-pressure. */
  readonly blocked: number;
  /** Breaches of AXI-Stream by the circuit: tvalid fell, or tdata changed, before tready had taken the beat. */
  readonly violations: number;
}

export interface SimulationResult {
  /** 'done': all beats that are due moved. 'deadlock': nothing moved for `idle` cycles. 'limit': out of cycles. */
  readonly ended: 'done' | 'deadlock' | 'limit';
  /** 'done': cycles up to the last beat, inclusive; otherwise all that were simulated. */
  readonly cycles: number;
  readonly streams: Readonly<Record<string, StreamResult>>;
}

/** A stall as the harnesses take it: threshold of 2^32 and a non-zero state for xorshift32. */
export function stallWords(stall: Stall | undefined): readonly [threshold: number, state: number] {
  if (!stall || stall.probability <= 0) return [0, 1];
  const threshold = Math.max(1, Math.min(2 ** 32 - 1, Math.round(stall.probability * 2 ** 32)));
  // Neighbouring seeds give unrelated streams: the finaliser of SplitMix32.
  let z = (stall.seed + 0x9e3779b9) >>> 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return [threshold, (z ^ (z >>> 15)) >>> 0 || 1];
}

export const defaults = { maxCycles: 2 ** 31, idle: 100_000, drain: 64 } as const;

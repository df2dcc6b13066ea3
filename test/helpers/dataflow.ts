import fc from 'fast-check';
import type { Buffered, Pipeline } from '../../src/operators/operator.ts';
import type { Stage } from '../../src/passes/fold/tokens.ts';
import { type Random, random } from '../../src/util/random.ts';

/** Stages and the edges between them. */
export interface Dataflow {
  readonly stages: readonly Stage[];
  readonly edges: number;
  /** Pace of the slowest stage alone, an upper bound of it for buffers. */
  readonly pace: number;
  /** Beats of a frame at the accelerator's output. */
  readonly beats: number;
}

function choose(values: Random, n: number, of: number): Set<number> {
  const chosen = new Set<number>();
  while (chosen.size < n) chosen.add(values.int(0, of - 1));
  return chosen;
}

function randomPipeline(values: Random, ins: readonly number[], outs: readonly number[]): Pipeline {
  const interval = values.int(Math.max(...ins, ...outs), Math.max(...ins, ...outs) + 6);
  const takes = ins.map((n) => choose(values, n, interval));
  const gives = outs.map((n) => choose(values, n, interval));
  return {
    interval,
    takes: (port, t) => takes[port]!.has(t),
    gives: (port, t) => gives[port]!.has(t),
    depth: values.int(1, 4),
  };
}

function randomBuffered(values: Random, inputs: number, outputs: number): Buffered {
  const needs = Array.from({ length: outputs }, () => values.int(1, inputs));
  // A place must not be given away before the last beat that needs it.
  const keeps = needs.map((_, j) => Math.max(0, Math.min(...needs.slice(j)) - values.int(0, 2)));
  for (let j = 1; j < outputs; j += 1) keeps[j] = Math.max(keeps[j]!, keeps[j - 1]!);
  const least = Math.max(...needs.map((_, j) => Math.max(...needs.slice(0, j + 1)) - keeps[j]!));
  return {
    kind: 'buffered',
    inputs,
    outputs,
    needs: (j) => needs[j]!,
    keeps: (j) => keeps[j]!,
    capacity: least + values.int(0, 4),
    ...(values.chance() ? { through: true } : {}),
    depth: values.int(0, 3),
  };
}

function dataflow(seed: number, size: number, straight: boolean): Dataflow {
  const values = random(`dataflow ${seed}`);
  const stages: Stage[] = [];
  /** Edges that nobody reads yet, with their beats. */
  let open: { edge: number; beats: number }[] = [{ edge: -1, beats: values.int(1, 6) }];
  let edges = 0;
  let pace = 1;
  const add = (ins: typeof open, outs: number[], last: boolean): void => {
    const made = outs.map((beats) => ({ edge: last ? -1 : edges++, beats }));
    const simple = ins.length === 1 && outs.length === 1 && values.chance(0.4);
    const schedule = simple
      ? randomBuffered(values, ins[0]!.beats, outs[0]!)
      : randomPipeline(
          values,
          ins.map(({ beats }) => beats),
          outs,
        );
    pace = Math.max(
      pace,
      schedule.kind === 'buffered' ? 2 * (schedule.inputs + schedule.outputs) + 8 : schedule.interval,
    );
    stages.push({
      name: `s${stages.length}`,
      schedule,
      in: ins.map(({ edge }) => edge),
      out: made.map(({ edge }) => edge),
    });
    open = [...open.filter((one) => !ins.includes(one)), ...made];
  };
  for (let i = 0; i < size; i += 1) {
    const ins = open.length > 1 && values.chance() ? open.slice(0, 2) : open.slice(0, 1);
    add(ins, !straight && values.chance(0.4) ? [values.int(1, 6), values.int(1, 6)] : [values.int(1, 6)], false);
  }
  const beats = values.int(1, 4);
  add(open, [beats], true);
  return { stages, edges, pace, beats };
}

/** Random stages with forks, joins and buffers; `straight` for a chain. */
export const dataflows = (straight = false): fc.Arbitrary<Dataflow> =>
  fc.tuple(fc.nat(1e6), fc.integer({ min: 1, max: 6 })).map(([seed, size]) => dataflow(seed, size, straight));

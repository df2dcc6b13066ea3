import { fail, inNetwork } from '../../diagnostics/diagnostic.ts';
import type { StreamPort } from '../../hdl/design.ts';
import type { Tensor } from '../../ir/tensor.ts';
import type { SimulationResult } from '../../sim/stimulus.ts';
import { indexOf, mismatch } from './compare.ts';
import { elementsOf } from './frames.ts';

/** What a simulated stream must be. */
export interface Due {
  readonly stage: 'codegen' | 'stitch' | 'shell';
  /** Layer, or the accelerator. */
  readonly where: string;
  readonly origin: readonly string[];
  readonly port: StreamPort;
  /** One tensor a frame. */
  readonly frames: readonly Tensor[];
}

/**
 * A simulated output against what is due: every element of every frame, no beat too few or too many, no breach of
 * AXI-Stream. Returns the number of elements compared; fails with the first that differs.
 */
export function checkStream(result: SimulationResult, { stage, where, origin, port, frames }: Due): number {
  const stream = result.streams[port.name]!;
  const due = frames.length * port.beats;
  const at = inNetwork(origin);
  let elements = 0;
  const size = Math.ceil(port.width / 8) * port.beats;
  frames.forEach((expected, vector) => {
    const part = stream.beats.subarray(vector * size, (vector + 1) * size);
    const found = elementsOf(part, expected, port);
    for (let i = 0; i < Math.min(found.length, expected.data.length); i += 1) {
      if (found[i] !== expected.data[i])
        mismatch(
          stage,
          { where, origin, vector, element: indexOf(i, expected.shape), expected: expected.data[i]!, found: found[i]! },
          stream.count === due
            ? undefined
            : `${stream.count} beats came where ${due} are due: some were lost or doubled`,
        );
      elements += 1;
    }
  });
  if (stream.count !== due || result.ended !== 'done')
    fail(
      'verify/beats',
      `after ${stage}: ${where} gives ${stream.count} beats on ${port.name} where ${due} are due (${frames.length} frames of ${port.beats})${result.ended === 'deadlock' ? ', and then nothing moves any more' : ''}`,
      { at },
    );
  if (stream.violations > 0)
    fail(
      'verify/stream',
      `after ${stage}: ${where} breaks the rules of AXI-Stream on ${port.name} ${stream.violations} times`,
      {
        at,
        hint: 'tvalid fell, or tdata changed, before tready had taken the beat',
      },
    );
  return elements;
}

import type { Schedule } from '../../operators/operator.ts';
import { BufferedPlayer } from './buffered.ts';
import { PipelinePlayer } from './pipeline.ts';
import type { Player, Wake } from './player.ts';
import type { Queue } from './queue.ts';
import { ThroughPlayer } from './through.ts';

/** Starts playing a schedule with its first frame. */
export function player(schedule: Schedule, ins: readonly Queue[], outs: readonly Queue[], wake: Wake): Player {
  if (schedule.kind === 'buffered') return new BufferedPlayer(schedule, ins[0]!, outs[0]!, wake);
  if (ins.length === 1 && outs.length === 1) return new ThroughPlayer(schedule, ins[0]!, outs[0]!, wake);
  return new PipelinePlayer(schedule, ins, outs, wake);
}

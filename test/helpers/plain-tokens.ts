import type { Buffered, Pipeline } from '../../src/operators/operator.ts';
import type { Capacity, Stage } from '../../src/passes/fold/tokens.ts';

/** What happened on the accelerator's edges: cycles by stage, direction and port, as `runTokens` logs them. */
export interface PlainRun {
  readonly log: readonly { readonly in: number[][]; readonly out: number[][] }[];
  /** Nothing moved for longer than any schedule rests. */
  readonly deadlock: boolean;
}

/** A queue as the cycles in which its beats came. */
class PlainQueue {
  private readonly came: number[] = [];
  private held = 0;
  private readonly depth: number;
  private readonly latency: number;

  constructor({ depth, latency = 1 }: Capacity) {
    this.depth = depth;
    this.latency = latency;
  }

  /** The state at the beginning of a cycle. */
  begin(): void {
    this.held = this.came.length;
  }

  hasBeat = (cycle: number): boolean => this.came.length > 0 && this.came[0]! + this.latency <= cycle;
  hasPlace = (): boolean => this.held < this.depth;
  put = (cycle: number): void => void this.came.push(cycle);
  take = (): void => void this.came.shift();
}

/** What a stage sees of its streams in a cycle. */
interface Streams {
  hasBeat(port: number): boolean;
  take(port: number): void;
  hasPlace(port: number): boolean;
  put(port: number): void;
}

/** Registers with results on their way: sets of ports, the one that leaves next at the end. */
class PlainLine {
  private readonly registers: number[];
  private left = 0;

  constructor(depth: number) {
    this.registers = new Array<number>(depth).fill(0);
  }

  /** Lets go what can; true if the line moves on in this cycle. */
  leave(streams: Streams): boolean {
    const leaving = this.registers.at(-1)!;
    for (let port = 0; leaving >> port; port += 1) {
      if (!((leaving & ~this.left) >> port) || !(((leaving & ~this.left) >> port) & 1) || !streams.hasPlace(port))
        continue;
      streams.put(port);
      this.left |= 1 << port;
    }
    if (this.left !== leaving) return false;
    this.left = 0;
    this.registers.pop();
    return true;
  }

  enter(ports: number): void {
    this.registers.unshift(ports);
  }
}

function pipeline(schedule: Pipeline, ins: number, outs: number): (streams: Streams) => void {
  const line = new PlainLine(Math.max(1, schedule.depth));
  const ports = (n: number): number[] => Array.from({ length: n }, (_, port) => port);
  let t = 0;
  return (streams) => {
    if (!line.leave(streams)) return;
    const wanted = ports(ins).filter((port) => schedule.takes(port, t));
    if (!wanted.every(streams.hasBeat)) {
      line.enter(0);
      return;
    }
    wanted.forEach(streams.take);
    line.enter(ports(outs).reduce((set, port) => (schedule.gives(port, t) ? set | (1 << port) : set), 0));
    t = (t + 1) % schedule.interval;
  };
}

function buffered(schedule: Buffered): (streams: Streams) => void {
  const { inputs, outputs, capacity, depth } = schedule;
  const line = depth > 0 ? new PlainLine(depth) : undefined;
  let [taken, issued] = [0, 0];
  const overFrames = (of: (j: number) => number, j: number): number =>
    Math.floor(j / outputs) * inputs + of(j % outputs);
  return (streams) => {
    const before = { taken, issued };
    const ready = overFrames((j) => schedule.needs(j), issued) <= before.taken;
    if (line) {
      if (line.leave(streams)) {
        line.enter(ready ? 1 : 0);
        if (ready) issued += 1;
      }
    } else if (ready && streams.hasPlace(0)) {
      streams.put(0);
      issued += 1;
    }
    const next = schedule.through ? issued : before.issued;
    if (taken < overFrames((j) => schedule.keeps(j), next) + capacity && streams.hasBeat(0)) {
      streams.take(0);
      taken += 1;
    }
  };
}

/** The stages stepped through cycle by cycle, as plainly as can be: what `runTokens` is held to. */
export function plainTokens(
  stages: readonly Stage[],
  capacities: readonly Capacity[],
  beats: number,
  offered: (cycle: number) => boolean = () => true,
): PlainRun {
  const queues = capacities.map((capacity) => new PlainQueue(capacity));
  const steps = stages.map(({ schedule, in: ins, out: outs }) =>
    schedule.kind === 'buffered' ? buffered(schedule) : pipeline(schedule, ins.length, outs.length),
  );
  const log = stages.map(({ in: ins, out: outs }) => ({
    in: ins.map((): number[] => []),
    out: outs.map((): number[] => []),
  }));
  /** Sources keep a beat that they have offered. */
  const held = stages.map(({ in: ins }) => ins.map(() => false));
  let idle = 0;
  let given = 0;
  for (let cycle = 0; given < beats; cycle += 1) {
    let moved = false;
    for (const queue of queues) queue.begin();
    if (offered(cycle)) for (const ports of held) ports.fill(true);
    stages.forEach(({ in: ins, out: outs }, i) => {
      steps[i]!({
        hasBeat: (port) => (ins[port]! < 0 ? held[i]![port]! : queues[ins[port]!]!.hasBeat(cycle)),
        take: (port) => {
          moved = true;
          if (ins[port]! < 0) {
            log[i]!.in[port]!.push(cycle);
            held[i]![port] = false;
          } else queues[ins[port]!]!.take();
        },
        hasPlace: (port) => outs[port]! < 0 || queues[outs[port]!]!.hasPlace(),
        put: (port) => {
          moved = true;
          if (outs[port]! >= 0) queues[outs[port]!]!.put(cycle);
          else {
            log[i]!.out[port]!.push(cycle);
            given += 1;
          }
        },
      });
    });
    idle = moved ? 0 : idle + 1;
    if (idle > 200) return { log, deadlock: true };
  }
  return { log, deadlock: false };
}

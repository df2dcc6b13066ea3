import type { EngineEvent, InstanceId } from '../engine/events.ts';
import { duration, nameOf } from './screen.ts';

/** What a terminal shows of one step: all its instances in one row. */
export interface Row {
  readonly step: string;
  /** Instances known, and whether there will be more. */
  readonly instances: number;
  readonly open: boolean;
  /** Names of the instances that run. */
  readonly running: readonly string[];
  /** Finished, failed or skipped. */
  readonly settled: number;
  readonly ran: number;
  readonly failed: number;
  readonly skipped: number;
  /** Sum of the times of those that ran. */
  readonly seconds: number;
  /** What is going on at the moment: a tool's last line, a note. */
  readonly activity: string;
}

/** The rows after an event; a step comes in with 'planned' and keeps its place. */
export function update(rows: readonly Row[], event: EngineEvent): readonly Row[] {
  switch (event.type) {
    case 'planned': {
      const planned = event.steps.map(({ step, instances, open }) => ({
        ...(rows.find((row) => row.step === step) ?? empty(step)),
        instances,
        open,
      }));
      return [...planned, ...rows.filter((row) => !planned.some(({ step }) => step === row.step))];
    }
    case 'started':
      return change(rows, event.id, (row) => ({
        running: [...row.running, nameOf(event.id)],
        activity: event.because,
      }));
    case 'note':
      return change(rows, event.id, () => ({ activity: event.text }));
    case 'line':
      return event.text.trim() === ''
        ? rows
        : change(rows, event.id, () => ({ activity: `${event.tool}: ${event.text.trim()}` }));
    case 'call':
      return change(rows, event.id, () => ({ activity: `${event.tool}: ${event.label}` }));
    case 'finished':
      return change(rows, event.id, (row) => ({
        settled: row.settled + 1,
        running: without(row, event.id),
        ran: row.ran + (event.how === 'ran' ? 1 : 0),
        seconds: row.seconds + event.seconds,
      }));
    case 'failed':
      return change(rows, event.id, (row) => ({
        settled: row.settled + 1,
        failed: row.failed + 1,
        running: without(row, event.id),
      }));
    case 'skipped':
      return change(rows, event.id, (row) => ({
        settled: row.settled + 1,
        skipped: row.skipped + 1,
        running: without(row, event.id),
      }));
    case 'diagnostic':
    case 'done':
      return rows;
  }
}

/** Has everything of this step come to an end? */
export const isOver = (row: Row): boolean => !row.open && row.settled >= row.instances;

/** 'synthesize  3/20  12 s'. */
export function title(row: Row): string {
  const parts = [row.step];
  if (row.open || row.instances > 1) parts.push(`${row.settled}/${row.open ? '?' : row.instances}`);
  if (row.ran > 0) parts.push(duration(row.seconds));
  else if (isOver(row) && row.failed + row.skipped === 0) parts.push('fresh');
  return parts.join('  ');
}

const empty = (step: string): Row => ({
  step,
  instances: 0,
  open: false,
  running: [],
  settled: 0,
  ran: 0,
  failed: 0,
  skipped: 0,
  seconds: 0,
  activity: '',
});

const without = (row: Row, id: InstanceId): string[] => row.running.filter((name) => name !== nameOf(id));
const change = (rows: readonly Row[], { step }: InstanceId, how: (row: Row) => Partial<Row>): readonly Row[] =>
  rows.map((row) => (row.step === step ? { ...row, ...how(row) } : row));

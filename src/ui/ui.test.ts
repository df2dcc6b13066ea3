import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { error, warning } from '../diagnostics/diagnostic.ts';
import type { EngineEvent } from '../engine/events.ts';
import { chooseScreen } from './choose.ts';
import { listrScreen } from './listr.ts';
import { isOver, type Row, title, update } from './rows.ts';
import { duration } from './screen.ts';

const id = (step: string, ...scope: string[]) => ({ step, scope });
const broken = error('tool/failed', 'yosys ended with exit status 1');
const events: readonly EngineEvent[] = [
  {
    type: 'planned',
    instances: 1,
    fresh: 0,
    steps: [
      { step: 'fold', instances: 1, open: false },
      { step: 'synthesize', instances: 0, open: true },
    ],
  },
  { type: 'started', id: id('fold', 'b'), because: 'config.fps: 1 → 2' },
  { type: 'note', id: id('fold', 'b'), text: 'searching' },
  { type: 'diagnostic', id: id('fold', 'b'), diagnostic: warning('tool/log', 'odd') },
  { type: 'finished', id: id('fold', 'b'), how: 'ran', seconds: 0.25 },
  {
    type: 'planned',
    instances: 3,
    fresh: 1,
    steps: [
      { step: 'fold', instances: 1, open: false },
      { step: 'synthesize', instances: 2, open: false },
    ],
  },
  { type: 'finished', id: id('synthesize', 'b', 'x'), how: 'fresh', seconds: 0 },
  { type: 'started', id: id('synthesize', 'b', 'y'), because: 'never ran here' },
  { type: 'call', id: id('synthesize', 'b', 'y'), tool: 'yosys', label: 'synthesis of y', outcome: 'started' },
  { type: 'line', id: id('synthesize', 'b', 'y'), tool: 'yosys', text: 'ABC: 7' },
];
const ending: readonly EngineEvent[] = [
  { type: 'call', id: id('synthesize', 'b', 'y'), tool: 'yosys', label: 'synthesis of y', outcome: 'failed' },
  { type: 'failed', id: id('synthesize', 'b', 'y'), diagnostics: [broken] },
  { type: 'done', ok: false, ran: 1, fresh: 1, failed: 1, seconds: 75.2 },
];

const lines: string[] = [];
const options = {
  write: (line: string): void => void lines.push(line),
  render: (diagnostic: { code: string; message: string }): string => `${diagnostic.code}: ${diagnostic.message}`,
};
beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  lines.length = 0;
  vi.useRealTimers();
});

it('plain lines say what ran and why, long calls, failures and the end', async () => {
  const screen = await chooseScreen({ ...options, json: false, terminal: false });
  for (const event of events) screen.display(event);
  vi.advanceTimersByTime(4999);
  expect(lines.at(-1)).not.toContain('synthesis of y');
  vi.advanceTimersByTime(1);
  for (const event of ending) screen.display(event);
  await screen.close();
  vi.advanceTimersByTime(60_000);
  expect(lines).toEqual([
    '  fold b: searching',
    'tool/log: odd',
    '✓ fold b  0.25 s  (config.fps: 1 → 2)',
    '… yosys: synthesis of y',
    '✗ synthesize b/y',
    'tool/failed: yosys ended with exit status 1',
    'failed: 1 ran, 1 fresh, 1 failed, in 1 min 15 s',
  ]);
});

it('JSON is one event a line, without the lines of logs', async () => {
  const screen = await chooseScreen({ ...options, json: true, terminal: true });
  for (const event of [...events, ...ending]) screen.display(event);
  await screen.close();
  expect(lines.map((line) => JSON.parse(line))).toEqual([...events, ...ending].filter(({ type }) => type !== 'line'));
});

describe('rows', () => {
  const rows = (some: readonly EngineEvent[]): readonly Row[] => some.reduce(update, [] as readonly Row[]);
  it('count the instances of each step', () => {
    expect(rows(events.slice(0, 3)).map((row) => [title(row), row.activity, isOver(row)])).toEqual([
      ['fold', 'searching', false],
      ['synthesize  0/?', '', false],
    ]);
    expect(rows(events).map((row) => [title(row), row.activity, isOver(row)])).toEqual([
      ['fold  0.25 s', 'searching', true],
      ['synthesize  1/2', 'yosys: ABC: 7', false],
    ]);
    expect(rows([...events, ...ending]).map((row) => [row.failed, row.running.length, isOver(row)])).toEqual([
      [0, 0, true],
      [1, 0, true],
    ]);
  });
});

describe('a terminal', () => {
  beforeEach(() => void vi.useRealTimers());
  it('shows diagnostics and the summary below the rows', async () => {
    const screen = listrScreen(options, 'silent');
    for (const event of [...events, ...ending]) screen.display(event);
    await screen.close();
    expect(lines).toEqual([
      'tool/log: odd',
      '✗ synthesize b/y',
      'tool/failed: yosys ended with exit status 1',
      'failed: 1 ran, 1 fresh, 1 failed, in 1 min 15 s',
    ]);
  });
  it('comes to an end when the run was cut short', async () => {
    const screen = listrScreen(options, 'silent');
    for (const event of events) screen.display(event);
    await screen.close();
    expect(lines.at(-1)).toBe('stopped');
  });
});

it('durations are short', () => {
  expect([0.004, 0.25, 3.12, 59.4, 61, 3600].map(duration)).toEqual([
    '0.00 s',
    '0.25 s',
    '3.1 s',
    '59 s',
    '1 min 1 s',
    '60 min 0 s',
  ]);
});

import type { ListrTaskWrapper } from 'listr2';
import { visible } from '../diagnostics/visible.ts';
import type { EngineEvent } from '../engine/events.ts';
import { isOver, type Row, title, update } from './rows.ts';
import { nameOf, type Screen, type ScreenOptions, summary } from './screen.ts';

// biome-ignore lint/suspicious/noExplicitAny: the parameters are listr2's renderers, of which any will do
type Task = ListrTaskWrapper<any, any, any>;

/**
 * One row for each step on a terminal, with how many of its instances are done and what its tools say. A build with
 * nothing to do draws nothing (and does not load listr2). Diagnostics come below when all is over.
 */
export function listrScreen({ write, render }: ScreenOptions, renderer: 'default' | 'silent' = 'default'): Screen {
  let rows: readonly Row[] = [];
  let drawing: Promise<void> | undefined;
  const tasks = new Map<string, { readonly task: Task; readonly end: (error?: Error) => void }>();
  const below: string[] = [];
  let last: string | undefined;

  const show = (): void => {
    for (const row of rows) {
      const shown = tasks.get(row.step);
      if (!shown) continue;
      shown.task.title = title(row);
      shown.task.output = row.running.length > 0 ? visible(row.activity) : '';
      if (!isOver(row) && last === undefined) continue;
      tasks.delete(row.step);
      if (row.failed > 0) shown.end(new Error(title(row)));
      else {
        if (row.skipped > 0) shown.task.skip(`${row.step}: not run`);
        shown.end();
      }
    }
  };
  const draw = async (): Promise<void> => {
    const { Listr } = await import('listr2');
    const list = rows.map((row) => ({
      title: title(row),
      task: (_context: unknown, task: Task): Promise<void> =>
        new Promise((resolve, reject) => {
          tasks.set(row.step, { task, end: (error) => (error ? reject(error) : resolve()) });
          show();
        }),
    }));
    const options = { concurrent: true, exitOnError: false, registerSignalListeners: false };
    const shownBy =
      renderer === 'silent'
        ? new Listr(list, { ...options, renderer })
        : new Listr(list, {
            ...options,
            renderer,
            rendererOptions: { collapseErrors: false, showErrorMessage: false },
          });
    await shownBy.run();
  };

  const display = (event: EngineEvent): void => {
    rows = update(rows, event);
    if (event.type === 'started') drawing ??= draw();
    else if (event.type === 'diagnostic') below.push(render(event.diagnostic));
    else if (event.type === 'failed') {
      below.push(`✗ ${nameOf(event.id)}`, ...event.diagnostics.map(render));
    } else if (event.type === 'done') last = summary(event);
    show();
  };
  return {
    display,
    async close() {
      last ??= 'stopped';
      show();
      await drawing;
      for (const line of below) write(line);
      write(last);
    },
  };
}

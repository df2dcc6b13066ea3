import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { FinnError } from '../diagnostics/diagnostic.ts';
import { type BuildOptions, build } from './build.ts';

/** The process in which `finn watch` builds: it does what messages tell it, one build after the other. */

/** What it is told. */
export type Order =
  | {
      readonly type: 'build';
      readonly recipe: string;
      readonly options: BuildOptions;
      readonly color: boolean;
      /** What failed before, by key. */
      readonly failures: readonly Failure[];
    }
  | { readonly type: 'stop' };

export type Failure = readonly [key: string, diagnostics: readonly Diagnostic[]];

/** What it tells: lines as `finn build --json` prints them, and how it ended. */
export type Answer =
  | { readonly type: 'out' | 'err'; readonly line: string }
  | {
      readonly type: 'ended';
      readonly status: number;
      /** What was wrong before anything ran. */
      readonly refused: readonly Diagnostic[];
      /** What is a defect of finn. */
      readonly defect?: string | undefined;
      readonly failures: readonly Failure[];
    };

const tell = (answer: Answer): void => {
  if (process.connected) process.send?.(answer);
};

let controller = new AbortController();

async function obey(order: Extract<Order, { type: 'build' }>): Promise<void> {
  controller = new AbortController();
  const failures = new Map(order.failures);
  const io = {
    out: (line: string) => tell({ type: 'out', line }),
    err: (line: string) => tell({ type: 'err', line }),
    terminal: false,
    color: order.color,
    signal: controller.signal,
  };
  const ended = (status: number, refused: readonly Diagnostic[] = [], defect?: string): void =>
    tell({ type: 'ended', status, refused, defect, failures: [...failures] });
  try {
    ended(await build(order.recipe, { ...order.options, json: true, failures }, io));
  } catch (cause) {
    if (cause instanceof FinnError) ended(2, cause.diagnostics);
    else ended(1, [], cause instanceof Error ? (cause.stack ?? cause.message) : String(cause));
  }
}

process.on('message', (order: Order) => {
  if (order.type === 'stop') controller.abort();
  else void obey(order);
});
// Whoever watches hears of Ctrl-C and of a closed terminal, too, and says what is to be done.
process.on('SIGINT', () => {});
process.on('SIGHUP', () => {});
// It ends when nothing runs any more.
process.on('disconnect', () => controller.abort());

import type { EngineEvent, InstanceId } from '../engine/events.ts';
import { duration, nameOf, type Screen, type ScreenOptions, summary } from './screen.ts';

/** A tool call is worth a line of its own when it has run for so long. */
const longMilliseconds = 5000;

/** Plain lines, for logs and pipes: what ran, what failed and why, long tool calls, and how it ended. */
export function plainScreen({ write, render }: ScreenOptions): Screen {
  const reasons = new Map<string, string>();
  const timers = new Map<string, NodeJS.Timeout>();
  const callName = (event: { id: InstanceId; tool: string; label: string }): string =>
    `${nameOf(event.id)} ${event.tool} ${event.label}`;
  const stop = (name: string): void => {
    clearTimeout(timers.get(name));
    timers.delete(name);
  };

  const display = (event: EngineEvent): void => {
    switch (event.type) {
      case 'started':
        reasons.set(nameOf(event.id), event.because);
        break;
      case 'note':
        write(`  ${nameOf(event.id)}: ${event.text}`);
        break;
      case 'call': {
        const name = callName(event);
        stop(name);
        if (event.outcome !== 'started') break;
        const say = (): void => write(`… ${event.tool}: ${event.label}`);
        timers.set(name, setTimeout(say, longMilliseconds).unref());
        break;
      }
      case 'diagnostic':
        write(render(event.diagnostic));
        break;
      case 'finished': {
        if (event.how !== 'ran') break;
        const because = reasons.get(nameOf(event.id));
        write(`✓ ${nameOf(event.id)}  ${duration(event.seconds)}${because ? `  (${because})` : ''}`);
        break;
      }
      case 'failed':
        write(`✗ ${nameOf(event.id)}`);
        for (const diagnostic of event.diagnostics) write(render(diagnostic));
        break;
      case 'skipped':
        write(`- ${nameOf(event.id)}: ${event.because}`);
        break;
      case 'done':
        for (const name of [...timers.keys()]) stop(name);
        write(summary(event));
        break;
      case 'planned':
      case 'line':
        break;
    }
  };
  return { display, close: async () => {} };
}

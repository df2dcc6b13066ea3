import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { Tool } from './invocation.ts';

/** Characters of a line that are shown. */
const widest = 1000;
const short = (line: string): string => (line.length > widest ? `${line.slice(0, widest)}…` : line);

/** More messages than this of one severity and call say nothing new. */
const most = 20;

/** The lines of a log that the tool's patterns call errors or warnings, in order, repetitions left out. */
export function logDiagnostics(tool: Tool, log: string, path: string): Diagnostic[] {
  // A pattern with flag g or y would remember where it last matched.
  const patterns = tool.log.map(({ pattern, severity }) => ({
    pattern: new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')),
    severity,
  }));
  const found = new Map<string, Diagnostic>();
  const counts = { error: 0, warning: 0 };
  log.split(/\r?\n/).forEach((text, index) => {
    for (const { pattern, severity } of patterns) {
      const match = pattern.exec(text);
      if (!match) continue;
      const message = short(`${tool.name}: ${(match.groups?.['message'] ?? text).trim()}`);
      if (found.has(message)) return;
      counts[severity] += 1;
      if (counts[severity] > most) return;
      found.set(message, { code: 'tool/log', severity, message, at: { in: 'log', path, line: index + 1 } });
      return;
    }
  });
  return [...found.values()];
}

/** The last lines of a log, for a message; '' if there are none. */
export function tailOf(log: string, lines = 10): string {
  const last = log.trimEnd().split(/\r?\n/).slice(-lines).map(short).join('\n');
  return last === '' ? '' : `; its last lines were:\n${last}`;
}

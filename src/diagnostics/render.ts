import { readFileSync } from 'node:fs';
import type { Diagnostic, Location, Severity } from './diagnostic.ts';
import { shortened, visible } from './visible.ts';

/** How a diagnostic is shown. `readText` gives a file's text, undefined where it cannot be read (default: from disk). */
export interface RenderOptions {
  readonly color: boolean;
  readonly readText?: (path: string) => string | undefined;
  /** Where a JSON pointer into the recipe stands in its files: Recipe.locate. */
  readonly locate?: (pointer: string) => Location;
}

function fromDisk(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

type Paint = (style: keyof typeof styles, text: string) => string;
const styles = { error: '1;31', warning: '1;33', note: '1;36', dim: '2', bold: '1' };
const painter =
  (color: boolean): Paint =>
  (style, text) =>
    color && text !== '' ? `\u001b[${styles[style]}m${text}\u001b[0m` : text;

/** No line of an excerpt is wider; a minified file would fill the terminal. */
const widest = 160;

/** Line and column, from 1, of a character of a text. */
export function lineAndColumn(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  const start = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: offset - start + 1 };
}

/** No message or name is longer; a model may have names of megabytes. */
const longest = 2000;
const said = (text: string): string => visible(shortened(text, longest));

function excerpt(text: string, at: Extract<Location, { in: 'file' }>, style: Severity, paint: Paint): string[] {
  const { line, column } = lineAndColumn(text, at.start);
  const whole = text.split('\n')[line - 1]!.replace(/\r$/, '');
  const from = column > widest - 40 ? column - 40 : 0;
  const shown = visible(whole.slice(from, from + widest));
  if (shown.trim() === '') return [];
  const number = String(line);
  const length = Math.max(
    1,
    Math.min(at.end - at.start, whole.length - column + 1, shown.length - (column - 1 - from)),
  );
  const squiggle = ' '.repeat(column - 1 - from) + paint(style, '~'.repeat(length));
  return [
    `  ${paint('dim', `${number} |`)} ${shown}`,
    `  ${paint('dim', `${' '.repeat(number.length)} |`)} ${squiggle}`,
  ];
}

/** 'digits.yaml:12:5', 'network node fc2', 'work/log:7', 'the recipe, /targets/x'. */
export function renderLocation(at: Location, readText: (path: string) => string | undefined = fromDisk): string {
  if (at.in === 'log') return `${said(at.path)}:${at.line}`;
  if (at.in === 'recipe') return `the recipe, ${said(at.pointer)}`;
  if (at.in === 'network')
    return at.origin.length === 0
      ? 'the network'
      : `network ${at.origin.length > 1 ? 'nodes' : 'node'} ${said(at.origin.join(', '))}`;
  const text = readText(at.path);
  if (text === undefined) return said(at.path);
  const { line, column } = lineAndColumn(text, at.start);
  return `${said(at.path)}:${line}:${column}`;
}

function where(at: Location, style: Severity, read: (path: string) => string | undefined, paint: Paint): string[] {
  if (at.in === 'network' || at.in === 'recipe') return [];
  const text = read(at.path);
  if (text === undefined) return [];
  if (at.in === 'file') return excerpt(text, at, style, paint);
  const line = text.split('\n')[at.line - 1];
  return line === undefined ? [] : [`  ${paint('dim', `${at.line} |`)} ${visible(line.slice(0, widest))}`];
}

/**
 * A diagnostic as text of several lines without a final newline: place, severity, message and code; the line with the
 * offending text underlined; the other places that belong to it; the hint.
 */
export function render(diagnostic: Diagnostic, { color, readText = fromDisk, locate }: RenderOptions): string {
  const { code, hint, message, severity } = diagnostic;
  const inFile = (at: Location): Location => (at.in === 'recipe' ? (locate?.(at.pointer) ?? at) : at);
  const at = diagnostic.at && inFile(diagnostic.at);
  const also = (diagnostic.also ?? []).map((other) => ({ ...other, at: inFile(other.at) }));
  const paint = painter(color);
  const place = at ? `${paint('bold', renderLocation(at, readText))}: ` : '';
  const lines = [`${place}${paint(severity, severity)}: ${said(message)} ${paint('dim', `[${code}]`)}`];
  if (at) lines.push(...where(at, severity, readText, paint));
  for (const other of also) {
    lines.push(
      `  ${paint('bold', renderLocation(other.at, readText))}: ${paint('note', 'note')}: ${said(other.message)}`,
    );
    lines.push(...where(other.at, 'note', readText, paint).map((line) => `  ${line}`));
  }
  if (hint !== undefined) lines.push(`  ${paint('note', 'hint')}: ${said(hint)}`);
  return lines.join('\n');
}

import { readFileSync } from 'node:fs';
import type { Diagnostic, Location } from '../diagnostics/diagnostic.ts';
import { lineAndColumn } from '../diagnostics/render.ts';

/** A diagnostic as plain data for `--json`: places of files as line and column, from 1. */
export interface DiagnosticJson {
  readonly severity: Diagnostic['severity'];
  readonly code: string;
  readonly message: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  /** Names of the ONNX nodes. */
  readonly nodes?: readonly string[];
  readonly hint?: string;
}

/** `locate` finds JSON pointers into the recipe: Recipe.locate. */
export function diagnosticJson(
  { severity, code, message, at, hint }: Diagnostic,
  locate?: (pointer: string) => Location,
): DiagnosticJson {
  const place = at?.in === 'recipe' ? (locate?.(at.pointer) ?? at) : at;
  return { severity, code, message, ...placeJson(place), ...(hint !== undefined && { hint }) };
}

function placeJson(at: Location | undefined): Partial<DiagnosticJson> {
  if (at?.in === 'network') return { nodes: at.origin };
  if (at?.in === 'log') return { file: at.path, line: at.line };
  if (at?.in !== 'file') return {};
  try {
    return { file: at.path, ...lineAndColumn(readFileSync(at.path, 'utf8'), at.start) };
  } catch {
    return { file: at.path };
  }
}

import type { Code } from './codes.ts';

/**
 * Where something is wrong: a span of a text file, nodes of a network, a line of a tool's log, or a JSON pointer into the
 * recipe, which a command turns into a span before it shows it (steps do not know lines: they would be in their keys).
 */
export type Location =
  | { readonly in: 'file'; readonly path: string; readonly start: number; readonly end: number }
  | { readonly in: 'network'; readonly origin: readonly string[] }
  | { readonly in: 'log'; readonly path: string; readonly line: number }
  | { readonly in: 'recipe'; readonly pointer: string };

export type Severity = 'error' | 'warning' | 'note';

export interface Diagnostic {
  readonly code: Code;
  readonly severity: Severity;
  /** What is wrong, with the numbers in it. */
  readonly message: string;
  readonly at?: Location | undefined;
  readonly also?: readonly { readonly message: string; readonly at: Location }[] | undefined;
  /** What to write or do instead. */
  readonly hint?: string | undefined;
}

/** The one throwable a user can cause; anything else that is thrown is a bug of finn. */
export class FinnError extends Error {
  readonly diagnostics: readonly Diagnostic[];
  constructor(...diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map((d) => `${d.code}: ${d.message}`).join('\n'));
    this.name = 'FinnError';
    this.diagnostics = diagnostics;
  }
}

type Rest = Pick<Diagnostic, 'at' | 'also' | 'hint'>;

export const error = (code: Code, message: string, rest: Rest = {}): Diagnostic => ({
  code,
  severity: 'error',
  message,
  ...rest,
});
export const warning = (code: Code, message: string, rest: Rest = {}): Diagnostic => ({
  code,
  severity: 'warning',
  message,
  ...rest,
});

/** Throws one error diagnostic. */
export function fail(code: Code, message: string, rest: Rest = {}): never {
  throw new FinnError(error(code, message, rest));
}

/** A condition that only a defect of finn can break. */
export function bug(message: string): never {
  throw new Error(`defect in finn: ${message}`);
}

/** A location in a network, by the names of its ONNX nodes. */
export const inNetwork = (origin: readonly string[]): Location => ({ in: 'network', origin });

/** A location in the recipe, by JSON pointer. */
export const inRecipe = (pointer: string): Location => ({ in: 'recipe', pointer });

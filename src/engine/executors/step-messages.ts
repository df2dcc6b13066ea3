import { type Diagnostic, FinnError } from '../../diagnostics/diagnostic.ts';
import type { Content } from '../content.ts';
import type { Invocation, Tool } from '../invocation.ts';
import type { StoredInputs } from '../make.ts';
import type { Sources } from '../step.ts';

/** What is told to a thread that runs steps. */
export type StepOrder =
  | {
      readonly type: 'make';
      readonly step: string;
      readonly inputs: StoredInputs;
      /** Contents, by hash, of those inputs that the thread does not hold. */
      readonly objects: ReadonlyMap<string, Uint8Array>;
      readonly config: unknown;
      readonly sources: Sources;
    }
  /** What a call came to. */
  | { readonly type: 'called'; readonly id: number; readonly outputs: Readonly<Record<string, Uint8Array>> }
  | { readonly type: 'refused'; readonly id: number; readonly problem: Problem }
  /** Values that are not wanted any more; all if it does not say which. */
  | { readonly type: 'release'; readonly names: readonly string[] | undefined };

/** What the thread tells. */
export type StepNews =
  | { readonly type: 'call'; readonly id: number; readonly invocation: SentInvocation }
  | { readonly type: 'note'; readonly text: string }
  | { readonly type: 'report'; readonly diagnostic: Diagnostic }
  | {
      readonly type: 'made';
      readonly makes: Readonly<Record<string, Content>>;
      /** Contents of all files in `makes`. */
      readonly objects: readonly Uint8Array[];
    }
  | { readonly type: 'broken'; readonly problem: Problem };

/** Something that was thrown, as data: what a user can cause by its diagnostics. */
export type Problem =
  | { readonly kind: 'finn'; readonly diagnostics: readonly Diagnostic[] }
  | { readonly kind: 'other'; readonly name: string; readonly message: string; readonly stack: string | undefined };

export function problemOf(cause: unknown): Problem {
  if (cause instanceof FinnError) return { kind: 'finn', diagnostics: cause.diagnostics };
  const { name, message, stack } = cause instanceof Error ? cause : new Error(String(cause));
  return { kind: 'other', name, message, stack };
}

export function thrown(problem: Problem): Error {
  if (problem.kind === 'finn') return new FinnError(...problem.diagnostics);
  const { name, message, stack } = problem;
  return Object.assign(new Error(message), { name, ...(stack !== undefined && { stack }) });
}

/** An invocation in which the place of a module is a text: URLs cannot be sent. */
export interface SentInvocation extends Omit<Invocation, 'tool'> {
  readonly tool: Omit<Tool, 'program'> & {
    readonly program: Exclude<Tool['program'], { kind: 'module' }> | { readonly kind: 'module'; readonly url: string };
  };
}

export function sent(invocation: Invocation): SentInvocation {
  const { tool, files } = invocation;
  const { program } = tool;
  return {
    ...invocation,
    files: Object.fromEntries(
      Object.entries(files).map(([name, content]) => [name, typeof content === 'string' ? content : alone(content)]),
    ),
    tool: { ...tool, program: program.kind === 'module' ? { kind: 'module', url: program.url.href } : program },
  };
}

export function received(invocation: SentInvocation): Invocation {
  const { program } = invocation.tool;
  return {
    ...invocation,
    tool: {
      ...invocation.tool,
      program: program.kind === 'module' ? { kind: 'module', url: new URL(program.url) } : program,
    },
  };
}

/** The same bytes in a buffer of their own: one that others share would be sent whole. */
export const alone = (bytes: Uint8Array): Uint8Array =>
  bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readIfThere, writeAtomically, writeTree } from '../util/files.ts';
import { sha256 } from '../util/hash.ts';
import type { InstanceId } from './events.ts';
import type { Invocation } from './invocation.ts';

/** call.json in the folder of a call that failed: all that is needed to run it again, and what came of it. */
export interface FailedCall {
  readonly format: 1;
  readonly step: string;
  readonly scope: readonly string[];
  readonly label: string;
  readonly tool: string;
  readonly version: string;
  readonly program:
    | { readonly kind: 'native'; readonly command: string }
    | { readonly kind: 'npm'; readonly package: string; readonly run: string }
    /** Path of the module in the folder. */
    | { readonly kind: 'module'; readonly path: string };
  readonly args: readonly string[];
  /** Exit status; null where it took too long and was ended. */
  readonly exit: number | null;
  /** Path of each file that it was to leave behind. */
  readonly outputs: Readonly<Record<string, string>>;
  /** sha256 of the files that it was given, by path in the folder. */
  readonly files: Readonly<Record<string, string>>;
}

/** Where the code of a tool that is a part of finn is kept with a call of it. */
const modulePath = 'finn-module.mjs';
export const failedCallFile = 'call.json';

/** What the log of a failed call is called in its folder. */
export const failedLog = (tool: string): string => `${tool}.log`;

/** Puts into the folder of a failed call what it needs beside what the tool left there: files, log, call.json. */
export function writeFailedCall(
  folder: string,
  { id, invocation, version }: { readonly id: InstanceId; readonly invocation: Invocation; readonly version: string },
  { exit, log }: { readonly exit: number | null; readonly log: string },
): void {
  const { tool, label, args, files, outputs } = invocation;
  const { program } = tool;
  writeTree(folder, files);
  writeAtomically(join(folder, failedLog(tool.name)), log);
  if (program.kind === 'module') writeAtomically(join(folder, modulePath), readFileSync(fileURLToPath(program.url)));
  const call: FailedCall = {
    format: 1,
    step: id.step,
    scope: id.scope,
    label,
    tool: tool.name,
    version,
    program:
      program.kind === 'native'
        ? { kind: 'native', command: program.command }
        : program.kind === 'wasm'
          ? { kind: 'npm', package: program.package, run: program.run }
          : { kind: 'module', path: modulePath },
    args,
    exit,
    outputs,
    files: Object.fromEntries(Object.entries(files).map(([name, contents]) => [name, sha256(contents)])),
  };
  writeAtomically(join(folder, failedCallFile), `${JSON.stringify(call, undefined, 2)}\n`);
}

/** The call whose folder this is; undefined where it is none, or one of another version of finn. */
export function readFailedCall(folder: string): FailedCall | undefined {
  const bytes = readIfThere(join(folder, failedCallFile));
  if (!bytes) return undefined;
  try {
    const read = JSON.parse(new TextDecoder().decode(bytes)) as Partial<FailedCall> | null;
    const whole = read?.format === 1 && read.files && read.args && read.program && read.outputs && read.scope;
    return whole ? (read as FailedCall) : undefined;
  } catch {
    return undefined;
  }
}

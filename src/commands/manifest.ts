import { dirname, relative, resolve } from 'node:path';
import type { Board } from '../config/board.ts';
import type { Build, ModelSource, Recipe, Target } from '../config/model.ts';
import type { Built } from '../engine/engine.ts';
import { finnVersion } from '../engine/own-code.ts';
import type { Outcome } from '../engine/scheduler.ts';
import type { Scope } from '../engine/step.ts';
import type { TreeFile } from '../engine/trees.ts';
import type { Verdict } from '../steps/verify/verdict.ts';
import { contentHash, sha256 } from '../util/hash.ts';
import { formatRational } from '../util/rational.ts';
import type { Judged } from './expect.ts';

/** Versions by kind of program (npm, native, module) of each tool. */
export type ToolVersions = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** A file of a build's folder. */
export interface FileEntry {
  readonly sha256: string;
  readonly size: number;
}

/** What a step made: its key, and the hash of each artifact. */
export interface StepEntry {
  readonly key: string;
  readonly makes: Readonly<Record<string, string>>;
}

/** build.json: where a result came from, and every file that tells of it. No dates, hosts or absolute paths. */
export interface Manifest {
  readonly format: 2;
  /** The version of finn, and the hash of its own code. */
  readonly finn: { readonly version: string; readonly code: string };
  readonly recipe: string;
  readonly build: string;
  readonly network: string;
  readonly folding: string;
  readonly target: { readonly name: string; readonly board: string; readonly part: string; readonly clock_mhz: string };
  readonly outputs: readonly string[];
  /** sha256 of the recipe and its parents, by path from the recipe's folder. */
  readonly recipe_files: Readonly<Record<string, string>>;
  /** Where the model came from; `sha256` is that of the file, of the archive that was fetched, or of what was made. */
  readonly model: Readonly<Record<string, string>>;
  /** sha256 of every file from outside that a step read, and of the board's own files. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly tools: ToolVersions;
  /** Hash of each plug-in of the project. */
  readonly plugins: Readonly<Record<string, string>>;
  /** By name: 'codegen/digits/icebreaker/MVAU_0'. */
  readonly steps: Readonly<Record<string, StepEntry>>;
  readonly verdicts: readonly Verdict[];
  /** The recipe's gates and what was measured, where they were judged. */
  readonly expect: readonly Judged[];
  /** Every file of the folder but this one and those that tell of the run, by path. */
  readonly files: Readonly<Record<string, FileEntry>>;
}

/** Files of a build's folder that tell of the run: they differ from one to the next. */
export const tellsOfRun = (path: string): boolean =>
  path === 'time_per_step.json' || path === 'report/report.html' || path.startsWith('log/');

/** What a manifest is made of. */
export interface ManifestParts {
  readonly recipe: Recipe;
  readonly build: Build;
  /** What became of its steps, those of its network included. */
  readonly outcomes: readonly Outcome[];
  /** sha256 by URL, of what was fetched. */
  readonly fetched: ReadonlyMap<string, string>;
  /** Hash by name of plug-in. */
  readonly plugins: ReadonlyMap<string, string>;
  readonly verdicts: readonly Verdict[];
  readonly expect: readonly Judged[];
  /** The files of the folder that tell of the result. */
  readonly files: Readonly<Record<string, TreeFile>>;
}

/** The manifest of a build. */
export function manifestOf(parts: ManifestParts): Manifest {
  const { recipe, build, outcomes, verdicts, expect, files } = parts;
  const { target } = build;
  return {
    format: 2,
    finn: {
      version: finnVersion(),
      code: outcomes.find(({ result }) => result)?.result?.record.fingerprint.finn ?? '',
    },
    recipe: recipe.name,
    build: build.name,
    network: build.network.name,
    folding: build.folding.name,
    target: targetOf(target),
    outputs: build.outputs,
    recipe_files: recipeFiles(recipe),
    model: modelOf(parts),
    inputs: sorted({
      ...Object.fromEntries(
        outcomes.flatMap(({ id, result }) =>
          Object.entries(result?.record.fingerprint.sources ?? {}).map(([name, hash]) => [`${id.step}/${name}`, hash]),
        ),
      ),
      ...boardFiles(target.board),
    }),
    tools: toolsOf(outcomes),
    plugins: sorted(Object.fromEntries(parts.plugins)),
    steps: stepsOf(outcomes),
    verdicts,
    expect,
    files: sorted(
      Object.fromEntries(
        Object.entries(files)
          .filter(([path]) => !tellsOfRun(path))
          .map(([path, file]) => [path, entryOf(file)]),
      ),
    ),
  };
}

/** What is in the store is checked when it is placed. */
function entryOf(file: TreeFile): FileEntry {
  if (file instanceof Uint8Array) return { sha256: contentHash(file), size: file.length };
  const [sha256, size] = file;
  return { sha256, size };
}

/** What became of the steps of a build, those of its network included. */
export const outcomesOf = (built: Built, scope: Scope, network: Scope): Outcome[] =>
  built.outcomes.filter(({ instance }) => instance.scope === network || isBelow(instance.scope, scope));

const isBelow = (scope: Scope, above: Scope): boolean =>
  scope === above || (scope.parent !== undefined && isBelow(scope.parent, above));

/** A target as a manifest has it. */
export const targetOf = ({ name, board, clockMhz }: Target): Manifest['target'] => ({
  name,
  board: board.id,
  part: board.part,
  clock_mhz: formatRational(clockMhz),
});

/** sha256 of a recipe and its parents, as they were read, by path from the recipe's folder. */
export function recipeFiles(recipe: Recipe): Readonly<Record<string, string>> {
  return sorted(
    Object.fromEntries([...recipe.texts].map(([path, text]) => [nameFrom(recipe.path, path), sha256(text)] as const)),
  );
}

/** sha256 of a board's description and of its pins file. */
export const boardFiles = (board: Board): Readonly<Record<string, string>> => ({
  board: sha256(board.text),
  ...(board.pins && { pins: sha256(board.pins.text) }),
});

/**
 * A path as seen from the folder of a file. However far outside it lies, it is '../' and the rest: how deep the folders
 * lie is the machine's affair.
 */
const nameFrom = (file: string, path: string): string =>
  relative(resolve(dirname(file)), resolve(path))
    .replaceAll('\\', '/')
    .replace(/^(\.\.\/)+/, '../');

function modelOf({ recipe, build, outcomes, fetched }: ManifestParts): Record<string, string> {
  const { model } = build.network;
  const read = outcomes.find(({ id }) => id.step === 'fetch')?.result?.record.fingerprint.sources;
  const made = outcomes.find(({ id }) => id.step === 'run-model')?.result?.record.makes['model'];
  const content = made && 'files' in made ? made.files['model.onnx']?.[0] : undefined;
  const hash = model.kind === 'url' ? fetched.get(model.url) : model.kind === 'file' ? read?.['model.onnx'] : content;
  return { ...describe(model, recipe), ...(hash !== undefined && { sha256: hash }) };
}

function describe(model: ModelSource, recipe: Recipe): Record<string, string> {
  switch (model.kind) {
    case 'file':
      return { file: nameFrom(recipe.path, model.path) };
    case 'url':
      return { url: model.url, ...(model.member !== undefined && { member: model.member }) };
    case 'run':
      return { run: model.command.join(' ') };
  }
}

/** The tools that steps called, with kind and version, by name. */
function toolsOf(outcomes: readonly Outcome[]): ToolVersions {
  const tools: Record<string, Record<string, string>> = {};
  for (const { result } of outcomes)
    for (const { tool } of result?.record.calls ?? []) {
      const { kind, version } = parseTool(result!.record.fingerprint.tools[tool] ?? '');
      tools[tool] = { ...tools[tool], [kind]: version };
    }
  return sorted(Object.fromEntries(Object.entries(tools).map(([name, kinds]) => [name, sorted(kinds)])));
}

/** 'npm@0.55.944' as a fingerprint has it, taken apart. */
export function parseTool(text: string): { kind: string; version: string } {
  const at = text.indexOf('@');
  return { kind: text.slice(0, Math.max(at, 0)), version: text.slice(at + 1) };
}

const stepsOf = (outcomes: readonly Outcome[]): Readonly<Record<string, StepEntry>> =>
  sorted(
    Object.fromEntries(
      outcomes.flatMap(({ id, result }) =>
        result
          ? [
              [
                [id.step, ...id.scope].join('/'),
                {
                  key: result.key,
                  makes: Object.fromEntries(
                    Object.entries(result.record.makes).map(([name, { hash }]) => [name, hash]),
                  ),
                },
              ] as const,
            ]
          : [],
      ),
    ),
  );

/** A record with its keys in the order of their characters' codes. */
export const sorted = <T>(record: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));

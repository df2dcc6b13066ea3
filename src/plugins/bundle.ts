import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { BuildFailure, BuildOptions, Message, Metafile } from 'esbuild';
import { type Diagnostic, error, FinnError, type Location } from '../diagnostics/diagnostic.ts';
import { canonicalJson, sha256 } from '../util/hash.ts';

/** The files of plug-ins compiled to one program, nothing of which has run. */
export interface Bundle {
  /** A CommonJS program that exports p0, p1 … : what the files export, in their order. */
  readonly code: string;
  /** What the program is called in stack traces, its source map (JSON), and the folder that paths in that start from. */
  readonly filename: string;
  readonly map: string;
  readonly root: string;
  /** Everything that the plug-ins consist of: absolute paths, sorted. */
  readonly files: readonly string[];
  /** For each plug-in, a hash of its file and of all that it imports; the same wherever the files lie. */
  readonly hashes: readonly string[];
}

const require = createRequire(import.meta.url);

/** Files that are their text where a plug-in imports them. */
const texts = ['.sv', '.v', '.svh', '.vh', '.hex', '.txt', '.csv', '.md', '.py', '.tcl', '.yaml', '.yml'];

/** Compiles plug-ins and all that they import; runs nothing. FinnError 'plugin/load' with every mistake, by place. */
export function bundle(paths: readonly string[]): Bundle {
  // Only here: loading it takes time that a build without plug-ins has better uses for.
  const { buildSync } = require('esbuild') as typeof import('esbuild');
  const root = dirname(paths[0]!);
  const options = {
    stdin: {
      contents: paths.map((path, i) => `export * as p${i} from ${JSON.stringify(path)};`).join('\n'),
      resolveDir: root,
      sourcefile: 'plug-ins',
    },
    absWorkingDir: root,
    outdir: root,
    bundle: true,
    write: false,
    metafile: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    // Without comments: neither they nor the places of files are in the hash of the program.
    minifyWhitespace: true,
    legalComments: 'none',
    sourcemap: 'external',
    sourcesContent: false,
    external: ['finn'],
    // What a tsconfig says would count and be hashed by nobody.
    tsconfigRaw: '{}',
    loader: {
      ...Object.fromEntries(texts.map((ending) => [ending, 'text' as const])),
      '.npy': 'binary',
      '.bin': 'binary',
    },
    logLevel: 'silent',
  } satisfies BuildOptions;
  try {
    const { outputFiles, metafile } = buildSync(options);
    const whole = closures(metafile, root, paths);
    return {
      code: outputFiles.find(({ path }) => path.endsWith('.js'))!.text,
      filename: join(root, 'plug-ins.cjs'),
      map: outputFiles.find(({ path }) => path.endsWith('.map'))!.text,
      root,
      files: [...new Set(whole.flat())].sort(),
      hashes: whole.map((files, i) => hashOf(files, paths[i]!)),
    };
  } catch (cause) {
    if (!(cause instanceof Error) || !('errors' in cause)) throw cause;
    throw new FinnError(...(cause as BuildFailure).errors.map((one) => mistake(one, root, paths)));
  }
}

/** For each plug-in the files that it consists of, its own first. */
function closures({ inputs }: Metafile, root: string, paths: readonly string[]): string[][] {
  const byPath = new Map(Object.entries(inputs).map(([name, { imports }]) => [resolve(root, name), imports]));
  return paths.map((path) => {
    const found = new Set<string>();
    const open = [path];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (found.has(at) || !byPath.has(at)) continue;
      found.add(at);
      for (const one of byPath.get(at)!) if (!one.external) open.push(resolve(root, one.path));
    }
    return [...found];
  });
}

const hashOf = (files: readonly string[], path: string): string =>
  sha256(
    canonicalJson(
      Object.fromEntries(
        files.map((file) => [relative(dirname(path), file).replaceAll('\\', '/'), sha256(readFileSync(file))]),
      ),
    ),
  );

function mistake({ text, location, notes }: Message, root: string, paths: readonly string[]): Diagnostic {
  const hint = notes.map((note) => note.text).join('; ') || undefined;
  if (!location || location.file === 'plug-ins') {
    const path = location ? paths[location.line - 1] : undefined;
    return error('plugin/load', path ? `cannot read the plug-in ${basename(path)}: ${text}` : text, { hint });
  }
  return error('plugin/load', text, { at: placeOf(join(root, location.file), location), hint });
}

/** A place of a compiler's message, whose columns count bytes. */
function placeOf(path: string, { line, column, length }: NonNullable<Message['location']>): Location {
  const lines = readFileSync(path, 'utf8').split('\n');
  const before = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  const bytes = Buffer.from(lines[line - 1] ?? '');
  const chars = (n: number): number => bytes.subarray(0, n).toString().length;
  return { in: 'file', path: relative('.', path), start: before + chars(column), end: before + chars(column + length) };
}

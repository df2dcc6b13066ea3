import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const source = fileURLToPath(new URL('../src/', import.meta.url));

/** What each folder of src/ may import beside itself. This table is the architecture. */
const compiler = ['util', 'diagnostics', 'ir', 'onnx', 'hdl', 'operators', 'passes'];
const layers: Readonly<Record<string, readonly string[]>> = {
  util: [],
  diagnostics: ['util'],
  config: ['util', 'diagnostics'],
  engine: ['util', 'diagnostics'],
  ir: ['util', 'diagnostics'],
  onnx: ['util', 'diagnostics', 'ir'],
  hdl: ['util', 'diagnostics', 'ir'],
  tools: ['util', 'diagnostics', 'engine', 'hdl'],
  operators: ['util', 'diagnostics', 'ir', 'onnx', 'hdl'],
  passes: ['util', 'diagnostics', 'ir', 'onnx', 'operators'],
  sim: ['util', 'diagnostics', 'engine', 'ir', 'hdl', 'tools'],
  shells: ['util', 'diagnostics', 'hdl', 'config'],
  steps: [...compiler, 'config', 'engine', 'tools', 'sim', 'shells'],
  plugins: [...compiler, 'config', 'engine', 'steps'],
  ui: ['util', 'diagnostics', 'engine'],
  commands: [...compiler, 'config', 'engine', 'tools', 'sim', 'shells', 'steps', 'plugins', 'ui'],
};

interface Source {
  /** Relative to src/, with slashes. */
  readonly path: string;
  readonly text: string;
  /** Files of src/ that it imports, types included, and modules of others. */
  readonly imports: readonly string[];
  readonly modules: readonly string[];
}

const specifiers = (text: string): string[] =>
  [
    ...text.matchAll(
      /^\s*(?:import|export)\b[^;'"]*?\bfrom\s+'([^']+)'|\bimport\(\s*'([^']+)'\s*\)|^import\s+'([^']+)'/gm,
    ),
  ].map((match) => (match[1] ?? match[2] ?? match[3])!);

const files: readonly Source[] = readdirSync(source, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && /\.[jt]s$/.test(entry.name) && !entry.name.endsWith('.test.ts'))
  .map((entry) => {
    const path = join(entry.parentPath, entry.name).slice(source.length).replaceAll('\\', '/');
    const text = readFileSync(join(source, path), 'utf8');
    const found = specifiers(text);
    return {
      path,
      text,
      imports: found
        .filter((s) => s.startsWith('.'))
        .map((s) => normalize(join(dirname(path), s)).replaceAll('\\', '/')),
      modules: found.filter((s) => !s.startsWith('.')),
    };
  })
  .sort((a, b) => (a.path < b.path ? -1 : 1));

const folderOf = (path: string): string => (path.includes('/') ? path.split('/')[0]! : '');

/** Code without comments and strings' insides, roughly: what a rule about calls may look at. */
const code = (text: string): string => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');

describe('layers', () => {
  test('the search sees what it should', () => {
    expect(files.length).toBeGreaterThan(150);
    expect(
      specifiers("import a from 'x';\nimport {\n  type B,\n} from './b.ts';\nconst c = await import('./c.ts');"),
    ).toEqual(['x', './b.ts', './c.ts']);
  });

  test('every folder imports only what its row allows', () => {
    const wrong = files.flatMap(({ path, imports }) => {
      const folder = folderOf(path);
      if (folder === '')
        return imports.filter((to) => to === 'cli.ts' && path !== 'start.ts').map((to) => `${path} → ${to}`);
      const row = layers[folder];
      if (!row) return [`${path}: src/${folder} has no row in the table`];
      return imports
        .filter((to) => !to.startsWith('../') && folderOf(to) !== folder && !row.includes(folderOf(to)))
        .map((to) => `${path} → ${to}`);
    });
    expect(wrong).toEqual([]);
  });

  test('operators do not import one another, and passes import no operator by its folder', () => {
    const operatorOf = (path: string) => /^operators\/([^/]+)\//.exec(path)?.[1];
    const wrong = files.flatMap(({ path, imports }) =>
      imports
        .filter((to) => {
          const [mine, other] = [operatorOf(path), operatorOf(to)];
          if (other === undefined || path === 'operators/index.ts') return false;
          return mine !== other && (mine !== undefined || folderOf(path) === 'passes');
        })
        .map((to) => `${path} → ${to}`),
    );
    expect(wrong).toEqual([]);
  });

  test('no file imports itself over others', () => {
    const byPath = new Map(files.map((file) => [file.path, file]));
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (path: string, trail: readonly string[]): void => {
      if (trail.includes(path)) {
        cycles.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
        return;
      }
      if (done.has(path)) return;
      for (const to of byPath.get(path)?.imports ?? []) visit(to, [...trail, path]);
      done.add(path);
    };
    for (const { path } of files) visit(path, []);
    expect(cycles).toEqual([]);
  });
});

describe('habits', () => {
  const outside = (allowed: RegExp, pattern: RegExp): string[] =>
    files.filter(({ path, text }) => !allowed.test(path) && pattern.test(code(text))).map(({ path }) => path);

  test('only ui/, cli.ts and start.ts print', () => {
    // run-wasm.js is a program of its own: its output is a tool's output.
    expect(outside(/^(ui\/|(cli|start)\.ts$|sim\/run-wasm\.js$)/, /\bconsole\.|process\.(stdout|stderr)\b/)).toEqual(
      [],
    );
  });

  test('only engine/executors/ starts processes and threads', () => {
    const wrong = files.filter(
      ({ path, modules }) =>
        !path.startsWith('engine/executors/') &&
        modules.some((name) => ['node:child_process', 'node:worker_threads', 'node:cluster', 'execa'].includes(name)),
    );
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  test('only config/environment.ts reads the environment', () => {
    expect(outside(/^config\/environment\.ts$/, /process\.env|\benv\b.*from 'node:process'/)).toEqual([]);
  });

  test('no file of more than 400 lines', () => {
    const long = files.filter(({ path, text }) => !path.endsWith('.gen.ts') && text.split('\n').length > 401);
    expect(long.map(({ path }) => path)).toEqual([]);
  });

  test('no decision by the name of an operation', () => {
    const allowed = [
      /^onnx\//, // what a file says is said in names
      /^operators\/[^/]+\/lower\.ts$/, // the rules of which node becomes this layer
      /^steps\/driver(\/driver)?\.ts$/, // what the host computes, as commands of the Python driver
      /^commands\/inspect\.ts$/, // counts multiplications as FINN counts them
      /^commands\/operators\.ts$/, // its 'onnx' is no operation
    ];
    const wrong = outside(
      new RegExp(allowed.map(({ source: one }) => one).join('|')),
      /\b(op|operator)(\.name)?\s*[!=]==?\s*'|'\s*[!=]==?\s*\w*\.?\bop\b|\.op\.name\s*[!=]==?|switch \([\w.]*op(\.name)?\)/,
    );
    expect(wrong).toEqual([]);
  });
});

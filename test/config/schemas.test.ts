import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

type Plain = Record<string, unknown>;
const schemas = ['recipe', 'board', 'config'] as const;
const read = (kind: string): Plain => JSON.parse(readFileSync(`schema/${kind}.schema.json`, 'utf8')) as Plain;

/** Calls `visit` for the schema of every key, with its path; what a `$ref` names is laid under it. */
function everyKey(root: Plain, visit: (path: string, schema: Plain) => void): void {
  const walk = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const [key, value] of Object.entries(node)) {
      if (key === 'properties')
        for (const [name, schema] of Object.entries(value as Plain)) {
          const own = schema as Plain;
          const definition = typeof own['$ref'] === 'string' ? own['$ref'].replace('#/definitions/', '') : undefined;
          const shared = definition === undefined ? {} : ((root['definitions'] as Plain)[definition] as Plain);
          visit(`${path}.${name}`, { ...shared, ...own });
        }
      walk(value, key === 'properties' || key === 'definitions' ? path : `${path}.${key}`);
    }
  };
  walk(root, '');
}

test.each(schemas)('%s: an editor has something to show for every key', (kind) => {
  everyKey(read(kind), (path, schema) => {
    expect(String(schema['description'] ?? '').length, path).toBeGreaterThan(8);
  });
});

test.each(schemas)('%s: no object takes keys that nobody declares', (kind) => {
  const walk = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return;
    const schema = node as Plain;
    if (schema['type'] === 'object' && !('allOf' in schema))
      expect(schema['additionalProperties'] ?? 'open', path).not.toBe('open');
    for (const [key, value] of Object.entries(schema)) walk(value, `${path}/${key}`);
  };
  walk(read(kind), kind);
});

test('every board and config tells the editor its schema', () => {
  for (const file of readdirSync('boards').filter((name) => name.endsWith('.yaml')))
    expect(readFileSync(`boards/${file}`, 'utf8').split('\n')[0]).toBe(
      '# yaml-language-server: $schema=../schema/board.schema.json',
    );
  expect(readFileSync('finn.config.yaml', 'utf8')).toMatch(
    /^# yaml-language-server: \$schema=schema\/config\.schema\.json\n/,
  );
});

test('the project’s own finn.config.yaml is right as it stands and with every comment taken up', async () => {
  const { readYaml } = await import('../../src/config/source.ts');
  const { validate } = await import('../../src/config/validate.ts');
  const text = readFileSync('finn.config.yaml', 'utf8');
  const all = text.replaceAll(/^# (?=[a-z_]+: [^$]*$)/gm, '');
  expect(Object.keys(parse(all) as Plain).length).toBeGreaterThan(Object.keys(parse(text) as Plain).length);
  for (const version of [text, all]) {
    const { source, diagnostics } = readYaml('finn.config.yaml', version);
    expect(diagnostics).toEqual([]);
    expect(validate('config', source!).diagnostics).toEqual([]);
  }
});

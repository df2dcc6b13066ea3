// From the schemas: src/config/types.gen.ts (their types) and src/config/validators.gen.ts (their checks, compiled ahead:
// loading ajv and compiling the recipe's schema at every start cost 130 ms of a 400 ms budget).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv, type AnySchemaObject } from 'ajv';
import standalone from 'ajv/dist/standalone/index.js';
import { compile, type JSONSchema } from 'json-schema-to-typescript';

const root = fileURLToPath(new URL('../..', import.meta.url));
const kinds = ['recipe', 'board', 'config'] as const;

/** The three schemas as they stand in schema/. */
export const schemas = kinds.map((kind) => ({
  kind,
  schema: JSON.parse(readFileSync(join(root, `schema/${kind}.schema.json`), 'utf8')) as JSONSchema & { $id: string },
}));

const notice = (of: string) => `// Made by \`npm run gen\` from ${of}. Do not edit.\n`;

type Plain = Record<string, unknown>;
const isNamed = (schema: Plain): boolean => /^[A-Z]\w+$/.test(String(schema['title'] ?? ''));

/** Definitions that are no objects go where they are used: an alias `Path` in two schemas would clash. */
function inline(schema: unknown, definitions: Record<string, Plain>): unknown {
  if (Array.isArray(schema)) return schema.map((item) => inline(item, definitions));
  if (typeof schema !== 'object' || schema === null) return schema;
  const { $ref, ...rest } = schema as Plain;
  const name = typeof $ref === 'string' ? $ref.replace('#/definitions/', '') : undefined;
  if (name !== undefined && isNamed(definitions[name]!)) return schema;
  const whole: Plain = name === undefined ? rest : { ...definitions[name], ...rest };
  if (typeof whole['title'] === 'string' && !isNamed(whole)) delete whole['title'];
  return Object.fromEntries(Object.entries(whole).map(([key, value]) => [key, inline(value, definitions)]));
}

const unchecked = '// biome-ignore-all lint: generated\n// biome-ignore-all format: generated\n';

/** Text of src/config/types.gen.ts. */
export async function schemaTypes(): Promise<string> {
  let types = `${notice('schema/*.schema.json')}${unchecked}\n`;
  for (const { schema } of schemas)
    types += `${await compile(inline(schema, schema.definitions as Record<string, Plain>) as JSONSchema, schema.$id, {
      bannerComment: '',
      additionalProperties: false,
      declareExternallyReferenced: true,
      unreachableDefinitions: false,
      ignoreMinAndMaxItems: true,
      style: { singleQuote: true, printWidth: 120 },
    })}\n`;
  return types;
}

/** Without what checks nothing: a third of the size. */
const bare = (schema: unknown): unknown =>
  JSON.parse(
    JSON.stringify(schema, (key, value) =>
      (key === 'description' || key === 'title') && typeof value === 'string' ? undefined : value,
    ),
  );

/** Text of src/config/validators.gen.ts: one function a schema, without ajv at run time. */
export function schemaValidators(): string {
  const ajv = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true, code: { source: true, esm: true } });
  for (const { schema } of schemas) ajv.addSchema(bare(schema) as AnySchemaObject);
  const names = Object.fromEntries(kinds.map((kind) => [`${kind}Errors`, `${kind}.schema.json`]));
  const code = standalone.default(ajv, names);
  if (/\brequire\(/.test(code)) throw new Error('a schema uses a keyword that needs a part of ajv at run time');
  return `${notice('schema/*.schema.json')}${unchecked}// @ts-nocheck\n${code}`;
}

import { codes } from '../../src/diagnostics/codes.ts';

type Plain = Record<string, unknown>;
const isPlain = (value: unknown): value is Plain =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What a value may be, in a few words. */
function kindOf(schema: Plain): string {
  const values = schema['enum'];
  if (Array.isArray(values)) return values.map((value) => `\`${value}\``).join(', ');
  if (typeof schema['title'] === 'string' && /^an? /.test(schema['title'])) return schema['title'];
  const items = schema['items'];
  if (schema['type'] === 'array') return isPlain(items) && items['enum'] ? `list of ${kindOf(items)}` : 'list';
  const words: Plain = {
    object: 'map',
    string: 'text',
    integer: 'whole number',
    number: 'number',
    boolean: 'true, false',
  };
  return String(words[String(schema['type'])] ?? '');
}

/** docs/reference/<kind>.md: every key of a schema, with what it takes and means. */
export function schemaReference(kind: string, schema: Plain): string {
  const definitions = isPlain(schema['definitions']) ? schema['definitions'] : {};
  const follow = (node: Plain): Plain => {
    const name = typeof node['$ref'] === 'string' ? node['$ref'].replace('#/definitions/', '') : undefined;
    return name === undefined ? node : { ...(definitions[name] as Plain), ...node };
  };
  const rows: string[] = [];
  const walk = (raw: unknown, path: string): void => {
    if (!isPlain(raw)) return;
    const node = follow(raw);
    const required = Array.isArray(node['required']) ? node['required'] : [];
    for (const [key, value] of Object.entries(isPlain(node['properties']) ? node['properties'] : {})) {
      const inner = follow(value as Plain);
      const name = path === '' ? key : `${path}.${key}`;
      const must = required.includes(key) ? ' (required)' : '';
      rows.push(`| \`${name}\`${must} | ${kindOf(inner)} | ${String(inner['description']).replaceAll('|', '\\|')} |`);
      walk(inner, name);
    }
    if (isPlain(node['additionalProperties'])) walk(node['additionalProperties'], `${path}.<name>`);
    if (isPlain(node['items'])) walk(node['items'], `${path}[]`);
  };
  walk(schema, '');
  return `# ${kind}\n\n${schema['description']}\n\n| key | takes | meaning |\n|---|---|---|\n${rows.join('\n')}\n`;
}

/** docs/reference/errors.md: every code with its sentence. */
export function errorReference(): string {
  const rows = Object.entries(codes).map(([code, sentence]) => `| \`${code}\` | ${sentence} |`);
  return `# Errors\n\nEvery code that a diagnostic may carry. Codes are stable: scripts may match on them.\n\n| code | meaning |\n|---|---|\n${rows.sort().join('\n')}\n`;
}

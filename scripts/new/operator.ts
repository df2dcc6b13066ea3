import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const template = fileURLToPath(new URL('./operator/', import.meta.url));

/**
 * Copies the template to src/operators/<name> below `root`, under the operator's own names, and puts it into
 * src/operators/index.ts. Returns the files written, relative to `root`; throws where the name is not like
 * 'label-select' or the folder is there already.
 */
export function newOperator(name: string, root: string): string[] {
  if (!/^[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*$/.test(name))
    throw new Error(`'${name}' is no name of an operator: use small letters with hyphens, such as label-select`);
  const folder = `src/operators/${name}`;
  if (existsSync(join(root, folder))) throw new Error(`${folder} is there already`);
  const pascal = name.replace(/(^|-)(.)/g, (_, __, letter: string) => letter.toUpperCase());
  const camel = pascal[0]!.toLowerCase() + pascal.slice(1);
  const snake = name.replaceAll('-', '_');
  mkdirSync(join(root, folder), { recursive: true });
  const written = readdirSync(template).map((file) => {
    const text = readFileSync(join(template, file), 'utf8')
      .replaceAll('../../../src/operators/', '../')
      .replaceAll('../../../src/', '../../')
      .replaceAll('template.sv', `${snake}.sv`)
      .replaceAll('template #(', `${snake} #(`)
      .replaceAll('Template', pascal)
      .replaceAll('template', file.endsWith('.sv') ? snake : camel);
    const own: Readonly<Record<string, string>> = {
      'template.test.ts': `${name}.test.ts`,
      'template.sv': `${snake}.sv`,
    };
    const path = `${folder}/${own[file] ?? file}`;
    writeFileSync(join(root, path), text);
    return path;
  });
  const index = 'src/operators/index.ts';
  writeFileSync(join(root, index), registered(readFileSync(join(root, index), 'utf8'), camel, name));
  return [...written, index];
}

/** The list of operators with one more, before those that folding inserts. */
function registered(text: string, camel: string, name: string): string {
  const line = `import { ${camel} } from './${name}/index.ts';`;
  const path = (one: string): string => /from '(.*)'/.exec(one)![1]!;
  const imports = text.match(/^import .*;$/gm) ?? [];
  const sorted = [...imports, line].sort((a, b) => (path(a) < path(b) ? -1 : 1));
  const listed = text.replace(/(= \[)([^\]]*)(\]\.map)/, (_, open: string, list: string, close: string) => {
    const all = list
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== '');
    const lines = [...all.slice(0, -2), camel, ...all.slice(-2)].map((one) => `  ${one},\n`);
    return `${open}\n${lines.join('')}${close}`;
  });
  if (imports.length === 0 || listed === text) throw new Error('src/operators/index.ts has another form than expected');
  return listed.replace(imports.join('\n'), sorted.join('\n'));
}

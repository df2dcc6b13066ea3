// Writes every file that is made from others; test/gen.test.ts fails where one is not up to date.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generatedFiles } from './gen/files.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

const before = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

for (const [name, text] of await generatedFiles()) {
  const path = join(root, name);
  if (before(path) === text) continue;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  console.log(name);
}

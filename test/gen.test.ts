import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { generatedFiles } from '../scripts/gen/files.ts';

const files = await generatedFiles();

describe('`npm run gen` would change nothing in', () => {
  it.each([...files])('%s', (path, text) => {
    expect(text.length).toBeGreaterThan(100);
    expect(readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')).toBe(text);
  });
});

import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadBoard } from '../src/config/board.ts';
import { loadRecipe } from '../src/config/recipe.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => `docs/${path}`),
].sort();
const textOf = (page: string): string => readFileSync(join(root, page), 'utf8');
const blocks = (begin: RegExp): { name: string; text: string }[] =>
  pages.flatMap((page) =>
    [...textOf(page).matchAll(/^```yaml\n([\s\S]*?)^```$/gm)]
      .map(([, text]) => text!)
      .filter((text) => begin.test(text))
      .map((text, i) => ({ name: `${page}, block ${i + 1}`, text })),
  );

describe('the documents', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'finn-docs-'));
    symlinkSync(join(root, 'recipes'), join(folder, 'recipes'));
    copyFileSync(join(root, 'boards/icebreaker.pcf'), join(folder, 'icebreaker.pcf'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const recipes = blocks(/^(#.*\n)*finn: 1/);
  it('have recipes', () => expect(recipes.length).toBeGreaterThanOrEqual(4));
  it.each(recipes)('$name is a right recipe', ({ text }) => {
    const path = join(folder, 'recipe.yaml');
    writeFileSync(path, text);
    const { recipe, diagnostics } = loadRecipe(path);
    expect(diagnostics).toEqual([]);
    expect(recipe!.builds.size).toBeGreaterThan(0);
  });

  const boards = blocks(/^(#.*\n)*name: .*\nfamily:/);
  it('have a board', () => expect(boards.length).toBeGreaterThan(0));
  it.each(boards)('$name is a right board', ({ text }) => {
    const path = join(folder, 'board.yaml');
    writeFileSync(path, text);
    expect(loadBoard(path).part).toMatch(/\S/);
  });

  it.each(pages)('%s has links that lead somewhere', (page) => {
    const dead = [...textOf(page).matchAll(/\]\(([^)#:]+)(#[^)]*)?\)/g)]
      .map(([, to]) => to!)
      .filter((to) => !existsSync(join(root, dirname(page), to)));
    expect(dead).toEqual([]);
  });

  it.each(pages)('%s names files that are there', (page) => {
    const named = [...textOf(page).matchAll(/`((?:src|test|docs|scripts|schema|boards|recipes)\/[\w./-]+)`/g)].map(
      ([, path]) => path!,
    );
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});

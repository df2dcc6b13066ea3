import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { template } from '../scripts/new/operator/index.ts';
import { newOperator } from '../scripts/new/operator.ts';
import type { Layer } from '../src/operators/operator.ts';
import { testCall } from '../src/sim/direct.ts';
import { conform } from './helpers/conform.ts';
import { available } from './helpers/require.ts';

const project = fileURLToPath(new URL('..', import.meta.url));

describe('`npm run new operator`', () => {
  let root: string;
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'finn-new-'));
    mkdirSync(join(root, 'src/operators'), { recursive: true });
    copyFileSync(join(project, 'src/operators/index.ts'), join(root, 'src/operators/index.ts'));
  });
  afterAll(() => rmSync(root, { recursive: true }));

  it('writes a folder under its own names, whose imports are there', () => {
    const written = newOperator('top-half', root);
    expect(written.sort()).toEqual([
      'src/operators/index.ts',
      'src/operators/top-half/index.ts',
      'src/operators/top-half/top-half.test.ts',
      'src/operators/top-half/top_half.sv',
    ]);
    for (const path of written.filter((one) => one.includes('top-half'))) {
      const text = readFileSync(join(root, path), 'utf8');
      expect(text).not.toMatch(/template/i);
      for (const [, to] of text.matchAll(/from '(\.[^']*)'/g)) {
        const target = join(dirname(path), to!);
        expect([path, to, existsSync(join(project, target)) || existsSync(join(root, target))]).toEqual([
          path,
          to,
          true,
        ]);
      }
    }
    const operator = readFileSync(join(root, 'src/operators/top-half/index.ts'), 'utf8');
    expect(operator).toContain("new URL('./top_half.sv', import.meta.url)");
    expect(operator).toContain('export const topHalf: Operator<TopHalfAttrs>');
    expect(readFileSync(join(root, 'src/operators/top-half/top_half.sv'), 'utf8')).toContain('\nmodule top_half #(');
  });

  it('puts it into the list, before what folding inserts', () => {
    const text = readFileSync(join(root, 'src/operators/index.ts'), 'utf8');
    expect(text).toMatch(
      /from '\.\/thresholding\/index\.ts';\nimport \{ topHalf \} from '\.\/top-half\/index\.ts';\nimport /,
    );
    expect(text).toMatch(/\[\n {2}mvau,\n[^\]]*\n {2}topHalf,\n {2}widthConverter,\n {2}fifo,\n\]/);
  });

  it('overwrites nothing and takes no strange names', () => {
    expect(() => newOperator('top-half', root)).toThrow('src/operators/top-half is there already');
    for (const name of ['', '../x', 'TopHalf', 'a--b', '1st'])
      expect(() => newOperator(name, root)).toThrow('no name of');
  });
});

it('the template keeps its word', { timeout: 600_000 }, async () => {
  const candidates = template.samples().map((layer, i) => ({
    name: `template_${i}`,
    layer: layer as unknown as Layer,
    device: { family: 'ice40' as const },
  }));
  const simulator = available('iverilog') ? 'iverilog' : 'cxxrtl';
  expect(await conform(candidates, testCall(), { simulator })).toEqual([]);
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { loadProject } from './project.ts';

const root = mkdtempSync(join(tmpdir(), 'finn-project-'));
afterAll(() => rmSync(root, { recursive: true }));
const recipe = join(root, 'team', 'recipes', 'r.yaml');
const config = join(root, 'team', 'finn.config.yaml');
beforeEach(() => {
  mkdirSync(join(root, 'team', 'recipes'), { recursive: true });
  rmSync(config, { force: true });
});

test('without a file, the cache lies beside the recipe and nothing is trusted', () => {
  const { project, diagnostics } = loadProject(recipe, {});
  expect(diagnostics).toEqual([]);
  expect(project.configPath).toBeUndefined();
  expect(project.cache).toEqual({ path: join(root, 'team', 'recipes', '.finn'), bytes: 20e9 });
  expect(project.jobs).toBeGreaterThan(0);
  expect(project.trusts(recipe)).toBe(false);
});

test('the nearest file upward counts, and its paths are relative to it', () => {
  writeFileSync(
    config,
    `cache: { path: store, size: 1.5 GB }
jobs: 3
memory_mb: 4000
tools: { yosys: /opt/yosys, verilator: bin/verilator }
mirrors: [../models]
trust: { run: [recipes/r.yaml, own] }
display: { color: never }
`,
  );
  const { project, diagnostics } = loadProject(recipe, {});
  expect(diagnostics).toEqual([]);
  const team = join(root, 'team');
  expect(project).toMatchObject({
    configPath: config,
    cache: { path: join(team, 'store'), bytes: 1.5e9 },
    jobs: 3,
    memoryMb: 4000,
    mirrors: [join(root, 'models')],
    display: { style: 'auto', color: 'never' },
  });
  expect(Object.fromEntries(project.tools)).toEqual({ yosys: '/opt/yosys', verilator: join(team, 'bin/verilator') });
  expect(project.trusts(recipe)).toBe(true);
  expect(project.trusts(join(team, 'own', 'deep', 'x.yaml'))).toBe(true);
  expect(project.trusts(join(team, 'own-not', 'x.yaml'))).toBe(false);
  expect(project.trusts(join(team, 'recipes', 'other.yaml'))).toBe(false);
});

test('the environment is heard where it is meant to be', () => {
  writeFileSync(config, '# nothing\n');
  const environment = { FINN_JOBS: '7', FINN_CACHE: join(root, 'c'), NO_COLOR: '1', PATH: '/bin', SECRET: 'x' };
  const { project, diagnostics } = loadProject(recipe, environment);
  expect(diagnostics).toEqual([]);
  expect(project.jobs).toBe(7);
  expect(project.cache.path).toBe(join(root, 'c'));
  expect(project.display.color).toBe('never');
  expect(loadProject(recipe, { FORCE_COLOR: '1' }).project.display.color).toBe('always');
});

test('what is wrong is said, and has its default', () => {
  writeFileSync(config, 'jobs: 0\ncache: { size: lots }\ntool: {}\nmirrors: [1]\n');
  const { project, diagnostics } = loadProject(recipe, { FINN_JOBS: 'many' });
  expect(diagnostics.map(({ message }) => message).sort()).toEqual([
    'FINN_JOBS is "many"; it must be a whole number from 1 to 9999',
    '`cache.size` is "lots"; it must be a size such as 20GB',
    '`jobs` is 0; it must be a whole number, 1 or more',
    '`mirrors.0` is 1; it must be a path',
    'unknown key `tool`',
  ]);
  expect(project.jobs).toBeGreaterThan(0);
  expect(project.cache.bytes).toBe(20e9);
  expect(project.mirrors).toEqual([]);
  writeFileSync(config, 'jobs: {');
  expect(loadProject(recipe, {}).diagnostics[0]!.code).toBe('config/syntax');
});

const shared = 'cache: { remote: { url: "https://cache.example.org" } }\n';
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

test.each([
  [{ FINN_REMOTE_TOKEN: 'abc' }, 'Bearer abc'],
  [{ FINN_REMOTE_TOKEN: 'abc\r\n', FINN_REMOTE_USER: 'ci' }, 'Bearer abc'],
  [{ FINN_REMOTE_USER: 'ci', FINN_REMOTE_PASSWORD: 'correct: hörse \n' }, basic('ci:correct: hörse ')],
  [{ FINN_REMOTE_USER: 'ci' }, basic('ci:')],
  [{ FINN_REMOTE_TOKEN: '', FINN_REMOTE_USER: '' }, undefined],
  [{}, undefined],
])('credentials of a remote cache: %o', (environment, authorization) => {
  writeFileSync(config, shared);
  const { project, diagnostics } = loadProject(recipe, environment);
  expect(diagnostics).toEqual([]);
  expect(project.remote).toMatchObject({ mode: 'read', timeoutMs: 10_000 });
  expect(project.remote?.authorization).toBe(authorization);
});

test.each([
  [{ FINN_REMOTE_TOKEN: 'sesame\nsesame' }, /FINN_REMOTE_TOKEN has characters that no token has/],
  [{ FINN_REMOTE_TOKEN: 'Bearer sesame' }, /FINN_REMOTE_TOKEN has characters that no token has/],
  [{ FINN_REMOTE_USER: 'sesame:x', FINN_REMOTE_PASSWORD: 'sesame' }, /FINN_REMOTE_USER has a colon/],
])('credentials that cannot be such are refused, and not repeated: %o', (environment, message) => {
  writeFileSync(config, shared);
  const { project, diagnostics } = loadProject(recipe, environment);
  expect(diagnostics.map(({ code }) => code)).toEqual(['config/wrong-value']);
  expect(diagnostics[0]?.message).toMatch(message);
  expect(JSON.stringify(diagnostics)).not.toContain('sesame');
  expect(project.remote?.authorization).toBeUndefined();
});

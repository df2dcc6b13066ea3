import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { listTree } from '../../src/util/files.ts';
import { Rig } from './rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
  rig.addDigits();
});
afterEach(() => rig.remove());

const build = () => rig.finn(['build', 'digits.yaml', '--until', 'fold', '--plain']);

it('finn cache: is checked, repaired, and made smaller', () => {
  expect(rig.finn(['cache', 'verify'])).toMatchObject({ status: 0, err: '' });
  expect(rig.finn(['cache', 'gc']).out).toMatch(/there is no cache/);
  expect(rig.has('.finn')).toBe(false);
  expect(build().status).toBe(0);
  const verified = rig.finn(['cache', 'verify']);
  expect({ ...verified, out: '' }).toEqual({ status: 0, out: '', err: '' });
  expect(verified.out).toMatch(/^read \d+ objects, \d+ records and 0 downloads \(.* kB\) in .*\.finn: all whole\n$/);

  const object = `objects/${listTree(rig.path('.finn/objects'))[0]}`;
  chmodSync(rig.path(`.finn/${object}`), 0o644);
  writeFileSync(rig.path(`.finn/${object}`), 'x', { flag: 'a' });
  const wrong = rig.finn(['cache', 'verify']);
  expect(wrong.status).toBe(1);
  expect(wrong.out).toContain(`${object} is not what its name or its checksum says\n`);
  expect(wrong.err).toContain('[cache/corrupt]');
  expect(wrong.err).toContain('--repair');
  const repaired = JSON.parse(rig.finn(['cache', 'verify', '--repair', '--json']).out);
  expect(repaired.findings).toContainEqual({ path: object, fault: 'damaged', removed: true });
  expect(rig.finn(['cache', 'verify']).status).toBe(0);
  expect(build().status).toBe(0);
  expect(rig.finn(['cache', 'verify']).status).toBe(0);

  const { limit, before, after, removed } = JSON.parse(rig.finn(['cache', 'gc', '--size', '20kB', '--json']).out);
  expect(limit).toBe(20_000);
  expect(before).toBeGreaterThan(limit);
  expect(after).toBeLessThanOrEqual(limit);
  expect(removed.objects.bytes).toBeGreaterThan(0);
  expect(rig.finn(['cache', 'gc', '--size', '0B']).out).toMatch(
    /^REMOVED +COUNT +SIZE +WHAT\n[\s\S]*\n.* before, 0 B now in .*\.finn\n$/,
  );
  expect(rig.finn(['cache', 'gc', '--size', 'much'])).toMatchObject({
    status: 2,
    err: expect.stringContaining('cli/usage'),
  });
  const manifest = rig.read('build/digits/icebreaker/build.json');
  expect(build().status).toBe(0);
  expect(rig.read('build/digits/icebreaker/build.json')).toBe(manifest);

  rig.write('finn.config.yaml', 'cache: { size: 10kB }\n');
  rig.edit('digits.yaml', 'MVAU_0: { pe: 4, simd: 16', 'MVAU_0: { pe: 8, simd: 8');
  expect(build().status).toBe(0);
  expect(rig.finn(['cache', 'verify']).status).toBe(0);
  expect(JSON.parse(readFileSync(rig.path('.finn/size.json'), 'utf8')).left).toBeGreaterThan(10_000);
  expect(rig.finn(['clean', '--cache']).out).toMatch(/^removed .*\.finn\n$/);
  expect(rig.has('.finn')).toBe(false);
});

it('a folder that cannot be written is a diagnostic, and what was built is kept', () => {
  const refused = rig.finn(['build', 'digits.yaml', '--until', 'fold', '--plain', '--out', 'digits.onnx/build']);
  expect(refused.status).toBe(2);
  expect(refused.err).toMatch(/cannot write digits\.onnx\/build\/digits\/icebreaker: ENOTDIR.*\[cli\/file\]/);
  expect(build().out).toMatch(/^done: 0 ran/m);
});

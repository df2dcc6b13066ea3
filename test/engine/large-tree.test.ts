import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const script = fileURLToPath(new URL('large-tree.ts', import.meta.url));

it('a tree is stored and restored in less memory than it has bytes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'finn-large-'));
  try {
    const [files, bytes] = [30, 10_000_000];
    const args = ['--max-old-space-size=64', '--import', 'tsx', script, folder, String(files), String(bytes)];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
    const { before, most, same } = JSON.parse(stdout) as Record<string, number | boolean>;
    expect(same).toBe(true);
    // In MB: 300 are stored. What is garbage but not collected yet counts too.
    expect(Number(most) - Number(before)).toBeLessThan(150);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

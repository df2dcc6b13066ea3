import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { buildRow } from './killed.ts';
import { Rig } from './rig.ts';

it('a build whose process was killed goes on where it was', async () => {
  const rig = new Rig();
  try {
    const script = fileURLToPath(new URL('./kill-me.ts', import.meta.url));
    const child = spawn(process.execPath, ['--import', 'tsx', script, rig.folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
    expect(await buildRow(rig)).toBe('abcd');
    expect(rig.take()).toEqual(['c n', 'd n']);
  } finally {
    rig.remove();
  }
});

it('a process that ends itself in the midst of its work leaves its lease, so that the next one sweeps', async () => {
  const rig = new Rig();
  try {
    const script = fileURLToPath(new URL('./kill-me.ts', import.meta.url));
    const child = spawn(process.execPath, ['--import', 'tsx', script, rig.folder, 'exit'], { stdio: 'inherit' });
    expect(await once(child, 'exit')).toEqual([130, null]);
    const scratch = (): string[] =>
      readdirSync(join(rig.folder, '.finn/work')).filter((name) => name.startsWith('scratch-'));
    expect(scratch()).toHaveLength(1);
    expect(await buildRow(rig)).toBe('abcd');
    expect(scratch()).toEqual([]);
  } finally {
    rig.remove();
  }
});

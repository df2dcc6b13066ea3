import { expect, test } from 'vitest';
import { surroundingsOf } from './environment.ts';

test('what is kept of the environment in the cache are no credentials', () => {
  const kept = { FINN_JOBS: '2', NODE_OPTIONS: '--x', SLURM_CONF: '/etc/slurm.conf', PATH: '/bin', NO_COLOR: '1' };
  const secrets = [
    'FINN_REMOTE_TOKEN', 'FINN_REMOTE_USER', 'FINN_REMOTE_PASSWORD', 'NODE_AUTH_TOKEN', 'SLURM_JWT', 'AWS_SECRET_ACCESS_KEY',
  ]; // biome-ignore format: a list
  const all = { ...kept, ...Object.fromEntries(secrets.map((name) => [name, 'hunter2'])), LANG: 'tr_TR' };
  expect(surroundingsOf(all)).toEqual(kept);
});

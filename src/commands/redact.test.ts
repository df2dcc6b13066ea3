import { homedir, tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import type { Project } from '../config/project.ts';
import { privateOf } from './redact.ts';

const project = (more: object = {}): Project =>
  ({ cache: { path: '/data/proj/.finn' }, configPath: '/data/proj/finn.config.yaml', ...more }) as unknown as Project;

describe('what of this machine is replaced', () => {
  const { redact, isIn } = privateOf(project());

  it('is folders, the longest first', () => {
    expect(redact('open /data/proj/.finn/x, /data/proj/net.onnx')).toBe('open <cache>/x, <project>/net.onnx');
    expect(redact('in /data/proj/.finn/work/scratch-12-3/a.v:1')).toBe('in <run>/a.v:1');
    expect(redact(`${homedir()}/x`)).not.toContain(homedir());
    expect(redact(`${tmpdir()}/x`)).not.toContain(tmpdir());
    expect([isIn('/data/proj/x'), isIn('module top; endmodule')]).toEqual([true, false]);
  });

  it('is credentials, in addresses and of the remote cache', () => {
    expect(redact('GET https://me:secret@cache.example.org/cas')).toBe(
      'GET https://<credentials>@cache.example.org/cas',
    );
    const basic = `Basic ${Buffer.from('alice:open-sesame').toString('base64')}`;
    const own = privateOf(project({ remote: { authorization: basic } }));
    for (const text of [basic, basic.slice(6), 'alice:open-sesame', 'open-sesame'])
      expect(own.redact(`said ${text}.`)).toBe('said <credentials>.');
    expect(privateOf(project({ remote: { authorization: 'Bearer abcdef' } })).redact('token=abcdef')).toBe(
      'token=<credentials>',
    );
  });
});

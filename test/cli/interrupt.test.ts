import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cli, Rig } from './rig.ts';

/** A pass that computes without a pause for as long as a file is there, and says when it has begun. */
const patient = `
import { existsSync, writeFileSync } from 'node:fs';
import { definePlugin } from 'finn';
export const plugin = definePlugin({
  name: 'patient',
  passes: [{
    name: 'patient', doc: 'Takes its time.', at: 'before lower',
    run(graph) {
      writeFileSync('begun', '');
      while (existsSync('endless'));
      return graph;
    },
  }],
});
`;

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
  rig.addDigits();
  mkdirSync(rig.path('plugins'));
  rig.write('plugins/patient.ts', patient);
  rig.write('finn.config.yaml', 'plugins: [plugins/patient.ts]\ntrust: { plugins: [plugins] }\n');
});
afterEach(() => rig.remove());

const args = ['build', 'digits.yaml', '--build', 'icebreaker', '--until', 'fold', '--json'];

interface Event {
  readonly type: string;
  readonly id?: { readonly step: string };
  readonly how?: string;
}
const eventsOf = (out: string): Event[] =>
  out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Event);
const named = (events: readonly Event[], type: string, how?: string): (string | undefined)[] =>
  events.filter((event) => event.type === type && (how === undefined || event.how === how)).map(({ id }) => id?.step);

describe('Ctrl-C while finn computes', () => {
  it('ends it at once, however long it would take, with status 130; the next build redoes no more than that', async () => {
    rig.write('endless', '');
    const { FINN_CACHE: _, FINN_JOBS: __, ...env } = process.env;
    const child = spawn(process.execPath, [cli, ...args], { cwd: rig.folder, env });
    let out = '';
    child.stdout.on('data', (data) => (out += String(data)));
    const closed = once(child, 'close');
    while (!rig.has('begun')) {
      expect(child.exitCode, out).toBeNull();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    child.kill('SIGINT');
    expect(await closed).toEqual([130, null]);
    const before = eventsOf(out);
    expect(named(before, 'started')).toEqual(['fetch', 'import', 'streamline', 'lower']);
    expect(named(before, 'skipped')).toEqual(expect.arrayContaining(['lower', 'fold']));
    expect(readdirSync(rig.path('.finn/steps')).sort()).toEqual(['fetch', 'import', 'streamline']);
    expect(readdirSync(rig.folder)).not.toContain('build');

    rmSync(rig.path('endless'));
    const again = rig.finn(args);
    expect(again.status, again.err).toBe(0);
    expect(named(eventsOf(again.out), 'finished', 'ran')).toEqual(['lower', 'fold']);
  });
});

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { available } from '../helpers/require.ts';
import { Rig } from './rig.ts';

const cli = fileURLToPath(new URL('../../dist/start.cjs', import.meta.url));

/** A fake yosys: it says a version, and then does what the file `mood` beside it says. */
const fake = `#!/bin/bash
here=$(dirname "$0")
if [ "$1" = -V ]; then echo 'Yosys 0.99 (a fake)'; exit 0; fi
case $(cat "$here/mood") in
  fail) echo 'reading'; echo 'ERROR: no module named what'; exit 3;;
  hang) setsid sleep 1000 & sleep 1000 & echo "$$ $!" > "$here/pids-$$"; echo 'thinking hard'; wait;;
esac
`;

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
  rig.addDigits();
  rig.write('yosys', fake);
  chmodSync(rig.path('yosys'), 0o755);
  rig.write('finn.config.yaml', 'tools: { yosys: yosys }\njobs: 2\n');
  rig.write('digits.yaml', `${rig.read('digits.yaml')}\ntools: { synthesis: native }\n`);
});
afterEach(() => rig.remove());

const args = ['build', 'digits.yaml', '--build', 'hx8k', '--until', 'synthesize', '--plain'];
const isRunning = (pid: number): boolean => existsSync(`/proc/${pid}/exe`);
const toolPids = (): number[] =>
  readdirSync(rig.folder)
    .filter((name) => name.startsWith('pids-'))
    .flatMap((name) => readFileSync(rig.path(name), 'utf8').trim().split(' ').map(Number));
/** What is unfinished in the cache. */
const leftInCache = (): string[] =>
  ['work', 'leases'].flatMap((name) => readdirSync(rig.path(`.finn/${name}`)).filter((one) => !/^failed/.test(one)));
const until = async (what: () => boolean): Promise<void> => {
  while (!what()) await new Promise((resolve) => setTimeout(resolve, 20));
};

/** finn, and all that it says, while it runs. */
function start(): { readonly child: ChildProcess; readonly said: () => string } {
  const { FINN_CACHE: _, FINN_JOBS: __, ...env } = process.env;
  const child = spawn(process.execPath, [cli, ...args], { cwd: rig.folder, env });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => (said += String(data)));
  return { child, said: () => said };
}

describe('Ctrl-C', () => {
  it('ends the tools with all that they started, keeps what was made, and gives status 130', async () => {
    rig.write('mood', 'hang');
    const { child, said } = start();
    await until(() => toolPids().length >= 4);
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([130, null]);
    const pids = toolPids();
    expect(pids).toHaveLength(4);
    await until(() => !pids.some(isRunning));
    expect(said()).toContain('interrupted');
    expect(readdirSync(rig.path('.finn/work')).filter((name) => name.startsWith('scratch'))).toEqual([]);

    rig.write('mood', 'fail');
    const again = rig.finn([...args, '--json']);
    expect(again.status).toBe(1);
    const events = again.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, never>);
    const done = events.at(-1) as { ran?: number; fresh?: number };
    expect(done).toMatchObject({ type: 'done', ran: 0 });
    expect(done.fresh).toBeGreaterThan(5);
  });

  it('twice ends finn itself, and the tools even so', async () => {
    // A step that does not hear of the first.
    rig.write(
      'deaf.mjs',
      `import { artifacts, buildStep, definePlugin, files } from 'finn';
      const deaf = buildStep({
        name: 'deaf', doc: 'Never ends.', needs: { dataflow: artifacts.dataflow }, makes: { deaf: files('deaf', '.') },
        config: () => ({}),
        run: () => new Promise(() => setInterval(() => {}, 1000)),
      });
      export const plugin = definePlugin({ name: 'deaf', steps: [deaf] });`,
    );
    rig.write(
      'finn.config.yaml',
      `${rig.read('finn.config.yaml')}plugins: [deaf.mjs]\ntrust: { plugins: [deaf.mjs] }\n`,
    );
    rig.write('mood', 'hang');
    const { child } = start();
    const ended = once(child, 'exit');
    await until(() => toolPids().length >= 2);
    const again = setInterval(() => child.kill('SIGINT'), 100);
    expect(await ended).toEqual([130, null]);
    clearInterval(again);
    const pids = toolPids();
    await until(() => !pids.some(isRunning));
  });

  it('comes twice under npx, which is once', async () => {
    rig.write('mood', 'hang');
    const { child } = start();
    await until(() => toolPids().length >= 4);
    child.kill('SIGINT');
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([130, null]);
    // It has ended in order.
    expect(leftInCache()).toEqual([]);
  });
});

describe('a plug-in', () => {
  it.each([
    ['that ends the process', 'process.exit(0)'],
    ['that waits for what never comes', 'await new Promise(() => {})'],
  ])('%s does not make a build succeed', (_, code) => {
    rig.write(
      'odd.mjs',
      `import { artifacts, buildStep, definePlugin, files } from 'finn';
      const odd = buildStep({
        name: 'odd', doc: 'Odd.', needs: { dataflow: artifacts.dataflow }, makes: { odd: files('odd', '.') },
        config: () => ({}),
        run: async () => { ${code}; },
      });
      export const plugin = definePlugin({ name: 'odd', steps: [odd] });`,
    );
    rig.write('finn.config.yaml', 'plugins: [odd.mjs]\ntrust: { plugins: [odd.mjs] }\n');
    const { status, err } = rig.finn(['build', 'digits.yaml', '--build', 'hx8k', '--until', 'odd']);
    expect({ status, err }).toEqual({ status: 1, err: expect.stringContaining('ended in the midst of its work') });
    expect(rig.has('build')).toBe(false);
  });
});

describe('a build that nobody listens to any more', () => {
  it('is interrupted, and not done', async () => {
    rig.write('mood', 'hang');
    const { child } = start();
    await until(() => toolPids().length >= 4);
    // The next thing to be said is that yosys takes long.
    child.stdout!.destroy();
    expect(await once(child, 'exit')).toEqual([130, null]);
    await until(() => !toolPids().some(isRunning));
    expect(leftInCache()).toEqual([]);
  });

  it.skipIf(!available('python'))('ends with its terminal, in order and without a dump', async () => {
    rig.write('mood', 'hang');
    const { FINN_CACHE: _, FINN_JOBS: __, ...env } = process.env;
    const helper = fileURLToPath(new URL('../helpers/closed-terminal.py', import.meta.url));
    const terminal = spawn('python3', [helper, process.execPath, cli, ...args], { cwd: rig.folder, env });
    let said = '';
    terminal.stdout.on('data', (data) => (said += String(data)));
    await until(() => toolPids().length >= 4);
    terminal.stdin.end();
    await once(terminal, 'close');
    // SIGKILL: its own, as the last thing.
    expect(said).toBe('-9\n');
    await until(() => !toolPids().some(isRunning));
    expect(leftInCache()).toEqual([]);
  });

  it('goes on where a terminal is closed that is not its own, as nohup wants it', async () => {
    rig.write('mood', 'hang');
    const { child } = start();
    await until(() => toolPids().length >= 4);
    child.kill('SIGHUP');
    child.kill('SIGTERM');
    // Had the first ended it, that would be the signal.
    expect(await once(child, 'exit')).toEqual([130, null]);
  });
});

describe('a tool', () => {
  it('that fails: what it said, where its log is, its folder kept', () => {
    rig.write('mood', 'fail');
    const { status, out } = rig.finn(args);
    expect(status).toBe(1);
    expect(out).toContain('yosys ended with exit status 3');
    expect(out).toContain('yosys: no module named what');
    const folder = /kept in (\.finn\/work\/failed-yosys-\w+)/.exec(out)?.[1] ?? '';
    expect(readdirSync(rig.path(folder))).toEqual(expect.arrayContaining(['call.json', 'script.ys', 'yosys.log']));
    expect(rig.read(join(folder, 'yosys.log'))).toBe('reading\nERROR: no module named what\n');
  });

  it('that hangs is ended after the time limit of the recipe, with all that it started', async () => {
    rig.write('mood', 'hang');
    rig.write('digits.yaml', `${rig.read('digits.yaml')}time_limits: { synthesize: 1s }\n`);
    const { status, out } = rig.finn(args);
    expect(status).toBe(1);
    expect(out).toMatch(/yosys was ended after 1 s, its limit/);
    expect(out).toContain('thinking hard');
    expect(out).toMatch(/`time_limits` of the recipe or of finn\.config\.yaml/);
    const pids = toolPids();
    expect(pids.length).toBeGreaterThan(0);
    await until(() => !pids.some(isRunning));
  });

  it('has the time limit of finn.config.yaml where both say one', () => {
    rig.write('mood', 'hang');
    rig.write('digits.yaml', `${rig.read('digits.yaml')}time_limits: { synthesize: 1h }\n`);
    rig.write('finn.config.yaml', `${rig.read('finn.config.yaml')}time_limits: { synthesize: 0.5s }\n`);
    const { status, out } = rig.finn(args);
    expect(status).toBe(1);
    expect(out).toMatch(/yosys was ended after 0\.5 s, its limit/);
  });
});

it('time limits of steps that are none are refused, with the place', () => {
  rig.write('digits.yaml', `${rig.read('digits.yaml')}time_limits: { synthesise: 1s, fold: 3 days }\n`);
  const { status, err } = rig.finn(args);
  expect(status).toBe(2);
  expect(err).toMatch(/time_limits\.fold.*a time such as 45s, 30min, 1\.5h/s);
  rig.edit('digits.yaml', ', fold: 3 days', '');
  const second = rig.finn(args);
  expect(second.status).toBe(2);
  expect(second.err).toMatch(/there is no step 'synthesise'/);
  expect(second.err).toMatch(/digits\.yaml:\d+:\d+/);
  expect(second.err).toMatch(/did you mean `synthesize`/);
});

import { existsSync, readFileSync, renameSync, rmSync, watch as watchFolder } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Rig } from './rig.ts';
import { Watch } from './watching.ts';

let rig: Rig;
let watch: Watch | undefined;
beforeEach(() => {
  rig = new Rig();
  rig.addDigits();
});
afterEach(async () => {
  await watch?.end('SIGKILL');
  watch = undefined;
  rig.remove();
});

const idle = /^watching \d+ files for changes…$/;
const one = ['digits.yaml', '--until', 'fold', '--build', 'icebreaker'];
const RUN = '      run: [node, make.mjs]\n      inputs: [make.mjs, digits.onnx]\n      output: model.onnx';

/** What is in a file as soon as there is something. */
function written(path: string): Promise<string> {
  return new Promise((resolve) => {
    const watcher = watchFolder(dirname(path), () => {
      const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
      if (text === '') return;
      watcher.close();
      resolve(text);
    });
  });
}

const begin = async (args: readonly string[] = one): Promise<Watch> => {
  watch = new Watch(rig, args);
  await watch.until(idle);
  return watch;
};

describe('finn watch', () => {
  it('builds, shows what a changed pe comes to at once and when it is built, and ends with 130', async () => {
    watch = new Watch(rig, one);
    const first = await watch.until(idle);
    // Nothing was known of before.
    expect(first).toContain('\nicebreaker: built in ');
    expect(first).toMatch(/^ {2}MVAU_0 +64 +\d+ +\d+$/m);
    expect(first).toContain('\n  375000 frames/s\n');
    expect(first).toContain('\n  verified: import, streamline, lower\n');
    const cycles = (): unknown => JSON.parse(rig.read('build/digits/icebreaker/report/estimate_layer_cycles.json'));
    expect(cycles()).toMatchObject({ MVAU_1: 64 });

    rig.edit('digits.yaml', 'MVAU_1: { pe: 2,', 'MVAU_1: { pe: 1,');
    const quick = await watch.until(/frames\/s$/);
    expect(quick).toMatch(/^changed: digits\.yaml\nicebreaker: estimated in [\d.]+ s\n/);
    expect(quick).toMatch(/^ {2}MVAU_1 +64 → 128 +\d+ → \d+ /m);
    expect(quick).toContain('\n  3 layers as before\n');
    expect(quick).toMatch(/^ {2}all +64 → 128 .* without FIFOs\n {2}375000 → 187500 frames\/s$/m);
    const built = await watch.until(idle);
    expect(built).toMatch(/✓ fold digits\/icebreaker .*\(config\.layers\.MVAU_1\.pe: 2 → 1\)/);
    expect(built).toMatch(/^icebreaker: built in /m);
    expect(built).toMatch(/^ {2}MVAU_1 +64 → 128 /m);
    expect(built).not.toContain('without FIFOs');
    expect(cycles()).toMatchObject({ MVAU_1: 128 });
    expect(await watch.end()).toBe(130);
  });

  it('shows what is wrong, keeps the last good result, and goes on when it is mended', async () => {
    const running = await begin();
    const folder = rig.read('build/digits/icebreaker/build.json');
    const right = rig.read('digits.yaml');
    rig.write('digits.yaml', right.slice(0, right.indexOf('targets:') + 20));
    const half = await running.until(idle);
    expect(half).toMatch(/digits\.yaml:\d+:\d+: .*error/);
    expect(half).toContain('~~~');
    rig.write('digits.yaml', right.replace('pe: 4, simd: 16', 'pe: 3, simd: 16'));
    const wrong = await running.until(idle);
    expect(wrong).toContain("'MVAU_0': pe: 3 does not divide 64");
    expect(wrong).toContain('use one of 1, 2, 4, 8, 16, 32, 64');
    expect(rig.read('build/digits/icebreaker/build.json')).toBe(folder);
    // The same as was built: there is nothing to do.
    rig.write('digits.yaml', right);
    expect(await running.until(idle)).not.toContain('✓');
    rig.write('digits.yaml', right.replace('pe: 4, simd: 16', 'pe: 2, simd: 16'));
    expect(await running.until(idle)).toContain('icebreaker: built in');
  });

  it('disturbs nothing for a save that changes nothing', async () => {
    const running = await begin();
    rig.write('digits.yaml', `${rig.read('digits.yaml')}\n# a comment\n`);
    expect(await running.until(idle)).toBe(
      `saved: digits.yaml; nothing is to be built anew\nwatching 9 files for changes…`,
    );
  });

  it('waits for files that are not there, and sees what is saved by rename', async () => {
    const model = rig.bytes('digits.onnx');
    rmSync(rig.path('digits.onnx'));
    watch = new Watch(rig, one);
    expect(await watch.until(idle)).toContain('there is no file digits.onnx');
    rig.write('digits.onnx', model);
    expect(await watch.until(idle)).toContain('icebreaker: built in');
    rmSync(rig.path('digits.yaml'));
    expect(await watch.until(idle)).toContain('there is no recipe digits.yaml');
    rig.addDigits();
    rig.edit('digits.yaml', 'MVAU_1: { pe: 2,', 'MVAU_1: { pe: 4,');
    expect(await watch.until(idle)).toMatch(/^ {2}MVAU_1 +64 → 32 /m);
    const text = rig.read('digits.yaml');
    rig.write('.digits.yaml.new', text.replace('MVAU_1: { pe: 4,', 'MVAU_1: { pe: 1,'));
    renameSync(rig.path('.digits.yaml.new'), rig.path('digits.yaml'));
    expect(await watch.until(idle)).toMatch(/^ {2}MVAU_1 +32 → 128 /m);
  });

  it('takes the last of saves that follow one another quickly', async () => {
    const running = await begin();
    const text = rig.read('digits.yaml');
    for (const pe of [1, 8, 4]) rig.write('digits.yaml', text.replace('MVAU_1: { pe: 2,', `MVAU_1: { pe: ${pe},`));
    await running.until(/^ {2}MVAU_1 +64 → 32 /);
    await running.until(idle);
    const cycles = JSON.parse(rig.read('build/digits/icebreaker/report/estimate_layer_cycles.json'));
    expect(cycles).toMatchObject({ MVAU_1: 32 });
  });

  it('ends a build that is out of date, and its tools, and shows the newest alone', async () => {
    rig.edit('digits.yaml', '      file: digits.onnx', RUN);
    rig.write('hold', '');
    rig.write(
      'make.mjs',
      `import { copyFileSync, existsSync, writeFileSync } from 'node:fs';
       if (existsSync(${JSON.stringify(rig.path('hold'))})) {
         writeFileSync(${JSON.stringify(rig.path('pid'))}, String(process.pid));
         setInterval(() => {}, 1000);
       } else copyFileSync('digits.onnx', 'model.onnx');`,
    );
    const started = written(rig.path('pid'));
    watch = new Watch(rig, [...one, '--allow-run', '--json']);
    const pid = Number(await started);
    expect(() => process.kill(pid, 0)).not.toThrow();
    rmSync(rig.path('hold'));
    rig.edit('digits.yaml', 'MVAU_1: { pe: 2,', 'MVAU_1: { pe: 4,');
    await watch.until(/"type":"superseded"/);
    const rest = (await watch.until(/"type":"idle"/)).split('\n').map((line) => JSON.parse(line));
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    const built = rest.filter(({ type }) => type === 'built');
    expect(built).toHaveLength(1);
    expect(built[0].layers[1]).toMatchObject({ name: 'MVAU_1', cycles: 32 });
  });

  it('ends its tools with itself', async () => {
    rig.edit('digits.yaml', '      file: digits.onnx', RUN);
    rig.write(
      'make.mjs',
      `import { writeFileSync } from 'node:fs';
       writeFileSync(${JSON.stringify(rig.path('pid'))}, String(process.pid));
       setInterval(() => {}, 1000);`,
    );
    const started = written(rig.path('pid'));
    watch = new Watch(rig, [...one, '--allow-run']);
    const pid = Number(await started);
    expect(await watch.end()).toBe(130);
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it('remembers what failed, and tries again what may not', async () => {
    rig.edit('digits.yaml', 'test-labels.npy }', 'test-labels.npy, min_accuracy: 0.99 }');
    watch = new Watch(rig, one);
    const first = await watch.until(idle);
    expect(first).toContain('✗ import digits');
    expect(first).toContain('icebreaker: not built');
    rig.write('digits.yaml', `${rig.read('digits.yaml')}\n`);
    const again = await watch.until(idle);
    expect(again).toContain('✗ import digits: failed before with the same inputs, and is not tried again');
    rig.edit('digits.yaml', 'min_accuracy: 0.99', 'min_accuracy: 0.9');
    expect(await watch.until(idle)).toContain('icebreaker: built in');
  });

  it('tells machines the same, one JSON object a line', async () => {
    const running = new Watch(rig, [...one, '--json']);
    watch = running;
    await running.until(/"type":"idle"/);
    rig.edit('digits.yaml', 'MVAU_1: { pe: 2,', 'MVAU_1: { pe: 4,');
    const events = (await running.until(/"type":"idle"/)).split('\n').map((line) => JSON.parse(line));
    expect(events[0]).toEqual({ type: 'looked', changed: ['digits.yaml'], right: true });
    expect(events[1]).toMatchObject({ type: 'estimated', build: 'icebreaker', fifos: false, ram: 'EBR_4K' });
    const built = events.find(({ type }) => type === 'built');
    expect(built).toMatchObject({ build: 'icebreaker', folder: 'build/digits/icebreaker', fifos: true });
    expect(built.layers[1]).toMatchObject({ name: 'MVAU_1', cycles: 32, before: { cycles: 64 } });
    expect(built.verified).toEqual(['import', 'streamline', 'lower']);
    rig.edit('digits.yaml', 'MVAU_1: { pe: 4,', 'MVAU_1: { pe: 5,');
    const wrong = (await running.until(/"type":"idle"/)).split('\n').map((line) => JSON.parse(line));
    expect(wrong[0]).toEqual({ type: 'looked', changed: ['digits.yaml'], right: false });
    expect(wrong[1]).toMatchObject({ type: 'wrong', code: 'fold/does-not-divide', file: 'digits.yaml', line: 23 });
  });

  it('refuses what is wrong with the command line', () => {
    const { status, err } = rig.finn(['watch', 'nothing.yaml']);
    expect(status).toBe(2);
    expect(err).toContain('there is no recipe nothing.yaml');
    const until = rig.finn(['watch', 'digits.yaml', '--until', 'flod']);
    expect(until.status).toBe(2);
    expect(until.err).toContain("there is no step 'flod'");
  });
});

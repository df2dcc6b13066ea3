import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EngineEvent } from '../../src/engine/events.ts';
import { readNpy } from '../../src/ir/npy.ts';
import { listTree } from '../../src/util/files.ts';
import { sha256 } from '../../src/util/hash.ts';
import { available } from '../helpers/require.ts';
import { boardOf } from './board.ts';
import { eventsOf, ran, Workplace } from './workplace.ts';

/** One build of the flagship recipe, killed once on its way, that all of these tests look at. */
const work = new Workplace();
const folder = 'build/digits/icebreaker';
let before: readonly EngineEvent[] = [];
let after: readonly EngineEvent[] = [];
let plain = { status: null as number | null, out: '', err: '' };

beforeAll(async () => {
  work.addDigits();
  // The first tool that has made something is the last thing that this process sees.
  const killed = await work.start(['build', 'digits.yaml', '--build', 'icebreaker', '--json'], (line, child) => {
    if (/"type":"finished".*"step":"synthesize"/.test(line)) child.kill('SIGKILL');
  });
  before = eventsOf(killed.out);
  expect(killed.status).toBe(null);
  const resumed = await work.build('digits.yaml', '--build', 'icebreaker');
  expect({ status: resumed.status, err: resumed.err }).toEqual({ status: 0, err: '' });
  after = resumed.events;
  plain = await work.start(['build', 'digits.yaml', '--build', 'icebreaker']);
}, 900_000);
afterAll(() => work.remove());

const files = (): string[] => listTree(work.path(folder));
const hashes = (): Record<string, string> =>
  Object.fromEntries(files().map((path) => [path, sha256(work.bytes(`${folder}/${path}`))]));

describe('the build folder of digits', () => {
  it('has what the contract names, and nothing else at its top', () => {
    const paths = files();
    for (const name of [
      'report/estimate_layer_cycles.json',
      'report/estimate_layer_resources.json',
      'report/estimate_network_performance.json',
      'report/op_and_param_counts.json',
      'report/rtlsim_performance.json',
      'report/ooc_synth_and_timing.json',
      'report/post_synth_resources.json',
      'auto_folding_config.json',
      'final_hw_config.json',
      'time_per_step.json',
      'intermediate_models/import.onnx',
      'intermediate_models/streamline.onnx',
      'intermediate_models/lower.onnx',
      'intermediate_models/fold.onnx',
      'verification_output/verify_stitched_ip_rtlsim_0_SUCCESS.npy',
      'stitched_ip/finn_accel.v',
      'stitched_ip/finn_accel_tb.v',
      'stitched_ip/all_verilog_srcs.txt',
      'bitfile/finn-accel.bin',
      'driver/driver.py',
      'driver/driver_base.py',
      'deploy/bitfile/finn-accel.bin',
      'deploy/driver/driver.py',
      'log/build_dataflow.log',
      'build.json',
    ])
      expect(paths, name).toContain(name);
    expect([...new Set(paths.map((path) => path.split('/')[0]))].sort()).toEqual([
      'auto_folding_config.json',
      'bitfile',
      'build.json',
      'deploy',
      'driver',
      'final_hw_config.json',
      'intermediate_models',
      'log',
      'report',
      'stitched_ip',
      'time_per_step.json',
      'verification_output',
    ]);
    // The cache lies where FINN_CACHE says, and nowhere else.
    expect([work.has('the-cache/objects'), work.has('.finn')]).toEqual([true, false]);
  });

  it('has a bitstream of icepack, the same in deploy', () => {
    const image = work.bytes(`${folder}/bitfile/finn-accel.bin`);
    expect([...image.subarray(0, 4)]).toEqual([0xff, 0x00, 0x00, 0xff]);
    expect(Buffer.from(image.subarray(0, 64)).includes(Buffer.of(0x7e, 0xaa, 0x99, 0x7e))).toBe(true);
    // up5k, with the header and block RAM.
    expect(image.length).toBe(104_090);
    expect(work.bytes(`${folder}/deploy/bitfile/finn-accel.bin`)).toEqual(image);
  });

  it('has reports with FINN’s keys that agree with one another', () => {
    type Numbers = Record<string, number>;
    const report = <T = Numbers>(name: string): T => work.json<T>(folder, 'report', `${name}.json`);
    const simulated = report('rtlsim_performance');
    expect(simulated).toMatchObject({ interval_cycles: 64, TIMEOUT: 0, UNFINISHED_INS: 0, UNFINISHED_OUTS: 0 });
    expect(simulated).toMatchObject({ 'fclk[mhz]': 24, 'throughput[images/s]': 375_000 });
    expect(simulated['N']).toBeGreaterThanOrEqual(8);
    expect(simulated).not.toHaveProperty('RUNTIME_S');
    const estimated = report('estimate_network_performance');
    const cycles = report('estimate_layer_cycles');
    expect(estimated['max_cycles']).toBe(Math.max(...Object.values(cycles)));
    expect(estimated['max_cycles']).toBe(simulated['interval_cycles']);
    expect(estimated['critical_path_cycles']).toBe(Object.values(cycles).reduce((a, b) => a + b, 0));
    // The token schedules know before any Verilog is printed what the circuit takes, to the cycle.
    expect(estimated['scheduled_interval_cycles']).toBe(simulated['interval_cycles']);
    expect(estimated['scheduled_latency_cycles']).toBe(simulated['latency_cycles']);

    const synthesized = report<Record<string, Numbers>>('post_synth_resources');
    expect(Object.keys(synthesized)).toEqual(['(top)', 'MVAU_0', 'MVAU_1', 'MVAU_2', 'LabelSelect_0']);
    for (const one of Object.values(synthesized)) expect(Object.keys(one)).toEqual(['LUT', 'FF', 'EBR_4K', 'DSP']);
    const { '(top)': top, ...layers } = synthesized;
    const sum = Object.values(layers).reduce((n, { LUT }) => n + LUT!, 0);
    expect(top!['LUT']).toBeGreaterThan(sum);
    const timing = report('post_route_timing');
    expect(timing['fmax_mhz']).toBeGreaterThanOrEqual(24);
    expect(report('ooc_synth_and_timing')).toMatchObject({ LUT: sum, fmax_mhz: timing['fmax_mhz'] });
    const estimates = report<Record<string, Numbers>>('estimate_layer_resources');
    for (const [name, { LUT }] of Object.entries(layers)) {
      expect(LUT! / estimates[name]!['LUT']!).toBeGreaterThan(0.6);
      expect(LUT! / estimates[name]!['LUT']!).toBeLessThan(1.4);
    }
    expect(report<Record<string, object>>('op_and_param_counts')['total']).toMatchObject({});
    expect(Object.keys(work.json<object>(folder, 'auto_folding_config.json'))).toEqual([
      'Defaults',
      'MVAU_hls_0',
      'MVAU_hls_1',
      'MVAU_hls_2',
      'LabelSelect_hls_0',
    ]);
    expect(work.json(folder, 'final_hw_config.json')).toHaveProperty('StreamingFIFO_rtl_0.depth');
    const times = work.json<Numbers>(folder, 'time_per_step.json');
    expect(Object.keys(times)).toEqual(expect.arrayContaining(['import', 'synthesize/MVAU_0', 'bitfile', 'RUNTIME_S']));
  });

  it('says what was verified, and the circuit is as accurate as the network', () => {
    type Verdict = { stage: string; vectors: number; elements: number; accuracy?: number };
    const { verdicts, inputs, tools } = work.json<{
      verdicts: Verdict[];
      inputs: Record<string, string>;
      tools: Record<string, string>;
    }>(folder, 'build.json');
    expect(verdicts.map(({ stage }) => stage)).toEqual(['import', 'streamline', 'lower', 'codegen', 'stitch', 'shell']);
    for (const { vectors } of verdicts) expect(vectors).toBeGreaterThan(0);
    const accuracies = verdicts.flatMap(({ accuracy }) => accuracy ?? []);
    expect(accuracies).toEqual([442 / 450, 442 / 450]);
    expect(Object.keys(inputs)).toEqual(expect.arrayContaining(['import/input.npy', 'import/labels.npy', 'board']));
    expect(inputs['import/input.npy']).toBe(sha256(work.bytes('test-images.npy')));
    expect(Object.keys(tools)).toEqual(expect.arrayContaining(['yosys', 'nextpnr-ice40', 'icepack', 'clang']));
  });

  it('names no folder, host or day in what tells of the result', () => {
    const root = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '');
    const forbidden = [work.folder, root, tmpdir(), homedir().length > 5 ? homedir() : root];
    if (hostname().length > 5) forbidden.push(hostname());
    const day = new RegExp(`${new Date().getUTCFullYear()}[-/.]\\d\\d[-/.]\\d\\d|\\d\\d:\\d\\d:\\d\\d`);
    const telling = (path: string): boolean => path !== 'time_per_step.json' && !path.startsWith('log/');
    for (const path of files()) {
      const text = Buffer.from(work.bytes(`${folder}/${path}`)).toString('latin1');
      // No file names the project's folder; the day and the host are the run's, which time_per_step.json and log/ tell of.
      expect(text.includes(work.folder), path).toBe(false);
      if (!telling(path)) continue;
      for (const word of forbidden) expect(text.includes(word), `${path} has ${word}`).toBe(false);
      expect(day.test(text), path).toBe(false);
    }
  });
});

describe('a build that was killed', () => {
  it('goes on where it was', () => {
    const done = ran(before);
    expect(done).toContain('fold');
    expect(done.some((name) => name.startsWith('synthesize '))).toBe(true);
    const again = ran(after);
    expect(again.filter((name) => done.includes(name))).toEqual([]);
    expect(again).toEqual(expect.arrayContaining(['simulate', 'verify-shell', 'bitfile']));
    // Nothing of the killed process is left in the way.
    expect(listTree(work.path('the-cache/work')).filter((path) => path.startsWith('scratch-'))).toEqual([]);
  });

  it('has nothing to do once it is done, and leaves every byte and time as it was', async () => {
    expect(plain).toMatchObject({ status: 0, err: '' });
    expect(plain.out).toMatch(/^done: 0 ran, 18 fresh, in /);
    const was = hashes();
    const again = await work.build('digits.yaml', '--build', 'icebreaker');
    expect([again.status, ran(again.events)]).toEqual([0, []]);
    expect(hashes()).toEqual(was);
  });

  it('ends with a row of what came out', () => {
    const [, heading, row] = plain.out.split('\n');
    expect(heading!.trim().split(/ {2,}/)).toEqual([
      'CYCLES',
      'FRAMES/S',
      'LATENCY',
      'LUT',
      'CELLS',
      'RAM',
      'FMAX',
      'ACCURACY',
      'VERIFIED',
      'FOLDER',
    ]);
    expect(row).toMatch(
      /^icebreaker +64 +375000 +[\d.]+ µs +\d+ +\d+ of 5280 +\d+ of 30 +[\d.]+ MHz +98\.22 % {2}import, .*, shell {2}build\/digits\/icebreaker$/,
    );
  });
});

describe('a changed PE', () => {
  it('runs that layer again, the stitch and what follows, and nothing else', async () => {
    work.edit('digits.yaml', 'MVAU_1: { pe: 2, simd: 16', 'MVAU_1: { pe: 4, simd: 16');
    try {
      type Line = { step: string; scope: string; state: string };
      const plan = await work.start(['plan', 'digits.yaml', '--build', 'icebreaker', '--json']);
      const stale = (JSON.parse(plan.out) as { steps: Line[] }).steps.filter(({ state }) => state !== 'fresh');
      expect(stale.map(({ step, scope }) => `${step} ${scope}`).sort()).toEqual([
        'bitfile digits/icebreaker',
        'codegen digits/icebreaker/MVAU_1',
        'driver digits/icebreaker',
        'fold digits/icebreaker',
        'simulate digits/icebreaker',
        'stitch digits/icebreaker',
        'synthesize digits/icebreaker/MVAU_1',
        'verify-shell digits/icebreaker',
      ]);
      const built = await work.build('digits.yaml', '--build', 'icebreaker', '--until', 'synthesize', '--out', 'other');
      expect([built.status, ran(built.events)]).toEqual([0, ['fold', 'codegen MVAU_1', 'synthesize MVAU_1']]);
    } finally {
      work.edit('digits.yaml', 'MVAU_1: { pe: 4, simd: 16', 'MVAU_1: { pe: 2, simd: 16');
    }
  });
});

describe('gates', () => {
  it('that are missed fail the build, and say by how much, where they stand', async () => {
    const recipe = work.read('digits.yaml');
    work.write('digits.yaml', `${recipe}expect:\n  lut: "<= 100"\n  fps: ">= 400000"\n  accuracy: ">= 0.98"\n`);
    work.write('finn.config.yaml', 'display: { color: always }\n');
    try {
      const lines = recipe.split('\n').length;
      const { status, out, err } = await work.start(['build', 'digits.yaml', '--build', 'icebreaker']);
      expect(status).toBe(1);
      expect(out).toContain('0 ran, 18 fresh');
      // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are escape sequences
      const text = err.replace(/\u001b\[[\d;]*m/g, '');
      expect(text).not.toBe(err);
      expect(text).toMatch(
        new RegExp(`digits\\.yaml:${lines + 1}:\\d+: error: icebreaker: lut is \\d+, not <= 100: \\d+ above it`),
      );
      expect(text).toContain('error: icebreaker: fps is 375000, not >= 400000: 25000 below it');
      expect(text).not.toContain('accuracy');
    } finally {
      work.write('digits.yaml', recipe);
      rmSync(work.path('finn.config.yaml'));
    }
  });
});

describe('the delivered testbench', () => {
  const copy = (): string => {
    const place = mkdtempSync(join(tmpdir(), 'finn-testbench-'));
    cpSync(work.path(`${folder}/stitched_ip`), place, { recursive: true });
    return place;
  };
  /** The command that the folder's README gives. */
  const told = (place: string, word: string): string =>
    new RegExp(`\`(${word} [^\`]*)\``).exec(readFileSync(join(place, 'README.md'), 'utf8'))![1]!;
  const run = (place: string, word: string): string =>
    execFileSync('sh', ['-c', told(place, word)], {
      cwd: place,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  const corrupt = (place: string): void => {
    const words = readFileSync(join(place, 'm_axis_0.hex'), 'utf8').split('\n');
    words[5] = words[5] === '00' ? '01' : '00';
    writeFileSync(join(place, 'm_axis_0.hex'), words.join('\n'));
  };

  it.skipIf(!available('iverilog'))('passes in Icarus Verilog, and fails with one word changed', () => {
    const place = copy();
    try {
      expect(run(place, 'iverilog')).toMatch(/^PASS: all beats as expected, \d+ cycles$/m);
      corrupt(place);
      const failed = run(place, 'iverilog');
      expect(failed).toMatch(/^FAIL: beat 5 of m_axis_0 is \w+ instead of \w+$/m);
      expect(failed).not.toContain('PASS');
    } finally {
      rmSync(place, { recursive: true });
    }
  });

  it.skipIf(!available('verilator'))('passes in Verilator, and fails with one word changed', () => {
    const place = copy();
    try {
      expect(run(place, 'verilator')).toMatch(/^PASS: all beats as expected, \d+ cycles$/m);
      corrupt(place);
      const failed = execFileSync(join(place, 'obj_dir/Vfinn_accel_tb'), { cwd: place, encoding: 'utf8' });
      expect(failed).toMatch(/^FAIL: beat 5 of m_axis_0 is \w+ instead of \w+$/m);
      expect(failed).not.toContain('PASS');
    } finally {
      rmSync(place, { recursive: true });
    }
  });
});

const python = available('python') && available('numpy') && available('pyserial');
describe.skipIf(!python)('the driver folder at a pseudo-terminal, served by the simulated UART top', () => {
  it('gives what the network gives, and measures the interval of the report', async () => {
    const board = await boardOf(work.path('digits.yaml'), 'icebreaker', work.path(folder), work.cache);
    const count = 12;
    const program = `
import sys
import numpy as np
from driver import FINNAccelerator
x = np.load(sys.argv[2])[:${count}]
with FINNAccelerator(port=sys.argv[1], batch_size=len(x), timeout=60) as accel:
    print(accel.ishape_normal(), accel.oshape_normal(), accel.idt(), accel.odt())
    print(*accel.execute(x).ravel())
    print(accel.throughput_test()["interval[cycles]"])
`;
    try {
      const args = ['-B', '-c', program, board.port, work.path('test-images.npy')];
      const { stdout } = await promisify(execFile)('python3', args, { cwd: work.path(`${folder}/driver`) });
      const [shapes, classes, interval] = stdout.trim().split('\n');
      expect(shapes).toBe(`(${count}, 64) (${count}, 1) DataType['UINT5'] DataType['UINT8']`);
      const right = readNpy(work.bytes(`${folder}/verification_output/accelerator_output.npy`));
      expect(classes!.split(' ').map(Number)).toEqual([...right.data.slice(0, count)]);
      const labels = readNpy(work.bytes('test-labels.npy'));
      expect([...right.data.slice(0, count)]).toEqual([...labels.data.slice(0, count)]);
      const { interval_cycles } = work.json<{ interval_cycles: number }>(folder, 'report/rtlsim_performance.json');
      expect(Number(interval)).toBe(interval_cycles);
    } finally {
      await board.close();
    }
  }, 300_000);
});

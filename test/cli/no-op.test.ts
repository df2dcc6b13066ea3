import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyProgram, remove, temporary } from '../never-lost/place.ts';
import { type Ended, Rig } from './rig.ts';

const home = temporary('no-op');
const start = copyProgram(home);
const rest = join(home, 'finn/dist/cli.js');
const whole = readFileSync(rest);
afterAll(() => remove(home));

/** What the rest of finn ends with where a test took it away: a build that ends otherwise was answered without it. */
const LOOKED = 99;

/** A project with one build, which a finn of its own builds. */
class Place extends Rig {
  readonly #words: readonly string[];

  constructor(words: readonly string[] = ['build', 'digits.yaml', '--until', 'fold', '--build', 'icebreaker']) {
    super(start);
    this.addDigits();
    this.#words = words;
  }

  build(environment: Readonly<Record<string, string>> = {}): Ended {
    return this.finn(this.#words, environment);
  }

  /** The same without all of finn but its start; written in place, so that its folder does not change. */
  answer(environment: Readonly<Record<string, string>> = {}, words = this.#words): Ended {
    writeFileSync(rest, `process.exit(${LOOKED})`);
    try {
      return this.finn(words, environment);
    } finally {
      writeFileSync(rest, whole);
    }
  }

  /** Builds until there is nothing to do and nothing has changed for a whole build. What that printed. */
  settle(environment: Readonly<Record<string, string>> = {}): Ended {
    this.build(environment);
    this.build(environment);
    return this.build(environment);
  }
}

const untimed = (text: string): string => text.replace(/in [\d.]+ s$/m, 'in … s');
/** A file of a folder, however deep. */
function fileIn(folder: string): string {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isFile()) return path;
    if (readdirSync(path).length > 0) return fileIn(path);
  }
  throw new Error(`${folder} has no file`);
}

describe('a build with nothing to do', () => {
  let place: Place;
  let last: Ended;
  beforeAll(() => {
    place = new Place();
  });
  afterAll(() => place.remove());

  it('is answered once a whole build has found all as it was', () => {
    expect(place.answer().status).toBe(LOOKED);
    expect(place.build().out).toContain('5 ran');
    expect(place.answer().status).toBe(LOOKED);
    expect(place.build().out).toContain('0 ran, 5 fresh');
    last = place.build();
    const answered = place.answer();
    expect(answered.status, answered.err).toBe(0);
    expect(untimed(answered.out)).toBe(untimed(last.out));
    expect(answered.out).toContain('done: 0 ran, 5 fresh, in ');
    expect(answered.err).toBe(last.err);
  });

  it('counts as a use of its results', () => {
    const roots = place.path('.finn/roots');
    const root = join(roots, readdirSync(roots)[0]!);
    utimesSync(root, 1e9, 1e9);
    expect(place.answer().status).toBe(0);
    expect(statSync(root).mtimeMs).toBeGreaterThan(1.5e12);
  });

  const changes: [what: string, change: (at: Place) => Readonly<Record<string, string>> | undefined][] = [
    ['the recipe', (at) => void appendFileSync(at.path('digits.yaml'), '# a comment\n')],
    [
      'a byte of the model, and its times set back',
      (at) => {
        const path = at.path('digits.onnx');
        const { atime, mtime } = statSync(path);
        const bytes = at.bytes('digits.onnx');
        bytes[bytes.length - 1]! ^= 1;
        at.write('digits.onnx', bytes);
        utimesSync(path, atime, mtime);
        return undefined;
      },
    ],
    ['the labels', (at) => void at.write('test-labels.npy', at.bytes('test-labels.npy'))],
    ['a config that comes to be', (at) => void at.write('finn.config.yaml', 'jobs: 1\n')],
    ['the config', (at) => void at.write('finn.config.yaml', 'jobs: 2\n')],
    ['a finn.lock that comes to be', (at) => void at.finn(['lock', 'digits.yaml'])],
    ['a repository that comes to be', (at) => void mkdirSync(at.path('.git'))],
    ['a board', () => void appendFileSync(join(home, 'finn/boards/icebreaker.yaml'), '# a comment\n')],
    [
      'a report that is gone',
      (at) => void rmSync(at.path('build/digits/icebreaker/report/estimate_network_performance.json')),
    ],
    [
      'a result that was edited',
      (at) => void appendFileSync(at.path('build/digits/icebreaker/final_hw_config.json'), ' '),
    ],
    ['an object that is gone', (at) => void rmSync(fileIn(at.path('.finn/objects')))],
    ['a record that is gone', (at) => void rmSync(fileIn(at.path('.finn/steps')))],
    [
      'an object that was replaced',
      (at) => {
        const path = fileIn(at.path('.finn/objects'));
        writeFileSync(`${path}.new`, readFileSync(path));
        renameSync(`${path}.new`, path);
        return undefined;
      },
    ],
    [
      'what another left behind',
      (at) => void writeFileSync(at.path('.finn/leases/m00000000b00000000n00000000p1s1-1'), ''),
    ],
    ['another finn', () => void appendFileSync(join(home, 'finn/dist/bundle/cli.js'), '// another')],
    ['finn’s schemas', () => void appendFileSync(fileIn(join(home, 'finn/schema')), ' ')],
    ['FINN_JOBS', () => ({ FINN_JOBS: '1' })],
    ['PATH', () => ({ PATH: `/nowhere:${process.env['PATH']}` })],
    ['FINN_CACHE', (at) => ({ FINN_CACHE: at.path('elsewhere') })],
    [
      'a damaged note',
      (at) => {
        const folder = at.path('.finn/builds');
        for (const name of readdirSync(folder).filter((one) => one.startsWith('no-op-'))) {
          const path = join(folder, name);
          writeFileSync(path, readFileSync(path, 'utf8').replace('CYCLES', 'CIRCLE'));
        }
        return undefined;
      },
    ],
  ];
  it.each(changes)('is looked into because of %s', (_, change) => {
    place.settle();
    expect(place.answer().status).toBe(0);
    expect(place.answer(change(place) ?? {}).status).toBe(LOOKED);
    // Whatever is left of it is in nobody's way.
    rmSync(place.path('.finn/leases'), { recursive: true, force: true });
  });

  it('is not answered for other words, and not where something is asked for each time', () => {
    place.settle();
    const words = ['build', 'digits.yaml', '--until', 'fold', '--build', 'icebreaker'];
    expect(place.answer().status).toBe(0);
    for (const more of ['--json', '--force=lower', '--plain', '--jobs=1'])
      expect(place.answer({}, [...words, more]).status, more).toBe(LOOKED);
    for (const never of ['--json', '--force=lower']) {
      for (let i = 0; i < 3; i += 1) place.finn([...words, never]);
      expect(place.answer({}, [...words, never]).status, never).toBe(LOOKED);
    }
  });
});

const MAKES = 'run: [make-it, digits.onnx]\n      inputs: [digits.onnx]\n      output: out.onnx';

describe('programs that say their version', () => {
  let place: Place;
  beforeAll(() => {
    place = new Place(['build', 'digits.yaml', '--until', 'import', '--build', 'icebreaker', '--allow-run']);
    const lines = ['#!/bin/sh', 'case "$1" in --version) cat "$0.version";; *) cat "$1" > out.onnx;; esac'];
    mkdirSync(place.path('bin'));
    place.write('bin/make-it', `${lines.join('\n')}\n`);
    chmodSync(place.path('bin/make-it'), 0o755);
    place.write('bin/make-it.version', 'make-it 1.0\n');
    place.edit('digits.yaml', 'file: digits.onnx', MAKES);
  });
  afterAll(() => place.remove());

  it('are asked again', () => {
    const environment = { PATH: `${place.path('bin')}:${process.env['PATH']}` };
    expect(place.settle(environment).out).toContain('0 ran');
    expect(place.answer(environment).status).toBe(0);
    // The program itself stays as it was, as a wrapper does.
    place.write('bin/make-it.version', 'make-it 1.1\n');
    expect(place.answer(environment).status).toBe(LOOKED);
  });
});

describe('steps of plug-ins', () => {
  const plugin = (read: string): string => `
import { readFileSync } from 'node:fs';
import { definePlugin, step } from 'finn';
const text = {
  kind: 'artifact', name: 'text', doc: 'A text.',
  encode: (value: string) => ({ 'text.txt': new TextEncoder().encode(value) }),
  decode: (files: Record<string, Uint8Array>) => new TextDecoder().decode(files['text.txt']),
} as const;
export const plugin = definePlugin({
  name: 'reads',
  steps: [step({
    name: 'reads', doc: 'Reads a file.', per: 'network', needs: {}, makes: { text }, config: () => null,
    sources: async (_, host) => ({ notes: ${read} }),
    run: async (_, { sources, note }) => {
      note('read ' + new TextDecoder().decode(sources['notes']));
      return { text: new TextDecoder().decode(sources['notes']) };
    },
  })],
});
`;
  const placeOf = (read: string): Place => {
    const place = new Place(['build', 'digits.yaml', '--until', 'reads']);
    place.write('reads.ts', plugin(read.replace('PATH', JSON.stringify(place.path('notes.txt')))));
    place.write('notes.txt', 'one');
    place.write('finn.config.yaml', 'plugins: [reads.ts]\ntrust: { plugins: [reads.ts] }\n');
    return place;
  };

  it('say what they read by host.read', () => {
    const place = placeOf('await host.read(PATH)');
    expect(place.settle().out).toContain('0 ran, 1 fresh');
    expect(place.answer().status).toBe(0);
    place.write('notes.txt', 'two');
    expect(place.answer().status).toBe(LOOKED);
    expect(place.build().out).toContain('read two');
    place.remove();
  });

  it('are looked into each time where they read by themselves', () => {
    const place = placeOf('readFileSync(PATH)');
    expect(place.settle().out).toContain('0 ran, 1 fresh');
    expect(place.answer().status).toBe(LOOKED);
    place.write('notes.txt', 'two');
    expect(place.build().out).toContain('read two');
    place.remove();
  });
});

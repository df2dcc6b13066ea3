import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { zipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Manifest } from '../../src/commands/manifest.ts';
import { sha256 } from '../../src/util/hash.ts';
import { eventsOf, ran, Workplace } from './workplace.ts';

let work: Workplace;
let server: Server;
let answer: RequestListener;
/** Paths that were asked for. */
let asked: string[] = [];
let origin = '';
let model: Uint8Array;

beforeEach(async () => {
  work = new Workplace();
  work.addDigits();
  model = work.bytes('digits.onnx');
  asked = [];
  answer = (_, response) => void response.end(model);
  server = createServer((request, response) => {
    asked.push(request.url!);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  work.remove();
});

/** Puts another source in the place of the recipe's file. */
const source = (yaml: string): void => {
  work.edit('digits.yaml', 'file: digits.onnx', yaml.replaceAll('\n', '\n      '));
};
const build = (...args: string[]) =>
  work.start(['build', 'digits.yaml', '--build', 'icebreaker', '--until', 'fetch', ...args]);
const lockOf = (): { sources: Record<string, string>; tools: Record<string, Record<string, string>> } =>
  work.json('finn.lock');

describe('a model from a URL', () => {
  it('is fetched once, pinned in finn.lock, and then held to it', async () => {
    source(`url: ${origin}/digits.onnx`);
    const plan = await work.start(['plan', 'digits.yaml', '--build', 'icebreaker']);
    expect(plan.status).toBe(0);
    expect(plan.out).toContain(`the model is fetched from ${origin}/digits.onnx`);
    expect([asked, work.has('the-cache')]).toEqual([[], false]);

    expect(await build()).toMatchObject({ status: 0, err: '' });
    expect(asked).toEqual(['/digits.onnx']);
    expect(lockOf().sources).toEqual({ [`${origin}/digits.onnx`]: sha256(model) });
    expect(await build()).toMatchObject({ status: 0, err: '' });
    expect(asked).toHaveLength(1);

    // Elsewhere, with the lock and without the cache: what the server gives now is not what was pinned.
    const lock = work.read('finn.lock');
    const other = model.slice();
    other[other.length - 1]! ^= 1;
    answer = (_, response) => void response.end(other);
    const changed = await work.start(['build', 'digits.yaml', '--until', 'fetch', '--force', 'fetch'], undefined, {
      FINN_CACHE: work.path('another-cache'),
    });
    expect(changed.status).toBe(1);
    expect(changed.out + changed.err).toContain(`has sha256 ${sha256(other)}, not ${sha256(model)}`);
    expect(changed.out + changed.err).toContain('[model/hash]');
    expect(work.read('finn.lock')).toBe(lock);
    expect(work.has('another-cache/downloads')).toBe(false);
  });

  it('follows redirects', async () => {
    answer = (request, response) => {
      if (request.url === '/moved.onnx') response.writeHead(302, { location: '/here/digits.onnx' }).end();
      else response.end(model);
    };
    source(`url: ${origin}/moved.onnx\nsha256: ${sha256(model)}`);
    expect(await build()).toMatchObject({ status: 0, err: '' });
    expect(asked).toEqual(['/moved.onnx', '/here/digits.onnx']);
  });

  it('must have the hash that the recipe gives', async () => {
    source(`url: ${origin}/digits.onnx\nsha256: ${'f'.repeat(64)}`);
    const { status, out, err } = await build();
    expect(status).toBe(1);
    expect(out + err).toMatch(
      new RegExp(`digits\\.yaml:\\d+:\\d+: error: http:.* has sha256 ${sha256(model)}, not ffff`),
    );
    expect(work.has('the-cache/objects')).toBe(false);
    expect(work.has('finn.lock')).toBe(false);
  });

  it('that is not there, breaks off, or is too large says so and leaves nothing', async () => {
    source(`url: ${origin}/digits.onnx`);
    const failing: readonly (readonly [RequestListener, RegExp])[] = [
      [(_, response) => void response.writeHead(404).end(), /answers 404 Not Found/],
      [
        (_, response) => void response.writeHead(200, { 'content-length': '3000000000' }).write(model),
        /has more than 2 GB/,
      ],
      [
        (_, response) => {
          response.writeHead(200, { 'content-length': String(model.length) });
          response.write(model.subarray(0, 1000));
          setTimeout(() => response.destroy(), 50);
        },
        /broke off after \d+ bytes/,
      ],
      [(request) => void request.socket.destroy(), /cannot fetch http/],
    ];
    for (const [one, words] of failing) {
      answer = one;
      const { status, out, err } = await build();
      expect(status).toBe(1);
      expect(out + err).toMatch(words);
      expect(out + err).toContain('[model/fetch]');
      expect([work.has('the-cache/downloads'), work.has('the-cache/objects'), work.has('finn.lock')]).toEqual([
        false,
        false,
        false,
      ]);
    }
  });

  it('may be a member of a zip archive', async () => {
    const archive = zipSync({ 'nets/digits.onnx': model, 'nets/other.onnx': Uint8Array.of(1, 2, 3) });
    answer = (_, response) => void response.end(archive);
    source(`url: ${origin}/nets.zip\nmember: nets/digits.onnx\nsha256: ${sha256(archive)}`);
    expect(await build()).toMatchObject({ status: 0, err: '' });
    // build.json tells of the archive as it was fetched, and of what was in it.
    const { model: from, inputs } = work.json<Pick<Manifest, 'model' | 'inputs'>>('build/digits/icebreaker/build.json');
    expect(from).toEqual({ url: `${origin}/nets.zip`, member: 'nets/digits.onnx', sha256: sha256(archive) });
    expect(inputs['fetch/model.onnx']).toBe(sha256(model));
    work.edit('digits.yaml', 'member: nets/digits.onnx', 'member: digits.onnx');
    expect(await build()).toMatchObject({ status: 0, err: '' });
    work.edit('digits.yaml', 'member: digits.onnx', 'member: digit.onnx');
    const missing = await build();
    expect(missing.status).toBe(1);
    expect(missing.out + missing.err).toContain("has no member 'digit.onnx'");
    expect(missing.out + missing.err).toContain('it has nets/digits.onnx, nets/other.onnx');
    expect(asked).toHaveLength(1);
  });

  it('whose archive is none is refused', async () => {
    source(`url: ${origin}/digits.onnx\nmember: digits.onnx`);
    const { status, out, err } = await build();
    expect(status).toBe(1);
    expect(out + err).toContain('is no archive that finn can read');
    expect(out + err).toContain('[model/archive]');
  });

  it('is found in a mirror by its content, whatever its name, also in a plan', async () => {
    source(`url: ${origin}/digits.onnx\nsha256: ${sha256(model).toUpperCase()}`);
    mkdirSync(work.path('mirror/deep'), { recursive: true });
    work.write('mirror/readme.txt', 'what lies here');
    work.write('mirror/deep/anything', model);
    work.write('finn.config.yaml', 'mirrors: [mirror]\n');
    const plan = JSON.parse((await work.start(['plan', 'digits.yaml', '--build', 'icebreaker', '--json'])).out);
    expect(plan.steps.filter(({ step }: { step: string }) => step === 'codegen')).toHaveLength(4);
    expect(work.has('the-cache')).toBe(false);
    expect(await build()).toMatchObject({ status: 0, err: '' });
    expect(asked).toEqual([]);
    // The index of the mirror is no promise: a file that changed is read again.
    work.write('mirror/deep/anything', 'something else');
    work.write('mirror/elsewhere', model);
    expect(await build('--force', 'fetch')).toMatchObject({ status: 0, err: '' });
    expect(asked).toEqual([]);
    expect(Object.keys(work.json('the-cache/mirrors.json'))).toHaveLength(3);
  });
});

describe('--locked', () => {
  it('refuses without a lock, and what the lock does not have, before anything runs', async () => {
    source(`url: ${origin}/digits.onnx`);
    const missing = await build('--locked');
    expect([missing.status, asked]).toEqual([2, []]);
    expect(missing.err).toContain('there is no finn.lock');

    work.write('finn.lock', JSON.stringify({ lock: 1, sources: {}, tools: {} }));
    const unpinned = await build('--locked');
    expect([unpinned.status, asked]).toEqual([2, []]);
    expect(unpinned.err).toContain(`finn.lock has no sha256 of what \`${origin}/digits.onnx\` gives`);

    expect((await work.start(['lock', 'digits.yaml'])).status).toBe(0);
    expect(await build('--locked')).toMatchObject({ status: 0, err: '' });
    const good = work.read('finn.lock');

    const { tools } = lockOf();
    expect(Object.keys(tools)).toEqual(expect.arrayContaining(['clang', 'icepack', 'nextpnr-ice40', 'yosys']));
    const here = tools['yosys']!['npm']!;
    work.edit('finn.lock', `"npm": "${here}"`, '"npm": "0.1"');
    const drifted = await work.start(['build', 'digits.yaml', '--locked']);
    expect(drifted.status).toBe(2);
    expect(drifted.err).toContain(`error: yosys is npm ${here} here; finn.lock has npm 0.1 [lock/drift]`);
    expect(work.has('build/digits/icebreaker/bitfile')).toBe(false);

    work.write('finn.lock', good.replace(sha256(model), 'f'.repeat(64)));
    const changed = await build('--locked', '--force', 'fetch');
    expect(changed.status).toBe(1);
    expect(changed.out + changed.err).toContain('[model/hash]');
    work.write('finn.lock', 'lock: 1');
    expect((await build()).err).toContain('[lock/malformed]');
  });
});

describe('a model that a program makes', () => {
  const make =
    'import { copyFileSync } from "node:fs"; // 1\nif (process.argv[2] === "model.onnx") copyFileSync("digits.onnx", "model.onnx");\n';
  beforeEach(() => {
    source('run: [node, make.mjs, model.onnx]\ninputs: [make.mjs, digits.onnx]\noutput: model.onnx');
    work.write('make.mjs', make);
  });

  it('is not made without trust: exit status 2, and the command by name', async () => {
    for (const command of ['build', 'lock']) {
      const { status, out, err } = await work.start([command, 'digits.yaml']);
      expect([status, out]).toEqual([2, '']);
      expect(err).toMatch(/^digits\.yaml:\d+:\d+: error: digits\.yaml wants to run `node make\.mjs model\.onnx`/m);
      expect(err).toContain('--allow-run');
    }
    expect(work.has('the-cache')).toBe(false);
  });

  it('is made with --allow-run or trust, once for the same inputs, and pinned', async () => {
    const run = async (...args: string[]) => {
      const ended = await build('--until', 'import', '--json', ...args);
      expect({ status: ended.status, err: ended.err }).toEqual({ status: 0, err: '' });
      return ran(eventsOf(ended.out));
    };
    expect(await run('--allow-run')).toEqual(['run-model', 'import']);
    expect(lockOf().sources).toEqual({ 'node make.mjs model.onnx → model.onnx': sha256(model) });
    work.write('finn.config.yaml', 'trust: { run: [digits.yaml] }\n');
    expect(await run()).toEqual([]);
    // Another text of an input, and the same model: nothing but the program runs again.
    work.edit('make.mjs', '// 1', '// 2');
    expect(await run()).toEqual(['run-model']);
  });

  it('takes inputs from the folder of the recipe', async () => {
    const outside = work.path('../finn-e2e-outside.txt');
    writeFileSync(outside, 'data');
    try {
      work.edit('digits.yaml', 'inputs: [make.mjs', 'inputs: [../finn-e2e-outside.txt, make.mjs');
      const { status, out, err } = await build('--until', 'import', '--allow-run');
      expect([status, out]).toEqual([2, '']);
      expect(err).toContain('`networks.digits.model.inputs.0`: ../finn-e2e-outside.txt lies outside of the project');
      expect(err).toContain('[recipe/outside]');
    } finally {
      rmSync(outside);
    }
  });

  it('that is not there afterwards, or is another one than is pinned, is an error', async () => {
    work.edit('digits.yaml', 'output: model.onnx', 'output: another.onnx');
    const missing = await build('--until', 'import', '--allow-run');
    expect(missing.status).toBe(1);
    expect(missing.out + missing.err).toContain('another.onnx');
    expect(missing.out + missing.err).toContain('[tool/output]');

    work.edit('digits.yaml', 'output: another.onnx', `output: model.onnx\n      sha256: ${'d'.repeat(64)}`);
    const other = await build('--until', 'import', '--allow-run');
    expect(other.status).toBe(1);
    expect(other.out + other.err).toContain(`made a model with sha256 ${sha256(model)}, not dddd`);
    work.edit('digits.yaml', `\n      sha256: ${'d'.repeat(64)}`, '');

    expect((await work.start(['lock', 'digits.yaml', '--allow-run'])).status).toBe(0);
    work.write('finn.lock', work.read('finn.lock').replace(sha256(model), '2'.repeat(64)));
    const drifted = await build('--until', 'import', '--allow-run', '--locked');
    expect(drifted.status).toBe(2);
    expect(drifted.err).toContain(
      `\`node make.mjs model.onnx → model.onnx\` gives sha256 ${sha256(model)}; finn.lock has 2222`,
    );
  });
});

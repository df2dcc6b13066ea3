import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readTree } from '../../test/helpers/read-tree.ts';
import {
  hashTree,
  linkTree,
  listTree,
  readIfThere,
  sizeIfThere,
  staysBelow,
  writeAtomically,
  writeTree,
} from './files.ts';
import { canonicalJson, hashJson, sha256 } from './hash.ts';
import { tryLock, waitForLock } from './lock.ts';
import { ceilDiv, clamp, divisors, gcd, lcm, log2Ceil, product, sum } from './maths.ts';
import { copyAtomically, mirrorTree } from './mirror.ts';
import { Pool } from './pool.ts';
import { myMark } from './process-mark.ts';
import { random } from './random.ts';
import { topologicalOrder } from './topo.ts';
import { writer } from './writer.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'finn-util-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('maths', () => {
  it('agrees with the definitions', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 300 }), (a, b) => {
        expect(ceilDiv(a, b)).toBe(Math.ceil(a / b));
        expect(divisors(a)).toEqual(Array.from({ length: a }, (_, i) => i + 1).filter((d) => a % d === 0));
        expect((a % gcd(a, b)) + (b % gcd(a, b))).toBe(0);
        expect(gcd(a / gcd(a, b), b / gcd(a, b))).toBe(1);
        expect(lcm(a, b) * gcd(a, b)).toBe(a * b);
        expect(2 ** log2Ceil(a) >= a && (a === 1 || 2 ** (log2Ceil(a) - 1) < a)).toBe(true);
      }),
    );
    expect([log2Ceil(1), log2Ceil(2), log2Ceil(2 ** 53)]).toEqual([0, 1, 53]);
    expect([
      product([]),
      product([2, 3, 4]),
      sum([]),
      sum([1, 2]),
      gcd(0, -6),
      clamp(9, 1, 5),
      clamp(-9, 1, 5),
    ]).toEqual([1, 24, 0, 3, 6, 5, 1]);
  });
});

describe('hash', () => {
  it('is SHA-256 (FIPS 180-2, appendix B.1)', () => {
    expect(sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(sha256(new Uint8Array([97, 98, 99]))).toBe(sha256('abc'));
  });
  it('of JSON does not depend on the order of keys, and on all else it does', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: true, gone: undefined })).toBe(
      '{"a":true,"b":[1,{"c":"x","d":null}]}',
    );
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
        expect(hashJson(JSON.parse(JSON.stringify(value)))).toBe(hashJson(value));
      }),
    );
  });
  it.each([
    [Number.NaN, '$ is NaN'],
    [{ a: { b: [Infinity] } }, '$.a.b[0] is Infinity'],
    [{ a: new Map() }, '$.a is a Map'],
    [[new Uint8Array(2)], '$[0] is a Uint8Array'],
    [{ a: 1n }, '$.a is a bigint'],
    [() => 1, '$ is a function'],
  ])('of %s is refused', (value, message) => {
    expect(() => canonicalJson(value)).toThrow(message);
  });
});

describe('random', () => {
  it('gives the same sequence for the same seed, another for another', () => {
    const draw = (seed: number | string) => Array.from({ length: 20 }, random(seed).uint32);
    expect(draw(7)).toEqual(draw(7));
    expect(draw('layer')).toEqual(draw('layer'));
    expect(draw(7)).not.toEqual(draw(8));
    expect(draw('a')).not.toEqual(draw('b'));
  });
  it('is evenly spread and within its bounds', () => {
    const numbers = random(1);
    const counts = new Array<number>(6).fill(0);
    for (let i = 0; i < 60_000; i += 1) counts[numbers.int(-2, 3) + 2]! += 1;
    // Six sigma of a binomial distribution with n = 60000, p = 1/6 is 548.
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(548);
    for (let i = 0; i < 1000; i += 1) {
      const x = numbers.float();
      expect(x >= 0 && x < 1).toBe(true);
      expect(Number.isSafeInteger(numbers.int(0, 2 ** 52))).toBe(true);
    }
    expect(() => numbers.int(2, 1)).toThrow(RangeError);
  });
  it('shuffles into permutations, and leaves the list alone', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.nat(), (list, seed) => {
        const copy = [...list];
        const shuffled = random(seed).shuffle(list);
        expect(list).toEqual(copy);
        expect(shuffled.toSorted((a, b) => a - b)).toEqual(list.toSorted((a, b) => a - b));
      }),
    );
  });
});

describe('files', () => {
  const files = { 'a.txt': Buffer.from('a'), 'b/c/d.bin': Buffer.from([0, 255]), 'b/e': Buffer.from('') };
  it('trees are written and read back', () => {
    writeTree(folder, files);
    expect(listTree(folder)).toEqual(['a.txt', 'b/c/d.bin', 'b/e']);
    expect(readTree(folder)).toEqual(files);
    expect(listTree(join(folder, 'none'))).toEqual([]);
    expect(sizeIfThere(join(folder, 'b/c/d.bin'))).toBe(2);
    expect(sizeIfThere(join(folder, 'b'))).toBeUndefined();
    expect(readIfThere(join(folder, 'a.txt/under'))).toBeUndefined();
  });
  it('a file with the same contents keeps its time', () => {
    writeTree(folder, files);
    const before = statSync(join(folder, 'a.txt'), { bigint: true });
    writeTree(folder, files);
    expect(statSync(join(folder, 'a.txt'), { bigint: true }).ino).toBe(before.ino);
  });
  it('a mirror has nothing else in it', async () => {
    writeTree(folder, files);
    await mirrorTree(folder, ['b/e'], async (_, target) => writeAtomically(target, 'new'));
    expect(listTree(folder)).toEqual(['b/e']);
    expect(existsSync(join(folder, 'b/c'))).toBe(false);
  });
  it('paths that leave the folder are refused', () => {
    for (const path of ['../x', 'a/../../x', '/x', '', 'a//b', './a', 'a\\b', 'a\0']) {
      expect(staysBelow(path)).toBe(false);
      expect(() => writeTree(folder, { [path]: 'x' })).toThrow(RangeError);
    }
    expect(['a', 'a/b.c', '..a', 'a...'].every(staysBelow)).toBe(true);
  });
  it('copies and links are equal', async () => {
    writeTree(join(folder, 'from'), files);
    const copy = (path: string) => copyAtomically(join(folder, 'from', path), join(folder, 'copy', path));
    await mirrorTree(join(folder, 'copy'), Object.keys(files), copy);
    const before = statSync(join(folder, 'copy/a.txt'), { bigint: true });
    await mirrorTree(join(folder, 'copy'), Object.keys(files), copy);
    expect(statSync(join(folder, 'copy/a.txt'), { bigint: true }).ino).toBe(before.ino);
    linkTree(join(folder, 'from'), join(folder, 'link'));
    linkTree(join(folder, 'from'), join(folder, 'link'));
    expect(readTree(join(folder, 'copy'))).toEqual(files);
    expect(readTree(join(folder, 'link'))).toEqual(files);
    writeFileSync(join(folder, 'copy/a.txt'), 'changed');
    expect(readFileSync(join(folder, 'from/a.txt'), 'utf8')).toBe('a');
  });
  it('the hash of a tree sees contents and names', () => {
    writeTree(join(folder, '1'), files);
    writeTree(join(folder, '2'), files);
    expect(hashTree(join(folder, '1'))).toBe(hashTree(join(folder, '2')));
    writeFileSync(join(folder, '2/a.txt'), 'b');
    expect(hashTree(join(folder, '1'))).not.toBe(hashTree(join(folder, '2')));
    const keep = (path: string): boolean => path !== 'a.txt';
    expect(hashTree(join(folder, '1'), keep)).toBe(hashTree(join(folder, '2'), keep));
  });
  it('a failed write leaves the old contents and no other file', () => {
    mkdirSync(join(folder, 'taken'));
    expect(() => writeAtomically(join(folder, 'taken'), 'x')).toThrow();
    expect(listTree(folder)).toEqual([]);
    expect(statSync(join(folder, 'taken')).isDirectory()).toBe(true);
  });
  it('links to folders are not followed', () => {
    writeTree(folder, files);
    symlinkSync(folder, join(folder, 'b/loop'));
    expect(listTree(folder)).toEqual(['a.txt', 'b/c/d.bin', 'b/e']);
  });
});

describe('folders that several processes write', () => {
  it('keep what another is writing, and lose what one that is gone left', async () => {
    const gone = myMark().replace(/p\d+/, `p${spawnSync('true').pid}`);
    const elsewhere = myMark().replace(/^m\w{8}/, 'm00000000');
    for (const mark of [gone, myMark(), elsewhere]) writeAtomically(join(folder, 'sub', `x.${mark}-1.tmp`), 'half');
    await mirrorTree(folder, ['a/b'], async (_, target) => writeAtomically(target, 'b'));
    expect(listTree(folder)).toEqual(['a/b', ...[elsewhere, myMark()].map((mark) => `sub/x.${mark}-1.tmp`)].sort());
  });
});

describe('lock', () => {
  it('is held once, and again after release', () => {
    const path = join(folder, 'deep', 'lock');
    const first = tryLock(path);
    const second = tryLock(path);
    expect([first.held, second.held]).toEqual([true, false]);
    expect(second).toMatchObject({ by: myMark() });
    if (first.held) first.release();
    expect(tryLock(path).held).toBe(true);
  });
  it('of a process that is gone is broken', () => {
    const path = join(folder, 'lock');
    const { pid } = spawnSync('true');
    writeFileSync(path, myMark().replace(/p\d+/, `p${pid}`));
    expect(tryLock(path).held).toBe(true);
  });
  it('of another process that has got the same id is broken', () => {
    const path = join(folder, 'lock');
    writeFileSync(path, myMark().replace(/s\d*$/, 's1'));
    expect(tryLock(path).held).toBe(existsSync('/proc/self/stat'));
  });
  it('of another machine is left alone, and one of this machine before it was started anew is not', () => {
    const path = join(folder, 'lock');
    const other = myMark().replace(/^m\w{8}/, 'm00000000');
    writeFileSync(path, other);
    expect(tryLock(path)).toEqual({ held: false, by: other });
    writeFileSync(path, myMark().replace(/b\w{8}/, 'b00000000'));
    expect(tryLock(path).held).toBe(true);
  });
  it('that is being written is left alone, and one that was never written is broken, whatever the clock says', () => {
    const path = join(folder, 'lock');
    writeFileSync(path, '');
    expect(tryLock(path)).toEqual({ held: false, by: undefined });
    utimesSync(path, new Date(), new Date(Date.now() + 3_600_000));
    expect(tryLock(path).held).toBe(true);
  });
  it('is not released by one who does not hold it any more', () => {
    const path = join(folder, 'lock');
    const first = tryLock(path);
    const other = myMark().replace(/^m\w{8}/, 'm00000000');
    writeFileSync(path, other);
    if (first.held) first.release();
    expect(readFileSync(path, 'utf8')).toBe(other);
  });
  it('is waited for, one after the other, and given up when the signal aborts', async () => {
    const path = join(folder, 'lock');
    let inside = 0;
    const most: number[] = [];
    await Promise.all(
      Array.from({ length: 5 }, async () => {
        const release = await waitForLock(path);
        inside += 1;
        most.push(inside);
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
        release();
      }),
    );
    expect(most).toEqual([1, 1, 1, 1, 1]);
    const release = await waitForLock(path);
    const controller = new AbortController();
    const waiting = waitForLock(path, controller.signal);
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    release();
    expect(existsSync(path)).toBe(false);
  });
  it('of another machine counts as long as it is touched, whatever the clocks say', async () => {
    const path = join(folder, 'lock');
    writeFileSync(path, myMark().replace(/^m\w{8}/, 'm00000000'));
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] });
    try {
      let held = false;
      const waiting = waitForLock(path).then((release) => {
        held = true;
        return release;
      });
      for (const clock of [1, 1e9, 5]) {
        utimesSync(path, clock, clock);
        await vi.advanceTimersByTimeAsync(290_000);
        expect(held).toBe(false);
      }
      await vi.advanceTimersByTimeAsync(30_000);
      expect(held).toBe(true);
      expect(readFileSync(path, 'utf8')).toBe(myMark());
      // Held, it is touched for others to see.
      utimesSync(path, 1, 1);
      await vi.advanceTimersByTimeAsync(40_000);
      expect(statSync(path).mtimeMs).toBeGreaterThan(1e9);
      (await waiting)();
      expect(existsSync(path)).toBe(false);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a place where no folder can be made', () => {
  // Node's own recursive mkdir never returns there.
  it.runIf(process.platform === 'linux')('is refused', () => {
    expect(() => writeAtomically('/proc/finn/a/b', 'x')).toThrow('ENOENT');
    expect(() => writeTree('/proc/finn', { 'a/b': 'x' })).toThrow('ENOENT');
    expect(() => tryLock('/proc/finn/lock')).toThrow('ENOENT');
  });
});

describe('pool', () => {
  it('never exceeds its capacity, runs all, and keeps the order of coming', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ threads: fc.integer({ min: 1, max: 6 }), memory: fc.integer({ min: 0, max: 150 }) })),
        async (costs) => {
          const capacity = { threads: 4, memory: 100 };
          const work = new Pool(capacity);
          const now = { threads: 0, memory: 0 };
          const begun: number[] = [];
          await Promise.all(
            costs.map((cost, i) =>
              work.run(cost, async () => {
                begun.push(i);
                now.threads += Math.min(4, cost.threads);
                now.memory += Math.min(100, cost.memory);
                expect(now.threads <= 4 && now.memory <= 100).toBe(true);
                await Promise.resolve();
                now.threads -= Math.min(4, cost.threads);
                now.memory -= Math.min(100, cost.memory);
              }),
            ),
          );
          expect(begun).toEqual(costs.map((_, i) => i));
        },
      ),
    );
  });
  it('goes on after a task that fails, and lets those that wait be aborted', async () => {
    const work = new Pool({ threads: 1, memory: 1 });
    const one = { threads: 1, memory: 0 };
    await expect(work.run(one, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const holding = work.run(one, () => gate);
    const abort = new AbortController();
    const waiting = work.run(one, async () => 'never', { signal: abort.signal });
    const next = work.run(one, async () => 'next');
    abort.abort(new Error('aborted'));
    await expect(waiting).rejects.toThrow('aborted');
    await expect(work.run(one, async () => 'never', { signal: abort.signal })).rejects.toThrow('aborted');
    release();
    await holding;
    expect(await next).toBe('next');
  });
  it('lets the highest rank go first, and sends all away when it closes', async () => {
    const work = new Pool({ threads: 1, memory: 1 });
    const one = { threads: 1, memory: 0 };
    const begun: number[] = [];
    await Promise.all([1, 3, 2, 3].map((rank, i) => work.run(one, async () => void begun.push(i), { rank })));
    expect(begun).toEqual([1, 3, 2, 0]);
    let release = (): void => {};
    const holding = work.run(
      one,
      () =>
        new Promise<void>((resolve) => {
          release = resolve;
        }),
    );
    await new Promise(setImmediate);
    const waiting = work.run(one, async () => 'never');
    work.close('closed');
    await expect(waiting).rejects.toBe('closed');
    await expect(work.run(one, async () => 'never')).rejects.toBe('closed');
    release();
    await holding;
  });
});

describe('topological order', () => {
  it('puts each after what it reads', () => {
    const edges = fc.array(fc.tuple(fc.nat(30), fc.nat(30)));
    fc.assert(
      fc.property(edges, (pairs) => {
        const reads = (node: number): number[] => pairs.filter(([a, b]) => a === node && b < a).map(([, b]) => b);
        const { order } = topologicalOrder([30, 17, 3], reads);
        for (const node of order ?? [])
          for (const b of reads(node)) expect(order?.indexOf(b)).toBeLessThan(order!.indexOf(node));
        expect(new Set(order).size).toBe(order?.length);
        expect([30, 17, 3].every((node) => order?.includes(node))).toBe(true);
      }),
    );
  });
  it('names a circle', () => {
    const reads: Record<string, string[]> = { a: ['b'], b: ['c', 'd'], c: [], d: ['b'] };
    expect(topologicalOrder(['a'], (node) => reads[node] ?? []).cycle).toEqual(['b', 'd', 'b']);
  });
  it('bears deep graphs', () => {
    expect(topologicalOrder([100_000], (n) => (n > 0 ? [n - 1] : [])).order?.length).toBe(100_001);
  });
});

it('the writer indents', () => {
  const text = writer()
    .line('module m;')
    .block('begin', 'end', () => {})
    .line();
  text.block('if (x) begin', 'end', () => text.lines(['a;', 'b;\nc;', '']));
  expect(String(text)).toBe('module m;\nbegin\nend\n\nif (x) begin\n  a;\n  b;\n  c;\n\nend\n');
});

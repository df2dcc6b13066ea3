import { randomFillSync } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { type Zippable, zipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { FinnError } from '../../src/diagnostics/diagnostic.ts';
import { archiveLimits, type Limits } from '../../src/steps/archive/entry.ts';
import { memberOf } from '../../src/steps/archive/member.ts';
import { paxRecord, type TarMember, tar } from '../helpers/tar.ts';

const at = { in: 'file', path: 'r.yaml', start: 0, end: 0 } as const;
const model = new Uint8Array(randomFillSync(Buffer.alloc(3000)));
const other = Uint8Array.of(1, 2, 3);

const take = (archive: Uint8Array, member: string, limits: Partial<Limits> = {}): Promise<Uint8Array> =>
  memberOf(archive, member, 'nets', at, { ...archiveLimits, ...limits });

/** What is said, where nothing is given. */
async function said(archive: Uint8Array, member: string, limits: Partial<Limits> = {}): Promise<string> {
  try {
    await take(archive, member, limits);
  } catch (cause) {
    if (!(cause instanceof FinnError)) throw cause;
    return cause.diagnostics.map(({ code, message, hint }) => [code, message, hint].join(' | ')).join('\n');
  }
  return 'nothing';
}

const zip = (files: Zippable): Uint8Array => zipSync(files);
/** Both kinds of tar archive, and the zip, of the same honest files. */
const allKinds = (files: Readonly<Record<string, Uint8Array>>): readonly (readonly [string, Uint8Array])[] => {
  const plain = tar(Object.entries(files).map(([name, data]) => ({ name, data })));
  return [
    ['zip', zip(files)],
    ['tar', plain],
    ['tar.gz', new Uint8Array(gzipSync(plain))],
  ];
};

describe.each(
  allKinds({ 'nets/a/model.onnx': model, './nets/other.onnx': other, 'nets/empty.onnx': new Uint8Array() }),
)('a %s', (_, archive) => {
  test('gives a member by its path, or by its name alone', async () => {
    expect(await take(archive, 'nets/a/model.onnx')).toEqual(model);
    expect(await take(archive, './nets/a/model.onnx')).toEqual(model);
    expect(await take(archive, 'model.onnx')).toEqual(model);
    expect(await take(archive, 'other.onnx')).toEqual(other);
    expect(await take(archive, 'empty.onnx')).toHaveLength(0);
  });

  test('says what it has where the member is not in it', async () => {
    expect(await said(archive, 'modell.onnx')).toMatch(
      /^model\/member \| nets has no member 'modell\.onnx' \| it has nets\/a\/model\.onnx, nets\/other\.onnx, nets\/empty\.onnx$/,
    );
  });

  test('that is cut off anywhere gives the right bytes or an error', async () => {
    for (let length = 0; length < archive.length; length += 97) {
      const cut = archive.subarray(0, length);
      const found = await take(cut, 'nets/a/model.onnx').catch((cause: unknown) => cause);
      if (found instanceof Uint8Array) expect(found).toEqual(model);
      else expect(found).toBeInstanceOf(FinnError);
    }
  });

  test('with any byte changed gives the right bytes or an error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(archive.length - 1), fc.integer({ min: 1, max: 255 }), async (place, mask) => {
        const changed = archive.slice();
        changed[place]! ^= mask;
        const found = await take(changed, 'nets/a/model.onnx').catch((cause: unknown) => cause);
        // A tar archive has no checksum of its contents: that is what `sha256` of the recipe is for.
        if (found instanceof Uint8Array) expect(found.length).toBe(model.length);
        else expect(found).toBeInstanceOf(FinnError);
      }),
      { numRuns: 300 },
    );
  });

  test('bounds what it takes', async () => {
    expect(await said(archive, 'model.onnx', { member: 2999 })).toContain(
      "nets has 3000 bytes in 'nets/a/model.onnx'; finn takes 2999 at most",
    );
    expect(await said(archive, 'model.onnx', { entries: 2 })).toMatch(
      /model\/archive \| nets has (3|more than 2) members/,
    );
  });
});

describe('names', () => {
  test.each(allKinds({ 'a/m.onnx': model, 'b/m.onnx': other }))(
    'that are ambiguous are refused: %s',
    async (_, archive) => {
      expect(await said(archive, 'm.onnx')).toBe(
        "model/member | nets has 2 members called 'm.onnx' | write one with its path: a/m.onnx, b/m.onnx",
      );
      expect(await take(archive, 'b/m.onnx')).toEqual(other);
    },
  );

  test('that leave the archive are not to be had', async () => {
    for (const [, archive] of allKinds({
      '../../m.onnx': model,
      '/etc/n.onnx': model,
      'x/../o.onnx': model,
      'c:\\p.onnx': model,
    }))
      for (const name of ['../../m.onnx', 'm.onnx', '/etc/n.onnx', 'n.onnx', 'x/../o.onnx', 'o.onnx'])
        expect(await said(archive, name)).toContain(`model/member | nets has no member '${name}'`);
  });

  test('that stand twice are refused', async () => {
    const twice = tar([
      { name: 'm.onnx', data: model },
      { name: './m.onnx', data: other },
    ]);
    for (const archive of [
      twice,
      new Uint8Array(gzipSync(twice)),
      renamed(zip({ 'm.onnx': model, 'n.onnx': other }), 'n.onnx', 'm.onnx'),
    ])
      expect(await said(archive, 'm.onnx')).toBe(
        "model/member | nets has 2 members of the name 'm.onnx' | pack it again: which of them is meant cannot be said",
      );
  });

  test('may be long, as pax and GNU write them', async () => {
    const long = `${'folder/'.repeat(30)}m.onnx`;
    const pax: TarMember[] = [
      { name: 'PaxHeaders/m', type: 'x', data: paxRecord('path', long) },
      { name: 'short', data: model },
    ];
    const gnu: TarMember[] = [
      { name: '././@LongLink', type: 'L', data: new TextEncoder().encode(`${long}\0`) },
      { name: long, data: model },
    ];
    for (const members of [pax, gnu]) expect(await take(tar(members), long)).toEqual(model);
  });
});

/** An archive whose texts of one name, in headers, are those of another of the same length. */
function renamed(archive: Uint8Array, from: string, to: string): Uint8Array {
  return new Uint8Array(Buffer.from(Buffer.from(archive).toString('latin1').replaceAll(from, to), 'latin1'));
}

describe('members that are no files', () => {
  test('a link is not followed', async () => {
    for (const type of ['1', '2']) {
      const archive = tar([{ name: 'm.onnx', type, link: '/etc/passwd' }]);
      expect(await said(archive, 'm.onnx')).toContain("'m.onnx' of nets is a link, not a file");
    }
    const linked = zipSync({ 'm.onnx': [new TextEncoder().encode('/etc/passwd'), { os: 3, attrs: 0o120777 << 16 }] });
    expect(await said(linked, 'm.onnx')).toContain("'m.onnx' of nets is a link, not a file");
  });

  test('devices and folders are none', async () => {
    expect(await said(tar([{ name: 'm.onnx', type: '3' }]), 'm.onnx')).toContain('is a special file, not a file');
    expect(await said(tar([{ name: 'm.onnx/', type: '5' }]), 'm.onnx')).toContain("has no member 'm.onnx'");
    expect(await said(zip({ 'm.onnx': { x: other } }), 'm.onnx')).toContain("has no member 'm.onnx'");
  });
});

describe('zip archives that lie', () => {
  const zeros = new Uint8Array(1_000_000);
  /** Offsets of the central header and the local header of the one member. */
  const headers = (archive: Uint8Array): readonly number[] => {
    const text = Buffer.from(archive);
    return [text.indexOf('PK\x01\x02', 0, 'latin1'), text.indexOf('PK\x03\x04', 0, 'latin1')];
  };
  const changed = (
    archive: Uint8Array,
    change: (view: DataView, central: number, local: number) => void,
  ): Uint8Array => {
    const copy = archive.slice();
    const [central, local] = headers(copy) as [number, number];
    change(new DataView(copy.buffer), central, local);
    return copy;
  };

  test('unpack to no more than they declare', async () => {
    const bomb = changed(zip({ 'm.onnx': zeros }), (view, central) => view.setUint32(central + 24, 1000, true));
    expect(await said(bomb, 'm.onnx')).toContain("says that 'm.onnx' has 1000 bytes, but it unpacks to more");
    const less = changed(zip({ 'm.onnx': zeros }), (view, central) => view.setUint32(central + 24, 2_000_000, true));
    expect(await said(less, 'm.onnx')).toContain("says that 'm.onnx' has 2000000 bytes, but there are 1000000");
    const huge = changed(zip({ 'm.onnx': zeros }), (view, central) => view.setUint32(central + 24, 0xfffffff0, true));
    expect(await said(huge, 'm.onnx')).toContain('finn takes 2147483648 at most');
  });

  test('may not point anywhere', async () => {
    const wrong: readonly [(view: DataView, central: number, local: number) => void, string][] = [
      [(view, central) => view.setUint32(central + 42, 0xfffffffe, true), 'is not where its list of members says'],
      [(view, central) => view.setUint32(central + 42, 5, true), 'is not where its list of members says'],
      // Into the list of members: overlapping bombs do so.
      [(view, central) => view.setUint32(central + 20, 0x7fffffff, true), "is cut off in 'm.onnx'"],
      [(view, _, local) => view.setUint16(local + 28, 0xffff, true), "is cut off in 'm.onnx'"],
      [(view, central) => view.setUint16(central + 28, 0xffff, true), 'its list of members ends after 0 of 1'],
      [(view, central) => view.setUint32(central + 16, 7, true), "the CRC of 'm.onnx' is not what it should be"],
    ];
    for (const [change, words] of wrong)
      expect(await said(changed(zip({ 'm.onnx': model }), change), 'm.onnx')).toContain(words);
  });

  test('may not be encrypted or packed by other methods', async () => {
    const locked = changed(zip({ 'm.onnx': model }), (view, central) => view.setUint16(central + 8, 1, true));
    expect(await said(locked, 'm.onnx')).toContain("model/archive | nets has its member 'm.onnx' encrypted");
    const lzma = changed(zip({ 'm.onnx': model }), (view, central) => view.setUint16(central + 10, 14, true));
    expect(await said(lzma, 'm.onnx')).toContain('packed by method 14');
  });

  test('may not claim more members than they have, or than anybody needs', async () => {
    const archive = zip({ 'm.onnx': model });
    const many = archive.slice();
    new DataView(many.buffer).setUint16(many.length - 12, 60_000, true);
    expect(await said(many, 'm.onnx')).toContain('its list of members ends after 1 of 60000');
    expect(await said(many, 'm.onnx', { entries: 50_000 })).toContain('has 60000 members; finn takes 50000 at most');
  });

  test('an archive in an archive is the inner archive, not what is in it', async () => {
    const inner = zip({ 'm.onnx': model });
    expect(await take(zip({ 'inner.zip': inner }), 'inner.zip')).toEqual(inner);
    expect(await said(zip({ 'inner.zip': inner }), 'm.onnx')).toContain("has no member 'm.onnx'");
  });
});

describe('tar archives that lie', () => {
  test('a member larger than the archive is cut off, and no memory is taken for it', async () => {
    for (const size of [2 ** 30, 5000]) {
      const archive = tar([{ name: 'm.onnx', data: model, size }]);
      expect(await said(archive, 'm.onnx')).toMatch(/nets is cut off: \d+ bytes are missing at its end/);
    }
    expect(await said(tar([{ name: 'm.onnx', data: model, size: 2 ** 32 }]), 'm.onnx')).toContain('at most');
  });

  test('what unpacks without end is given up', async () => {
    const bomb = new Uint8Array(
      gzipSync(
        tar([
          { name: 'zeros', data: new Uint8Array(20_000_000) },
          { name: 'm.onnx', data: model },
        ]),
      ),
    );
    expect(bomb.length).toBeLessThan(30_000);
    expect(await said(bomb, 'm.onnx', { unpacked: 1_000_000 })).toContain('nets unpacks to more than 1000000 bytes');
    expect(await take(bomb, 'm.onnx')).toEqual(model);
  });

  test('headers of headers are bounded and must be readable', async () => {
    const long = tar([{ name: 'x', type: 'L', data: new Uint8Array(2 ** 20 + 1) }]);
    expect(await said(long, 'm.onnx')).toContain('has a header of 1048577 bytes');
    for (const text of ['x', '5 a', '999 path=a\n', '-3 path=a\n', '12 size=abc\n'])
      expect(await said(tar([{ name: 'x', type: 'x', data: new TextEncoder().encode(text) }]), 'm.onnx')).toContain(
        'is broken: a header of the pax kind',
      );
    const negative = tar([{ name: 'm.onnx', data: model }]);
    negative.fill(0xff, 124, 136);
    expect(await said(negative, 'm.onnx')).toContain('no archive that finn can read');
  });
});

test('what is no archive is said to be none', async () => {
  for (const bytes of [
    new Uint8Array(),
    model,
    new Uint8Array(1024),
    new TextEncoder().encode('BZh91AY&SY'),
    Uint8Array.of(0x1f, 0x8b),
  ])
    expect(await said(bytes, 'm.onnx')).toMatch(/^model\/archive \| nets (is no archive|is damaged or cut off)/);
});

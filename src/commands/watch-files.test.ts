import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileWatch } from './watch-files.ts';

let folder = '';
let watch: FileWatch;
/** Paths that changed and that nobody has asked for yet, and who waits for one. */
let changed: string[] = [];
let waiting: { readonly path: string; resolve(): void } | undefined;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'finn-watch-')));
  changed = [];
  watch = new FileWatch((path) => {
    changed.push(path);
    if (waiting && changed.includes(waiting.path)) waiting.resolve();
  });
});

afterEach(async () => {
  await watch.close();
  rmSync(folder, { recursive: true, force: true });
});

const at = (...names: string[]): string => join(folder, ...names);

/** Does it and waits until that path is told. */
async function tells(path: string, action: () => void): Promise<void> {
  changed = [];
  const told = new Promise<void>((resolve) => {
    waiting = { path, resolve };
  });
  action();
  await told;
  waiting = undefined;
}

describe('watched files', () => {
  it('are told when written, appended, replaced by rename, removed, and written anew', async () => {
    writeFileSync(at('a.yaml'), 'a');
    expect(await watch.observe([at('a.yaml')])).toBe(true);
    let n = 0;
    const text = (): string => {
      n += 1;
      return '.'.repeat(n);
    };
    for (let round = 0; round < 5; round += 1) {
      await tells(at('a.yaml'), () => writeFileSync(at('a.yaml'), text()));
      await tells(at('a.yaml'), () => {
        writeFileSync(at('a.yaml.swp'), text());
        renameSync(at('a.yaml.swp'), at('a.yaml'));
      });
      await tells(at('a.yaml'), () => writeFileSync(at('a.yaml'), text(), { flag: 'a' }));
      await tells(at('a.yaml'), () => rmSync(at('a.yaml')));
      await tells(at('a.yaml'), () => writeFileSync(at('a.yaml'), text()));
      // As vim saves: the old one is moved away.
      await tells(at('a.yaml'), () => {
        renameSync(at('a.yaml'), at('a.yaml~'));
        writeFileSync(at('a.yaml'), text());
      });
    }
  });

  it('may not be there yet, nor their folders', async () => {
    await watch.observe([at('models', 'deep', 'net.onnx')]);
    await tells(at('models'), () => mkdirSync(at('models')));
    expect(await watch.observe([at('models', 'deep', 'net.onnx')])).toBe(true);
    await tells(at('models', 'deep'), () => mkdirSync(at('models', 'deep')));
    expect(await watch.observe([at('models', 'deep', 'net.onnx')])).toBe(true);
    await tells(at('models', 'deep', 'net.onnx'), () => writeFileSync(at('models', 'deep', 'net.onnx'), ''));
    expect(await watch.observe([at('models', 'deep', 'net.onnx')])).toBe(false);
  });

  it('are told when their folder goes', async () => {
    mkdirSync(at('models'));
    writeFileSync(at('models', 'net.onnx'), '');
    await watch.observe([at('models', 'net.onnx')]);
    await tells(at('models', 'net.onnx'), () => rmSync(at('models'), { recursive: true }));
    expect(await watch.observe([at('models', 'net.onnx')])).toBe(true);
    await tells(at('models'), () => mkdirSync(at('models')));
  });

  it('are told where a link to them changes, or what it means', async () => {
    mkdirSync(at('real'));
    writeFileSync(at('real', 'a'), '1');
    writeFileSync(at('real', 'b'), '2');
    symlinkSync(at('real', 'a'), at('link'));
    await watch.observe([at('link')]);
    await tells(at('real', 'a'), () => writeFileSync(at('real', 'a'), '11'));
    await tells(at('link'), () => {
      symlinkSync(at('real', 'b'), at('new'));
      renameSync(at('new'), at('link'));
    });
  });

  it('are no others: neighbours, and those that were watched before', async () => {
    for (const name of ['a', 'b', 'other']) writeFileSync(at(name), '');
    await watch.observe([at('a')]);
    expect(await watch.observe([at('a')])).toBe(false);
    await watch.observe([at('b')]);
    await tells(at('b'), () => {
      writeFileSync(at('other'), '1');
      writeFileSync(at('a'), '1');
      writeFileSync(at('b'), '1');
    });
    expect(new Set(changed)).toEqual(new Set([at('b')]));
  });
});

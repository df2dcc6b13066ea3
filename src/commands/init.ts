import { constants, copyFileSync, existsSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { error, FinnError } from '../diagnostics/diagnostic.ts';
import { makeFolder } from '../util/files.ts';
import { reason } from '../util/system-error.ts';
import type { Io } from './session.ts';

const shipped = fileURLToPath(new URL('../../', import.meta.url));
const models = ['digits.onnx', 'test-images.npy', 'test-labels.npy'];

/** `finn init`: a recipe that builds, its model and vectors, a config and a .gitignore. Overwrites nothing. */
export async function init(folder: string, io: Io): Promise<number> {
  const taken = ['recipe.yaml', ...models].filter((name) => existsSync(join(folder, name)));
  if (taken.length > 0)
    throw new FinnError(
      ...taken.map((name) =>
        error('cli/file', `${join(folder, name)} is there already, and init overwrites nothing`, {
          hint: '`finn init DIR` makes another folder',
        }),
      ),
    );
  try {
    makeFolder(folder);
    // Not through a link that leads to nothing yet.
    for (const name of models)
      copyFileSync(join(shipped, 'recipes/digits', name), join(folder, name), constants.COPYFILE_EXCL);
    write(folder, 'recipe.yaml', recipe(folder), io);
    for (const name of models) io.out(`wrote ${join(folder, name)}`);
    for (const [name, text] of [
      ['finn.config.yaml', config(folder)],
      ['.gitignore', ignored],
    ] as const)
      if (existsSync(join(folder, name))) io.out(`kept  ${join(folder, name)}`);
      else write(folder, name, text, io);
  } catch (cause) {
    const { code, path, dest } = cause as NodeJS.ErrnoException & { readonly dest?: string };
    if (code === undefined) throw cause;
    throw new FinnError(error('cli/file', `${dest ?? path ?? folder} cannot be written: ${reason(cause)}`));
  }
  io.out(`next: finn build ${join(folder, 'recipe.yaml')}`);
  return 0;
}

/** Fails where the file has come to be in the meantime. */
function write(folder: string, name: string, text: string, io: Io): void {
  writeFileSync(join(folder, name), text, { flag: 'wx' });
  io.out(`wrote ${join(folder, name)}`);
}

/** For editors: where the schema lies as seen from the new file. */
const schema = (folder: string, name: string): string =>
  `# yaml-language-server: $schema=${relative(folder, join(shipped, 'schema', name)).replaceAll('\\', '/')}\n`;

const recipe = (folder: string): string => `${schema(folder, 'recipe.schema.json')}finn: 1
name: digits
description: Handwritten digits of 8×8 pixels. Put your own network in its place.

networks:
  digits:
    model: { file: digits.onnx }
    # What the accelerator is fed: pixels of 0…16; the network was trained on sixteenths.
    input: { datatype: uint5, scale: 1/16 }
    # The accelerator answers with the class, not with ten scores.
    output: { top_k: 1 }
    # Every stage of the build is held to these; the accuracy may not fall.
    verify: { input: test-images.npy, labels: test-labels.npy }

# \`finn boards\` lists the boards.
targets:
  icebreaker: { board: icebreaker, clock_mhz: 24 }

# How parallel: pe outputs and simd inputs at once in each layer. 64 cycles an image.
folding:
  small:
    layers:
      MVAU_0: { pe: 4, simd: 16 }
      MVAU_1: { pe: 2, simd: 16 }
      MVAU_2: { pe: 1, simd: 8 }

builds:
  icebreaker: { network: digits, target: icebreaker, folding: small }
`;

const config = (
  folder: string,
): string => `${schema(folder, 'config.schema.json')}# What is true of this machine or team; nothing here changes a result.
cache: { path: .finn, size: 20GB }
`;

const ignored = `.finn/
build/
`;

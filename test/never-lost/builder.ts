import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../src/util/hash.ts';
import { compileSynthetic, remove, type Started, serve, start, temporary, writeFakeTool } from './place.ts';

/** The synthetic build, ready to be started in places of its own. */
export interface Builder {
  readonly folder: string;
  /** A new folder for builds, with the fake tool; its path. */
  place(name: string): string;
  /** Starts the build of a variant in a place; `before` is a program that starts it. */
  build(
    place: string,
    variant: number,
    options?: { readonly limit?: number; readonly before?: readonly string[] },
  ): Started;
  close(): void;
}

/** Tool calls of one build. */
export const calls = 10;

export async function builder(name: string): Promise<Builder> {
  const folder = temporary(name);
  const synthetic = compileSynthetic(folder);
  const content = new Uint8Array(Buffer.from('x'.repeat(20_000)));
  const server = await serve(content);
  return {
    folder,
    place(of) {
      const place = join(folder, of);
      mkdirSync(place);
      writeFakeTool(join(place, 'fake-tool'));
      return place;
    },
    build: (place, variant, { limit = 1e9, before = [] } = {}) =>
      start(place, [synthetic, place, server.url, String(variant), String(limit), sha256(content)], {}, before),
    close() {
      server.close();
      remove(folder);
    },
  };
}

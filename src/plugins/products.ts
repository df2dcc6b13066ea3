import { fail } from '../diagnostics/diagnostic.ts';
import type { Artifact, Files } from '../engine/artifact.ts';
import { staysBelow } from '../util/files.ts';

/** Artifacts whose files go into the folder of a build. */
const shownFiles = new WeakSet<object>();

/**
 * An artifact of files that are put into the build's folder, as plugins/<name>/…; of a step that runs once per layer, as
 * plugins/<name>/<layer>/…. FinnError 'plugin/step' for what is no file's content, or has no path below.
 */
export function files(name: string, doc: string): Artifact<Files> {
  const made: Artifact<Files> = {
    kind: 'artifact',
    name,
    doc,
    encode(value) {
      for (const [path, bytes] of Object.entries(value)) {
        if (!staysBelow(path)) fail('plugin/step', `'${name}' has a file '${path}', which is no path below its folder`);
        if (!(bytes instanceof Uint8Array))
          fail('plugin/step', `'${name}' has a file '${path}' that is no Uint8Array`, {
            hint: 'of text, `new TextEncoder().encode(text)` makes one',
          });
      }
      return value;
    },
    decode: (value) => value,
  };
  shownFiles.add(made);
  return made;
}

/** Do its files go into the folder of a build? */
export const isShown = (artifact: object): boolean => shownFiles.has(artifact);

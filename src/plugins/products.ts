import type { Artifact, Files } from '../engine/artifact.ts';
import { tree } from '../steps/codecs.ts';

/** Artifacts whose files go into the folder of a build. */
const shownFiles = new WeakSet<object>();

/**
 * An artifact of files that are put into the build's folder, as plugins/<name>/…; of a step that runs once per layer, as
 * plugins/<name>/<layer>/….
 */
export function files(name: string, doc: string): Artifact<Files> {
  const made = tree(name, doc);
  shownFiles.add(made);
  return made;
}

/** Do its files go into the folder of a build? */
export const isShown = (artifact: object): boolean => shownFiles.has(artifact);

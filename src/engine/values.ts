import { bug } from '../diagnostics/diagnostic.ts';
import type { Artifact, Files, Made } from './artifact.ts';
import { type Content, familyContent, isFamily, type TreeContent, treeContent } from './content.ts';
import { anyKey } from './graph.ts';
import type { Objects } from './objects.ts';
import { storeAll } from './trees.ts';

/** Thrown when a stored content that was there is not, or is damaged: whoever made it has to make it again. */
export class LostContent extends Error {
  readonly hash: string;
  constructor(hash: string) {
    super(`the stored content ${hash.slice(0, 12)} is lost`);
    this.hash = hash;
  }
}

/** Tells a value from all others: by its artifact, and by what is stored of it. */
export const valueName = (artifact: Artifact<unknown>, { hash }: TreeContent): string => `${artifact.name} ${hash}`;

/** The values of a content: one, or those of a family. */
export const valueNames = (handle: Made, content: Content): string[] => {
  const artifact = handle.kind === 'family' ? handle.item : handle;
  const trees = isFamily(content) ? content.items.map(([, item]) => item) : [content];
  return trees.map((tree) => valueName(artifact, tree));
};

/** Values between steps: encoded into the store when made, kept in memory as long as someone may want them. */
export class ValueCache {
  readonly #objects: Pick<Objects, 'read' | 'write' | 'writeLater'>;
  /** By `valueName`. */
  readonly #values = new Map<string, unknown>();

  constructor(objects: Pick<Objects, 'read' | 'write' | 'writeLater'>) {
    this.#objects = objects;
  }

  /** Is anything kept in memory? */
  get holds(): boolean {
    return this.#values.size > 0;
  }

  /** Stores what a step made. Rejects with FinnError 'cache/write'. */
  async put(handle: Made, value: unknown): Promise<Content> {
    if (handle.kind === 'artifact') return (await this.#putTrees(handle, [[handle.name, value]]))[0]![1];
    if (!(value instanceof Map)) return bug(`a step made family '${handle.name}' as something that is not a Map`);
    if (value.has(anyKey))
      bug(`family '${handle.name}' has the key '${anyKey}', which stands for keys that are not known`);
    return familyContent(await this.#putTrees(handle.item, value));
  }

  /** The value of a content. Throws LostContent. */
  get(handle: Made, content: Content): unknown {
    if (handle.kind === 'artifact')
      return this.#getTree(handle, isFamily(content) ? bug('a family as artifact') : content);
    if (!isFamily(content)) return bug(`an artifact as family '${handle.name}'`);
    return this.all(handle.item, content.items);
  }

  /** The values of many contents of one artifact, by key. Throws LostContent. */
  all(artifact: Artifact<unknown>, list: readonly (readonly [string, TreeContent])[]): Map<string, unknown> {
    return new Map(list.map(([key, content]) => [key, this.#getTree(artifact, content)]));
  }

  /** The files of a content as they are in the store. Throws LostContent. */
  files(content: TreeContent): Files {
    return Object.fromEntries(
      Object.entries(content.files).map(([path, stored]) => {
        const bytes = this.#objects.read(stored);
        if (!bytes) throw new LostContent(content.hash);
        return [path, bytes];
      }),
    );
  }

  /** Forgets what is in memory; the store keeps it. */
  release(handle: Made, content: Content): void {
    for (const name of valueNames(handle, content)) this.drop(name);
  }

  /** Forgets the value of this name. */
  drop(name: string): void {
    this.#values.delete(name);
  }

  /** Forgets all that is in memory. */
  clear(): void {
    this.#values.clear();
  }

  async #putTrees(
    artifact: Artifact<unknown>,
    values: Iterable<readonly [unknown, unknown]>,
  ): Promise<[string, TreeContent][]> {
    const trees: { readonly key: string; readonly value: unknown; readonly paths: readonly string[] }[] = [];
    // One after the other: what is written is not needed any more when the next is made.
    function* contents(): Generator<Uint8Array> {
      for (const [key, value] of values) {
        const files = artifact.encode(value);
        trees.push({ key: String(key), value, paths: Object.keys(files) });
        yield* Object.values(files);
      }
    }
    const stored = (await storeAll(this.#objects, contents())).values();
    return trees.map(({ key, value, paths }) => {
      const content = treeContent(Object.fromEntries(paths.map((path) => [path, stored.next().value!])));
      this.#values.set(valueName(artifact, content), value);
      return [key, content];
    });
  }

  #getTree(artifact: Artifact<unknown>, content: TreeContent): unknown {
    const name = valueName(artifact, content);
    if (!this.#values.has(name)) this.#values.set(name, artifact.decode(this.files(content)));
    return this.#values.get(name);
  }
}

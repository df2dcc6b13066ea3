import { hashJson } from '../util/hash.ts';

/** A file in the store: the SHA-256 of its contents and its size in bytes. */
export type Stored = readonly [object: string, size: number];

/** An artifact in the store: its files by path. `hash` is over paths and contents, and is what keys are made of. */
export interface TreeContent {
  readonly hash: string;
  readonly files: Readonly<Record<string, Stored>>;
}

/** A family in the store: its items in order. */
export interface FamilyContent {
  readonly hash: string;
  readonly items: readonly (readonly [key: string, item: TreeContent])[];
}
export type Content = TreeContent | FamilyContent;

/** The content of an artifact of these files. */
export function treeContent(files: Readonly<Record<string, Stored>>): TreeContent {
  const objects = Object.fromEntries(Object.entries(files).map(([path, [object]]) => [path, object]));
  return { hash: hashJson(objects), files };
}

/** The content of a family of these items. */
export const familyContent = (items: readonly (readonly [string, TreeContent])[]): FamilyContent => ({
  hash: hashJson(hashesOf(items)),
  items,
});

/** Key and hash of every item, in order. */
export const hashesOf = (items: readonly (readonly [string, TreeContent])[]): [string, string][] =>
  items.map(([key, item]) => [key, item.hash]);

export const isFamily = (content: Content): content is FamilyContent => 'items' in content;

/** All files of a content. */
export const storedOf = (content: Content): Stored[] =>
  isFamily(content) ? content.items.flatMap(([, item]) => Object.values(item.files)) : Object.values(content.files);

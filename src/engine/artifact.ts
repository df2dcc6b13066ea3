/** Contents by relative path ('/' between folders). What every artifact is in the store. */
export type Files = Readonly<Record<string, Uint8Array>>;

/** A kind of thing that steps make and need. Its bytes are what counts: equal bytes are the same artifact. */
export interface Artifact<T> {
  readonly kind: 'artifact';
  readonly name: string;
  readonly doc: string;
  /** Deterministic: equal values give equal bytes. */
  encode(value: T): Files;
  decode(files: Files): T;
}

/**
 * Many artifacts of one kind, one for each key, each hashed by itself. A family opens a scope for each of its keys
 * (a family of layers: one scope a layer), and steps `per` that scope run once for each key.
 */
export interface Family<T> {
  readonly kind: 'family';
  readonly name: string;
  readonly doc: string;
  /** The kind of scope that each key opens. */
  readonly scope: string;
  readonly item: Artifact<T>;
}

/** In a step of a family's scope: the item of its own key. */
export interface Item<T> {
  readonly kind: 'item';
  readonly family: Family<T>;
}
/** In a step outside: the artifacts that all scopes below made, by key in the family's order. */
export interface Each<T> {
  readonly kind: 'each';
  readonly artifact: Artifact<T>;
}

/** What may stand in a step's `needs`. A plain artifact is looked for in the step's own scope, then in those above. */
// biome-ignore lint/suspicious/noExplicitAny: handles of every type meet here
export type Handle = Artifact<any> | Family<any> | Item<any> | Each<any>;
// biome-ignore lint/suspicious/noExplicitAny: as above
export type Made = Artifact<any> | Family<any>;

export type ValueOf<H> =
  H extends Artifact<infer T>
    ? T
    : H extends Family<infer T>
      ? ReadonlyMap<string, T>
      : H extends Item<infer T>
        ? T
        : H extends Each<infer T>
          ? ReadonlyMap<string, T>
          : never;
export type Handles = Readonly<Record<string, Handle>>;
export type Makes = Readonly<Record<string, Made>>;
export type Values<H extends Handles> = { readonly [K in keyof H]: ValueOf<H[K]> };

export const item = <T>(family: Family<T>): Item<T> => ({ kind: 'item', family });
export const each = <T>(artifact: Artifact<T>): Each<T> => ({ kind: 'each', artifact });

import type { Manifest } from './manifest.ts';

/** One thing by name, as it was and as it is; absent where it was or is not there. */
export interface Change {
  readonly name: string;
  readonly was?: string;
  readonly is?: string;
}

/** What a build was made of, flat: files of the recipe, inputs, tools, finn, and what was asked for. */
export const factsOf = (manifest: Manifest): Record<string, string> => ({
  recipe: manifest.recipe,
  build: manifest.build,
  network: manifest.network,
  folding: manifest.folding,
  'finn version': manifest.finn.version,
  'finn code': manifest.finn.code,
  ...prefixed('target ', manifest.target),
  outputs: manifest.outputs.join(', '),
  ...prefixed('recipe file ', manifest.recipe_files),
  ...prefixed('model ', manifest.model),
  ...prefixed('input ', manifest.inputs),
  ...prefixed('plug-in ', manifest.plugins),
  ...Object.fromEntries(
    Object.entries(manifest.tools).flatMap(([name, kinds]) =>
      Object.entries(kinds).map(([kind, version]) => [`tool ${name} (${kind})`, version]),
    ),
  ),
});

/** A record with something in front of its names. */
export const prefixed = (prefix: string, record: object): Record<string, string> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [prefix + name, String(value)]));

/** What differs between two flat records, by name. */
export function changesBetween(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): Change[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((name) => {
    const [was, is] = [before[name], after[name]];
    if (was === is) return [];
    return [{ name, ...(was !== undefined && { was }), ...(is !== undefined && { is }) }];
  });
}

/** 'tool yosys (npm): 0.54 → 0.55', hashes by their first 12 digits. */
export const changeText = ({ name, was, is }: Change): string => `${name}: ${shortly(was)} → ${shortly(is)}`;

const shortly = (value: string | undefined): string =>
  value === undefined ? 'none' : /^[0-9a-f]{64}$/.test(value) ? value.slice(0, 12) : value;

import { join } from 'node:path';
import { listTree, readIfThere } from '../util/files.ts';
import { canonicalJson } from '../util/hash.ts';
import { tellsOfRun } from './manifest.ts';
import { changesBetween, prefixed } from './manifest-facts.ts';
import { readManifest } from './manifest-file.ts';

/** A file that two builds of the same have not in common. */
export interface FileDifference {
  readonly file: string;
  /** The step that it comes from, as far as its name tells. */
  readonly step?: string;
  /** First byte that differs, and what stands around it; a file that only one of them has has none. */
  readonly offset?: number;
  readonly first?: string;
  readonly second?: string;
}

/** Compares all files of two folders but those that tell of the run, byte by byte. By path. */
export function compareFolders(first: string, second: string): FileDifference[] {
  const names = new Set([...listTree(first), ...listTree(second)].filter((path) => !tellsOfRun(path)));
  return [...names].sort().flatMap((file): FileDifference[] => {
    const [a, b] = [readIfThere(join(first, file)), readIfThere(join(second, file))];
    const made = { file, ...(stepOf(file) !== undefined && { step: stepOf(file)! }) };
    if (!a || !b)
      return [{ ...made, ...(a && { first: `${a.length} bytes` }), ...(b && { second: `${b.length} bytes` }) }];
    if (Buffer.compare(a, b) === 0) return [];
    const least = Math.min(a.length, b.length);
    let offset = 0;
    while (offset < least && a[offset] === b[offset]) offset += 1;
    return [{ ...made, offset, first: excerpt(a, offset), second: excerpt(b, offset) }];
  });
}

/** What two builds were made of that is not the same, by their build.json: somebody edited it meanwhile. */
export function changedInputs(first: string, second: string): string[] {
  const made = (folder: string): Record<string, string> => {
    const { recipe_files, inputs, tools, finn } = readManifest(folder).manifest;
    return {
      ...prefixed('recipe file ', recipe_files),
      ...prefixed('input ', inputs),
      tools: canonicalJson(tools),
      finn: finn.code,
    };
  };
  return changesBetween(made(first), made(second)).map(({ name }) => name);
}

/** The steps that made something else of the same inputs, by their build.json: what is to blame. */
export function unsteadySteps(first: string, second: string): string[] {
  const [a, b] = [readManifest(first).manifest, readManifest(second).manifest];
  return Object.entries(a.steps).flatMap(([name, { key, makes }]) => {
    const other = b.steps[name];
    if (!other || other.key !== key || canonicalJson(other.makes) === canonicalJson(makes)) return [];
    const differing = Object.keys(makes).filter((artifact) => makes[artifact] !== other.makes[artifact]);
    return [`${name} (${differing.join(', ')})`];
  });
}

const before = 24;
const after = 40;

/** What stands around an offset: text as JSON has it, other bytes in hexadecimal. */
function excerpt(bytes: Uint8Array, offset: number): string {
  const near = bytes.subarray(Math.max(0, offset - before), offset + after);
  if (near.length === 0) return 'the end';
  const printable = near.every((byte) => byte === 9 || byte === 10 || byte === 13 || (byte >= 32 && byte < 127));
  if (printable) return JSON.stringify(new TextDecoder().decode(near));
  return (
    [...bytes.subarray(offset, offset + 16)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ') || 'the end'
  );
}

/** Beginnings of paths, and the steps that make what lies there. The first that fits counts. */
const makers: readonly (readonly [RegExp, string])[] = [
  [/^intermediate_models\/import\./, 'import'],
  [/^intermediate_models\/(before|streamline|behind)\./, 'streamline'],
  [/^intermediate_models\/lower\./, 'lower'],
  [/^(intermediate_models\/fold\.|auto_folding|final_hw|report\/(estimate_|op_and_param))/, 'fold'],
  [/^(deploy\/)?bitfile\/|^report\/post_/, 'bitfile'],
  [/^(deploy\/)?driver\//, 'driver'],
  [/^report\/(ooc_|layer_resources)/, 'synthesize'],
  [/^stitched_ip\/(.*_tb\.s?v|[sm]_axis_\d+\.hex)$|^report\/rtlsim|^verification_output\//, 'simulate'],
  [/^stitched_ip\//, 'codegen, stitch'],
];
const stepOf = (file: string): string | undefined => makers.find(([pattern]) => pattern.test(file))?.[1];

import { canonicalJson } from '../util/hash.ts';
import { type Reported, readReported } from './build-layers.ts';
import type { Manifest } from './manifest.ts';
import { type Change, changesBetween, changeText, factsOf } from './manifest-facts.ts';
import { readManifest } from './manifest-file.ts';
import type { Io } from './session.ts';
import { plural } from './table.ts';

export interface DiffOptions {
  readonly json?: boolean | undefined;
}

/** What differs between two builds. */
interface BuildDiff {
  readonly same: boolean;
  /** What they were made of. */
  readonly facts: readonly Change[];
  /** Steps of the same name that made something else. */
  readonly steps: readonly string[];
  readonly layers: Readonly<Record<string, readonly Change[]>>;
  readonly totals: readonly Change[];
  readonly verdicts: readonly Change[];
  readonly expect: readonly Change[];
  readonly files: readonly Change[];
}

/** `finn diff`: two builds side by side; 0 if their build.json say the same, 1 if not. FinnError where one has none. */
export async function diff(a: string, b: string, { json }: DiffOptions, io: Io): Promise<number> {
  const [before, after] = [readManifest(a), readManifest(b)];
  const found = compare(before.manifest, after.manifest, readReported(before.folder), readReported(after.folder));
  if (json) io.out(JSON.stringify({ a: before.folder, b: after.folder, ...found }));
  else for (const line of text(found)) io.out(line);
  return found.same ? 0 : 1;
}

function compare(a: Manifest, b: Manifest, shownA: Reported, shownB: Reported): BuildDiff {
  const names = [...new Set([...shownA.layers.keys(), ...shownB.layers.keys()])];
  const layers = names.flatMap((name): [string, Change[]][] => {
    const [was, is] = [shownA.layers.get(name), shownB.layers.get(name)];
    if (!was || !is) return [[name, [{ name: 'layer', ...(was ? { was: 'there' } : { is: 'there' }) }]]];
    const changes = preferSynthesized(was, is);
    return changes.length > 0 ? [[name, changes]] : [];
  });
  return {
    same: canonicalJson(a) === canonicalJson(b),
    facts: changesBetween(factsOf(a), factsOf(b)),
    steps: Object.keys(a.steps).filter(
      (name) => b.steps[name] && canonicalJson(a.steps[name]?.makes) !== canonicalJson(b.steps[name].makes),
    ),
    layers: Object.fromEntries(layers),
    totals: changesBetween(shownA.totals, shownB.totals),
    verdicts: changesBetween(verdictsOf(a), verdictsOf(b)),
    expect: changesBetween(expectOf(a), expectOf(b)),
    files: changesBetween(hashesOf(a), hashesOf(b)).sort((x, y) => (x.name < y.name ? -1 : 1)),
  };
}

/** What differs of one layer: estimates (`~LUT`) only where one of the two was not synthesized. */
function preferSynthesized(was: Readonly<Record<string, string>>, is: Readonly<Record<string, string>>): Change[] {
  const synthesized = 'LUT' in was && 'LUT' in is;
  const kept = (values: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(
      Object.entries(values).filter(([name]) =>
        synthesized ? !name.startsWith('~') : name.startsWith('~') || !(`~${name}` in values),
      ),
    );
  return changesBetween(kept(was), kept(is));
}

const hashesOf = ({ files }: Manifest): Record<string, string> =>
  Object.fromEntries(Object.entries(files).map(([path, { sha256 }]) => [path, sha256]));

const verdictsOf = ({ verdicts }: Manifest): Record<string, string> =>
  Object.fromEntries(
    verdicts.map(({ stage, vectors, elements, accuracy, nearTies }) => [
      stage,
      vectors === 0
        ? 'not asked for'
        : `${plural(vectors, 'vector')}, ${plural(elements, 'element')}${accuracy === undefined ? '' : `, accuracy ${accuracy}`}${nearTies > 0 ? `, ${nearTies} near ties` : ''}`,
    ]),
  );

const expectOf = ({ expect }: Manifest): Record<string, string> =>
  Object.fromEntries(
    expect.map(({ metric, wanted, measured }) => [metric, `${measured ?? 'not measured'} (${wanted})`]),
  );

function text(found: BuildDiff): string[] {
  if (found.same) return ['the builds are the same'];
  const section = (title: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`)];
  const only = (change: Change): string =>
    change.was === undefined ? `${change.name}: only in the second` : `${change.name}: only in the first`;
  return [
    ...section('made of', found.facts.map(changeText)),
    ...section('steps that made something else', found.steps),
    ...section(
      'layers',
      Object.entries(found.layers).map(([name, changes]) =>
        changes[0]?.name === 'layer'
          ? only({ ...changes[0], name })
          : `${name}  ${changes.map(({ name: what, was, is }) => `${what} ${was ?? 'none'} → ${is ?? 'none'}`).join(', ')}`,
      ),
    ),
    ...section(
      'in all',
      found.totals.map((change) => changeText(change) + percent(change)),
    ),
    ...section('verdicts', found.verdicts.map(changeText)),
    ...section('gates', found.expect.map(changeText)),
    ...section(
      'files',
      found.files.map((change) =>
        change.was === undefined || change.is === undefined ? only(change) : changeText(change),
      ),
    ),
    ...(found.files.length === 0 ? ['every file is the same'] : []),
  ];
}

/** ' (+12.5 %)', where both are numbers. */
function percent({ was, is }: Change): string {
  const [from, to] = [Number(was), Number(is)];
  if (was === undefined || is === undefined || !Number.isFinite(from) || !Number.isFinite(to) || from === 0) return '';
  const by = (to / from - 1) * 100;
  return ` (${by > 0 ? '+' : ''}${Number(by.toPrecision(3))} %)`;
}

import { didYouMean } from '../diagnostics/suggest.ts';
import type { Board } from './board.ts';
import { parseGate } from './expect.ts';
import type { Build, Expectation, Folding, Metric, Network, Output, Target } from './model.ts';
import { child, dotted } from './pointer.ts';
import type { Loose, Resolving } from './scope.ts';
import type * as file from './types.gen.ts';
import { quote } from './validate.ts';

/** What builds may name. `names` are all that stand in the recipe, right or wrong; none where the whole section is missing. */
export interface Declared {
  readonly networks: ReadonlyMap<string, Network>;
  readonly targets: ReadonlyMap<string, Target>;
  readonly foldings: ReadonlyMap<string, Folding>;
  readonly names: { readonly [K in Kind]: readonly string[] | undefined };
}
type Kind = 'network' | 'target' | 'folding';

const allOutputs: readonly Output[] = [
  'estimate',
  'stitched_ip',
  'rtlsim_performance',
  'bitfile',
  'driver',
  'deployment',
];
/** No recipe is larger, since all of its builds are looked at at once. */
const MOST_BUILDS = 5000;

/** What needs a bitstream. */
const onBoard: readonly Output[] = ['bitfile', 'driver', 'deployment'];

const simulated: readonly Output[] = ['stitched_ip', 'rtlsim_performance', 'bitfile', 'deployment'];
/** The outputs that measure what no estimate tells. */
const measuredBy: Partial<Record<Metric, readonly Output[]>> = {
  latency_us: simulated,
  fmax_mhz: ['bitfile', 'deployment'],
};

/** The builds of a recipe: explicit ones, then the matrix, each combination once. */
export function resolveBuilds(
  recipe: Loose<file.RecipeFile>,
  declared: Declared,
  to: Resolving,
): ReadonlyMap<string, Build> {
  const builds = new Map<string, Build>();
  const seen = new Map<string, string>();
  const general = resolveExpectations(recipe.expect ?? {}, '/expect', to);

  const add = (name: string, pointer: string, parts: { [K in Kind]: string }, own: readonly Expectation[]): void => {
    const other = seen.get(name);
    if (other !== undefined) {
      const message = `two builds are called \`${name}\``;
      to.wrong('recipe/duplicate-build', message, to.at(pointer, 'key'), `the other is \`${dotted(other)}\``);
      return;
    }
    seen.set(name, pointer);
    const network = declared.networks.get(parts.network);
    const target = declared.targets.get(parts.target);
    const folding = declared.foldings.get(parts.folding);
    if (!network || !target || !folding) return;
    const replaced = new Set(own.map(({ metric }) => metric));
    const expect = [...general.filter(({ metric }) => !replaced.has(metric)), ...own];
    const outputs = outputsOf(target, recipe.outputs);
    for (const { metric, at } of expect)
      if (metric === 'accuracy' && !network.verify?.labels) {
        const message = `\`accuracy\` is expected of ${name}, but network ${network.name} has no \`labels\``;
        to.wrong('recipe/expect', message, at, 'add `labels` to its `verify`');
      } else if (metric === 'fmax_mhz' && !target.board.bitstream) {
        const message = `\`fmax_mhz\` is expected of ${name}, but nothing is placed and routed for ${target.board.id}`;
        to.wrong('recipe/expect', message, at);
      } else if (measuredBy[metric] && !outputs.some((output) => measuredBy[metric]!.includes(output))) {
        const message = `\`${metric}\` is expected of ${name}, but none of its outputs measures it`;
        to.wrong(
          'recipe/expect',
          message,
          at,
          `ask for one of these under \`outputs\`: ${measuredBy[metric].join(', ')}`,
        );
      }
    builds.set(name, { name, at: to.at(pointer, 'key'), network, target, folding, expect, outputs });
  };

  for (const [name, written] of Object.entries(recipe.builds ?? {})) {
    if (!written) continue;
    const pointer = child('/builds', name);
    const parts = partsOf(written, pointer, declared, to);
    const own = resolveExpectations(written.expect ?? {}, child(pointer, 'expect'), to);
    for (const part of combinations(parts)) add(name, pointer, part, own);
  }
  for (const [i, written] of (recipe.matrix ?? []).entries()) {
    if (!written) continue;
    const pointer = child('/matrix', i);
    const parts = partsOf(written, pointer, declared, to);
    const products = parts.network.length * parts.target.length * parts.folding.length;
    if (seen.size + products > MOST_BUILDS) {
      const message = `\`${dotted(pointer)}\` is ${products} builds; a recipe has at most ${MOST_BUILDS}`;
      to.wrong('config/too-complex', message, to.at(pointer));
      continue;
    }
    for (const part of combinations(parts)) add(`${part.network}-${part.target}-${part.folding}`, pointer, part, []);
  }
  if (Object.keys(recipe.builds ?? {}).length + (recipe.matrix ?? []).length === 0)
    to.wrong('recipe/no-builds', 'the recipe declares nothing to build', to.at(''), 'add `builds` or `matrix`');
  warnOfBitstreams(builds.values(), recipe.outputs ?? [], to);
  return builds;
}

type Parts = { readonly [K in Kind]: readonly string[] };

/** The names of a build or a product; those that nothing declares are diagnostics. */
function partsOf(
  written: { readonly [K in Kind]?: string | readonly (string | undefined)[] | undefined },
  pointer: string,
  { names }: Declared,
  to: Resolving,
): Parts {
  const resolve = (kind: Kind): readonly string[] => {
    const value = written[kind];
    const list = typeof value === 'string' ? [value] : (value ?? []);
    const known = names[kind];
    return list.filter((name, i): name is string => {
      if (name === undefined || !known || known.includes(name)) return name !== undefined;
      const at = child(pointer, kind);
      const place = typeof value === 'string' ? at : child(at, i);
      const message = `there is no ${kind} \`${name}\``;
      to.wrong('recipe/unknown-name', message, to.at(place), didYouMean(name, known, `${kind}s`));
      return false;
    });
  };
  return { network: resolve('network'), target: resolve('target'), folding: resolve('folding') };
}

function* combinations(parts: Parts): Generator<{ [K in Kind]: string }> {
  for (const network of parts.network)
    for (const target of parts.target) for (const folding of parts.folding) yield { network, target, folding };
}

/** What of the wanted a board allows. */
function outputsOf({ board }: Target, wanted: readonly (Output | undefined)[] | undefined): readonly Output[] {
  const outputs = allOutputs.filter((output) => (wanted ?? allOutputs).includes(output));
  return board.bitstream ? outputs : outputs.filter((output) => !onBoard.includes(output));
}

/** A wish that a board cannot fulfil is a warning, since the recipe's other boards may: one for each board. */
function warnOfBitstreams(builds: Iterable<Build>, wanted: readonly (Output | undefined)[], to: Resolving): void {
  const impossible = onBoard.filter((output) => wanted.includes(output));
  if (impossible.length === 0) return;
  const stopped = new Map<Board, string[]>();
  for (const { name, target } of builds)
    if (!target.board.bitstream) stopped.set(target.board, [...(stopped.get(target.board) ?? []), name]);
  for (const [{ id, part }, names] of stopped) {
    const message = `finn can make no bitstream for ${id} (${part}): ${impossible.join(', ')} of ${names.join(', ')} will not be made`;
    to.warn('recipe/no-bitstream', message, to.at('/outputs'));
  }
}

function resolveExpectations(
  written: Loose<file.Expectations>,
  pointer: string,
  to: Resolving,
): readonly Expectation[] {
  const expectations: Expectation[] = [];
  for (const [metric, text] of Object.entries(written)) {
    if (text === undefined) continue;
    const at = to.at(child(pointer, metric));
    const gate = parseGate(text);
    if (gate) expectations.push({ metric: metric as Metric, ...gate, at });
    else to.wrong('recipe/number', `\`${dotted(child(pointer, metric))}\` is ${quote(text)}: this is no number`, at);
  }
  return expectations;
}

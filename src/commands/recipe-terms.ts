import type { Instance } from '../engine/graph.ts';
import type { BuildSettings, NetworkSettings } from '../steps/settings.ts';

/** Names of what a recipe declares, for the paths of its values. */
interface Names {
  readonly network: string;
  readonly build: string;
  readonly target: string;
  readonly folding: string;
  readonly board: string;
}

type Terms = Readonly<Record<string, string | ((names: Names) => string)>>;

const verifyAt = 'verify.at';
const clock = ({ target }: Names): string => `targets.${target}.clock_mhz`;
const board = ({ board: id }: Names): string => `board ${id}`;
const shell: Terms = {
  clockMhz: clock,
  divide: clock,
  pll: clock,
  baud: 'steps.bitfile.baud',
  family: board,
  led: board,
  ties: board,
};
const under = (prefix: string, terms: Terms): Terms =>
  Object.fromEntries(Object.entries(terms).map(([name, term]) => [`${prefix}.${name}`, term]));

/** What a recipe calls the settings that steps see. The longest beginning of a path that is found counts. */
const settings: Readonly<Record<string, Terms>> = {
  'run-model': {
    command: ({ network }) => `networks.${network}.model.run`,
    output: ({ network }) => `networks.${network}.model.output`,
    sha256: ({ network }) => `networks.${network}.model.sha256`,
  },
  import: {
    input: ({ network }) => `networks.${network}.input`,
    topK: ({ network }) => `networks.${network}.output.top_k`,
    verify: verifyAt,
    minAccuracy: ({ network }) => `networks.${network}.verify.min_accuracy`,
  },
  streamline: { verify: verifyAt },
  lower: { standaloneThresholds: 'steps.lower.standalone_thresholds', verify: verifyAt },
  fold: {
    folding: ({ build }) => `builds.${build}.folding`,
    choose: ({ folding }) => `folding.${folding}`,
    'choose.by': ({ folding }) => `folding.${folding}`,
    'choose.fps': ({ folding }) => `folding.${folding}.target_fps`,
    'choose.mvauWwidthMax': ({ folding }) => `folding.${folding}.mvau_wwidth_max`,
    'choose.twoPass': ({ folding }) => `folding.${folding}.two_pass`,
    'choose.resources': ({ folding }) => `folding.${folding}.resources`,
    layers: ({ folding }) => `folding.${folding}.layers`,
    file: ({ folding }) => `folding.${folding}.file`,
    fifos: 'steps.stitch.fifos',
    family: board,
    limits: ({ board: id }) => `board ${id}: resources`,
    clockMhz: clock,
    bitfile: 'outputs',
  },
  codegen: { family: board },
  synthesize: { family: board, provider: 'tools.synthesis' },
  stitch: { family: board },
  simulate: { simulator: 'tools.simulation', clockMhz: clock, codegen: verifyAt, stitch: verifyAt },
  'verify-shell': { ...under('shell', shell), simulator: 'tools.simulation' },
  bitfile: {
    ...under('shell', shell),
    target: ({ build }) => `builds.${build}.target`,
    family: board,
    device: board,
    package: board,
    speed: board,
    pins: ({ board: id }) => `board ${id}: pins`,
    seed: 'steps.bitfile.seed',
    aimMhz: 'steps.bitfile.frequency_mhz',
    synthesis: 'tools.synthesis',
    placeAndRoute: 'tools.place_and_route',
  },
  driver: shell,
};

/** Files that steps read, by what the recipe calls them. */
const files: Readonly<Record<string, Terms>> = {
  fetch: { '': ({ network }) => `networks.${network}.model` },
  'run-model': { '': ({ network }) => `networks.${network}.model.inputs` },
  import: {
    'input.npy': ({ network }) => `networks.${network}.verify.input`,
    'expected.npy': ({ network }) => `networks.${network}.verify.expected`,
    'labels.npy': ({ network }) => `networks.${network}.verify.labels`,
  },
  fold: { 'folding.json': ({ folding }) => `folding.${folding}.file` },
};

/**
 * A line of `differences` in the words of the recipe: 'config.layers.MVAU_1.pe: 2 → 4' becomes
 * 'folding.large.layers.MVAU_1.pe: 2 → 4'. What the recipe has no word for stays as it is.
 */
export function inRecipeTerms(line: string, { step, scope }: Instance): string {
  const match = /^(config|sources)\.([^:]*)(: .*)$/s.exec(line);
  if (!match) return line;
  const [, kind, path, rest] = match as unknown as [string, string, string, string];
  const names = namesOf(scope.settings as NetworkSettings & Partial<BuildSettings>, scope.name);
  if (kind === 'sources') {
    const terms = files[step.name] ?? {};
    const own = terms[path];
    if (own !== undefined) return `${textOf(own, names)}${rest}`;
    const all = terms[''];
    return all === undefined ? line : `${textOf(all, names)} (${path})${rest}`;
  }
  const terms = settings[step.name] ?? {};
  const [term, left] = longest(terms, path);
  // Steps see of it whether they are on its list.
  if (term === verifyAt)
    return `${verifyAt}: ${stageOf(path, step.name)} ${rest.endsWith('true') ? 'added' : 'left out'}`;
  return term === undefined ? line : `${textOf(term, names)}${left}${rest}`;
}

const stageOf = (path: string, step: string): string => (path === 'verify' ? step : path);

const textOf = (term: Terms[string], names: Names): string => (typeof term === 'function' ? term(names) : term);

function longest(terms: Terms, path: string): [term: Terms[string] | undefined, left: string] {
  for (let end = path.length; end > 0; end = Math.max(path.lastIndexOf('.', end - 1), path.lastIndexOf('[', end - 1)))
    if (terms[path.slice(0, end)] !== undefined) return [terms[path.slice(0, end)], path.slice(end)];
  return [undefined, ''];
}

const namesOf = ({ network, build }: NetworkSettings & Partial<BuildSettings>, scope: string): Names => ({
  network: network.name,
  build: build?.name ?? scope,
  target: build?.target.name ?? '',
  folding: build?.folding.name ?? '',
  board: build?.target.board.id ?? '',
});

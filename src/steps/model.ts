import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { ModelSource } from '../config/model.ts';
import { type Diagnostic, error, FinnError, fail, type Location } from '../diagnostics/diagnostic.ts';
import type { Tool } from '../engine/invocation.ts';
import { type Host, type Sources, type UnknownUntilRun, unknownUntilRun } from '../engine/step.ts';
import { externalFiles, externalNames } from '../onnx/external.ts';
import { scanModel } from '../onnx/scan.ts';
import { contains, staysBelow } from '../util/files.ts';
import { contentHash, sha256 } from '../util/hash.ts';
import { reason } from '../util/system-error.ts';
import { memberOf } from './archive/member.ts';
import { model, modelFromSources, modelSources } from './artifacts.ts';
import { download } from './download/download.ts';
import { inMirrors } from './mirrors.ts';
import type { NetworkSettings } from './settings.ts';
import { networkStep } from './step.ts';

/** Reads a file that the recipe names; `at` is where it names it. */
export async function readNamed(host: Host, path: string, at: Location): Promise<Uint8Array> {
  try {
    return await host.read(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (!code) throw cause;
    const why = code === 'EFBIG' ? `${path} has more than 2 GB` : `cannot read ${path}: ${reason(cause)}`;
    return fail('recipe/file-missing', why, { at });
  }
}

function checked(bytes: Uint8Array, wanted: string | undefined, what: string, at: Location): Uint8Array {
  const found = wanted === undefined ? undefined : contentHash(bytes);
  if (wanted !== undefined && found !== wanted.toLowerCase())
    fail('model/hash', `${what} has sha256 ${found}, not ${wanted}`, {
      at,
      hint: 'the file has changed, or the recipe means another one',
    });
  return bytes;
}

/**
 * What finn.lock calls a source: its URL, or its command and which of the files that this makes is meant; nothing for a file, which lies
 * beside the recipe.
 */
export function sourceName(source: ModelSource): string | undefined {
  if (source.kind === 'run') return `${source.command.join(' ')} → ${source.output}`;
  return source.kind === 'url' ? source.url : undefined;
}

type UrlSource = Extract<ModelSource, { kind: 'url' }>;

/**
 * What a URL gives: from earlier downloads or a mirror where its sha256 is known (recipe or lock), else over the
 * network, which a plan never touches.
 */
async function fetched(
  source: UrlSource,
  settings: NetworkSettings,
  host: Host,
): Promise<Uint8Array | UnknownUntilRun> {
  const { project, network, pins } = settings;
  const wanted = (source.sha256 ?? pins.get(source.url))?.toLowerCase();
  // It becomes the name of a file.
  if (wanted !== undefined && !/^[0-9a-f]{64}$/.test(wanted))
    fail('lock/malformed', `finn.lock has no sha256 of ${source.url}, but ${JSON.stringify(wanted.slice(0, 80))}`, {
      at: network.at,
      hint: 'delete it; the next build writes it anew',
    });
  const downloads = join(project.cache.path, 'downloads');
  const noted = (bytes: Uint8Array): Uint8Array => {
    settings.fetched.set(source.url, contentHash(bytes));
    return bytes;
  };
  if (wanted !== undefined) {
    const kept = join(downloads, wanted);
    if (existsSync(kept)) {
      const bytes = await host.read(kept);
      if (contentHash(bytes) === wanted) return noted(bytes);
    }
    const index = join(project.cache.path, 'mirrors.json');
    const mirrored = inMirrors(wanted, project.mirrors, index, settings.mayNote ?? false);
    if (mirrored) return noted(mirrored);
  }
  if (host.mode === 'plan') return unknownUntilRun(`the model is fetched from ${source.url}`);
  host.note(`fetching ${source.url}`);
  return noted(await download(source.url, { folder: downloads, sha256: wanted, at: network.at, ...host }));
}

/** A model with the files of its folder that hold data of its tensors: they count as sources, as the model does. */
async function withExternal(host: Host, onnx: Uint8Array, path: string, at: Location): Promise<Sources> {
  const beside: Record<string, Uint8Array> = {};
  const folder = dirname(path);
  let files: ReadonlyMap<string, string>;
  try {
    files = externalFiles(onnx, folder);
  } catch (cause) {
    // Those that are not there are watched from now on.
    for (const name of externalNames(onnx)) if (staysBelow(name)) await host.read(join(folder, name)).catch(() => {});
    throw cause;
  }
  for (const [name, place] of files) beside[name] = await readNamed(host, place, at);
  return modelSources(onnx, beside);
}

export const fetchModel = networkStep({
  name: 'fetch',
  doc: 'Reads the model’s file or fetches it, and checks its hash.',
  needs: {},
  makes: { model },
  applies: ({ network }) => network.model.kind !== 'run',
  config: () => ({}),
  async sources(settings, host): Promise<Sources | UnknownUntilRun> {
    const { model: source, at } = settings.network;
    if (source.kind === 'run') return {};
    const name = source.kind === 'file' ? source.path : source.url;
    const bytes =
      source.kind === 'file'
        ? checked(await readNamed(host, source.path, at), source.sha256, source.path, at)
        : await fetched(source, settings, host);
    if (!(bytes instanceof Uint8Array)) return bytes;
    const onnx = source.member === undefined ? bytes : await memberOf(bytes, source.member, name, at);
    // What goes into the cache, and from there to a team's, is a model and not whatever else a recipe names.
    if (!scanModel(onnx).isModel)
      fail('onnx/malformed', `${name} is not an ONNX file (${onnx.length} bytes)`, {
        at,
        hint: 'it may be truncated, or something else; an archive needs `member`',
      });
    return source.kind === 'file' && source.member === undefined
      ? withExternal(host, onnx, source.path, at)
      : modelSources(onnx);
  },
  run: async (_, { sources }) => ({ model: modelFromSources(sources) }),
});

type RunSource = Extract<ModelSource, { kind: 'run' }>;
const asRun = ({ model: source }: NetworkSettings['network']): RunSource => source as RunSource;

/**
 * The program of a `run` source as a tool. What a program of the machine prints on `--version` is in the key; one that is given by
 * its path is not asked, since it may be anything: its content is.
 */
function programOf([program = '']: readonly string[]): Tool {
  const isPath = program.includes('/');
  const name = basename(program).replaceAll(/[^\w.+-]/g, '_');
  return {
    // It becomes the name of a log. Two programs of one name are two tools.
    name: isPath ? `${name}-${sha256(program).slice(0, 8)}` : name,
    program: {
      kind: 'native',
      command: program,
      version: { args: isPath ? [] : ['--version'], pattern: /(?<!\S)(?<version>\S*\d\S*)/ },
    },
    log: [],
  };
}

/** Why the program that makes a network's model may not run; undefined where it may, or where there is none. */
export function untrusted({ network, recipe, project, mayRun }: NetworkSettings): Diagnostic | undefined {
  const { model: source, at } = network;
  if (source.kind !== 'run' || mayRun || project.trusts(source.recipe)) return undefined;
  return error('trust/run', `${recipe.path} wants to run \`${source.command.join(' ')}\``, {
    at,
    hint: 'read what it does, then pass --allow-run, or name the recipe under `trust: run:` in finn.config.yaml',
  });
}

/** Fails where a file cannot be an input: it lies elsewhere, by its path or as a link, or its name is a program's trap. */
function checkInput(folder: string, path: string, at: Location): void {
  if (/^[\w.+-]+(\/[\w.+-]+)*$/.test(path) && staysBelow(path) && !path.startsWith('-')) {
    const full = join(folder, path);
    if (!existsSync(full) || contains(realpathSync(folder), realpathSync(full))) return;
  }
  fail('recipe/model-source', `'${path}' cannot be an input of the program that makes the model`, {
    at,
    hint: 'it runs in a folder that holds its inputs and nothing else: files below the recipe’s folder, in paths of letters, digits and . _ + -',
  });
}

export const runModel = networkStep({
  name: 'run-model',
  doc: 'Runs the recipe’s command that makes the model; its input files count as inputs.',
  needs: {},
  makes: { model },
  applies: ({ network }) => network.model.kind === 'run',
  config: ({ network }) => {
    const { command, output, sha256: wanted } = asRun(network);
    return { command, output, sha256: wanted };
  },
  async sources(settings, host) {
    const { network } = settings;
    const { command, folder, inputs } = asRun(network);
    const refused = untrusted(settings);
    if (refused && host.mode === 'run') throw new FinnError(refused);
    for (const path of inputs) checkInput(folder, path, network.at);
    // Nothing is asked of a program that may not run, not even its version.
    if (refused) return unknownUntilRun(`the model is made by \`${command.join(' ')}\``);
    const read = await Promise.all(
      inputs.map(async (path) => [path, await readNamed(host, join(folder, path), network.at)] as const),
    );
    return Object.fromEntries(read);
  },
  tools: (settings) => (untrusted(settings) ? [] : [programOf(asRun(settings.network).command)]),
  async run(_, { config, sources, call, note }) {
    note(`runs \`${config.command.join(' ')}\``);
    const [, ...args] = config.command;
    const made = await call({
      tool: programOf(config.command),
      args,
      files: sources,
      outputs: { model: config.output },
      label: config.command.join(' '),
    });
    const found = contentHash(made.model);
    if (config.sha256 !== undefined && config.sha256.toLowerCase() !== found)
      fail('model/hash', `\`${config.command.join(' ')}\` made a model with sha256 ${found}, not ${config.sha256}`);
    return { model: { onnx: made.model, beside: {} } };
  },
});

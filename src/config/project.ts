import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type Diagnostic, error } from '../diagnostics/diagnostic.ts';
import { contains } from '../util/files.ts';
import { reason } from '../util/system-error.ts';
import { type SlurmSettings, slurmSettings } from './cluster.ts';
import { isCommitted } from './committed.ts';
import { timeLimits } from './duration.ts';
import { type Environment, ownEnvironment } from './environment.ts';
import { readSource } from './read.ts';
import type { ConfigFile } from './types.gen.ts';
import { validate } from './validate.ts';

/** What is true of this machine: finn.config.yaml, the environment and the machine itself. Paths are absolute. */
export interface Project {
  /** The finn.config.yaml that counts, if there is one. */
  readonly configPath?: string;
  /** The cache, `.finn/` by default. */
  readonly cache: { readonly path: string; readonly bytes: number };
  /** The cache that a team shares, if there is one. */
  readonly remote?: RemoteSettings;
  /** How heavy steps become Slurm jobs, where they do. */
  readonly slurm?: SlurmSettings;
  /** Seconds that one call of a tool may take, by step. */
  readonly timeLimits: ReadonlyMap<string, number>;
  /** Files of plug-ins. */
  readonly plugins: readonly string[];
  /** Threads and MB to use at once. */
  readonly jobs: number;
  readonly memoryMb: number;
  /** Where native tools lie, by name, where finn.config.yaml says so; the others are looked for on PATH. */
  readonly tools: ReadonlyMap<string, string>;
  /** Folders in which a source is found by its sha256. */
  readonly mirrors: readonly string[];
  /** Folders and files outside of the project that recipes may read. */
  readonly readable: readonly string[];
  /** Whether the `run` sources of a recipe, or the command of a board file, may execute. */
  trusts(recipe: string): boolean;
  /** Whether a plug-in may be loaded. */
  trustsPlugin(path: string): boolean;
  readonly display: { readonly style: 'auto' | 'plain'; readonly color: 'auto' | 'always' | 'never' };
}

/** A cache over HTTP. */
export interface RemoteSettings {
  readonly url: string;
  readonly mode: 'read' | 'read-write';
  /** How long an answer may take. */
  readonly timeoutMs: number;
  /** The Authorization header, if the environment has credentials: for requests only, never for a log or a file. */
  readonly authorization?: string;
}

/** The machine's or team's side of a project. */
export const configName = 'finn.config.yaml';

/** The config that FINN_CONFIG names, else the nearest finn.config.yaml upward from a file. */
function findConfig(recipe: string, environment: Environment): string | undefined {
  if (environment['FINN_CONFIG']) return resolve(environment['FINN_CONFIG']);
  for (let folder = dirname(resolve(recipe)); ; folder = dirname(folder)) {
    const path = join(folder, configName);
    if (existsSync(path)) return path;
    if (folder === dirname(folder)) return undefined;
  }
}

/** '20GB' in bytes; undefined where it is no size. */
export function parseSize(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?) ?([kMGT]?)B$/.exec(text) ?? [];
  return number === undefined ? undefined : Math.round(Number(number) * 1000 ** ['', 'k', 'M', 'G', 'T'].indexOf(unit));
}

/**
 * The machine's side of a build. `environment` is that of this process unless a test says otherwise: FINN_CONFIG names the file, FINN_JOBS and FINN_CACHE
 * replace what it says, FINN_REMOTE_… are the shared cache's credentials, NO_COLOR and FORCE_COLOR are heeded. There is a project whatever is wrong with the file:
 * what the diagnostics refuse has its default.
 */
export function loadProject(
  recipePath: string,
  environment: Environment = ownEnvironment,
): { readonly project: Project; readonly diagnostics: readonly Diagnostic[] } {
  const configPath = findConfig(recipePath, environment);
  const diagnostics: Diagnostic[] = [];
  const file = configPath === undefined ? {} : readConfig(configPath, diagnostics);
  const home = configPath === undefined ? dirname(resolve(recipePath)) : dirname(configPath);
  const at = (path: string): string => resolve(home, path);

  // A config from elsewhere is no place for the caches of everything that is built with it.
  const beside = environment['FINN_CONFIG'] ? dirname(resolve(recipePath)) : home;
  const cache = environment['FINN_CACHE']
    ? resolve(environment['FINN_CACHE'])
    : file.cache?.path === undefined
      ? join(beside, '.finn')
      : at(file.cache.path);
  if (existsSync(cache) && isCommitted(cache))
    diagnostics.push(
      error('cache/committed', `the cache ${cache} is checked into git: its results are of whoever committed them`, {
        hint: 'take it out (`git rm -r --cached`) and delete it, or name another folder in FINN_CACHE',
      }),
    );
  const unreadable = existsSync(cache) ? whyUnreadable(cache) : undefined;
  if (unreadable !== undefined)
    diagnostics.push(
      error('cache/read', `cannot read the cache ${cache}: ${unreadable}`, {
        hint: 'its owner has to let you read it; or name another folder under `cache: { path: … }`, or in FINN_CACHE',
      }),
    );
  const paths = (list: readonly string[] | undefined): string[] => (list ?? []).filter((path) => path).map(at);
  const trusted = paths(file.trust?.run);
  const plugins = paths(file.trust?.plugins);
  const project: Project = {
    ...(configPath !== undefined && { configPath }),
    cache: { path: cache, bytes: parseSize(file.cache?.size ?? '20GB') ?? 20e9 },
    ...(file.cache?.remote?.url !== undefined && {
      remote: remoteOf(file.cache.remote, authorizationOf(environment, diagnostics)),
    }),
    ...(file.executor === 'slurm' && { slurm: slurmSettings(file.slurm ?? {}) }),
    timeLimits: timeLimits(file.time_limits),
    plugins: paths(file.plugins),
    jobs: jobsOf(environment, diagnostics) ?? file.jobs ?? availableParallelism(),
    memoryMb: file.memory_mb ?? Math.max(256, Math.floor((totalmem() / 1e6) * 0.75)),
    tools: new Map(Object.entries(file.tools ?? {}).map(([tool, path]) => [tool, at(path)])),
    mirrors: paths(file.mirrors),
    readable: paths(file.trust?.read),
    trusts: (recipe) => trusted.some((path) => contains(path, resolve(recipe))),
    trustsPlugin: (plugin) => plugins.some((path) => contains(path, resolve(plugin))),
    display: { style: file.display?.style ?? 'auto', color: colorOf(environment, file) },
  };
  return { project, diagnostics };
}

/** Why a cache cannot be read, in words; undefined where it can. */
function whyUnreadable(cache: string): string | undefined {
  try {
    if (!statSync(cache).isDirectory()) return 'it is no folder';
    accessSync(cache, constants.R_OK | constants.X_OK);
    return undefined;
  } catch (cause) {
    return reason(cause);
  }
}

function readConfig(path: string, diagnostics: Diagnostic[]): ConfigFile {
  const read = readSource(path);
  diagnostics.push(...read.diagnostics);
  // An empty file, or one of comments only, is a config that says nothing.
  if (!read.source || read.source.value === null) return {};
  const validated = validate('config', read.source);
  diagnostics.push(...validated.diagnostics);
  return validated.value as ConfigFile;
}

function remoteOf(
  { url, mode, timeout_s }: NonNullable<NonNullable<ConfigFile['cache']>['remote']>,
  authorization: string | undefined,
): RemoteSettings {
  const timeoutMs = (timeout_s ?? 10) * 1000;
  return { url, mode: mode ?? 'read', timeoutMs, ...(authorization !== undefined && { authorization }) };
}

/**
 * FINN_REMOTE_TOKEN, or FINN_REMOTE_USER and FINN_REMOTE_PASSWORD, are the only place of credentials. The end of a line
 * behind them is none of them: files of secrets have one.
 */
function authorizationOf(environment: Environment, diagnostics: Diagnostic[]): string | undefined {
  const given = (name: string): string => (environment[name] ?? '').replace(/[\r\n]+$/, '');
  const wrong = (name: string, why: string): undefined => {
    diagnostics.push(error('config/wrong-value', `${name} ${why}`));
    return undefined;
  };
  const token = given('FINN_REMOTE_TOKEN');
  if (token) {
    if (/^[\x21-\x7e]+$/.test(token)) return `Bearer ${token}`;
    return wrong('FINN_REMOTE_TOKEN', 'has characters that no token has: spaces, ends of lines, or others than ASCII');
  }
  const user = given('FINN_REMOTE_USER');
  if (!user) return undefined;
  if (user.includes(':')) return wrong('FINN_REMOTE_USER', 'has a colon in it, which divides user from password');
  return `Basic ${Buffer.from(`${user}:${given('FINN_REMOTE_PASSWORD')}`).toString('base64')}`;
}

function jobsOf(environment: Environment, diagnostics: Diagnostic[]): number | undefined {
  const text = environment['FINN_JOBS'];
  if (!text) return undefined;
  if (/^[1-9][0-9]{0,3}$/.test(text)) return Number(text);
  diagnostics.push(
    error('config/wrong-value', `FINN_JOBS is ${JSON.stringify(text)}; it must be a whole number from 1 to 9999`),
  );
  return undefined;
}

function colorOf(environment: Environment, file: ConfigFile): Project['display']['color'] {
  const set = file.display?.color ?? 'auto';
  if (set !== 'auto') return set;
  if (environment['NO_COLOR']) return 'never';
  return environment['FORCE_COLOR'] && environment['FORCE_COLOR'] !== '0' ? 'always' : 'auto';
}

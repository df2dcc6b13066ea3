import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { FinnError, fail } from '../diagnostics/diagnostic.ts';
import type { EngineEvent, InstanceId } from '../engine/events.ts';
import { planHost } from '../engine/readings.ts';
import { type News, Watcher } from '../engine/watch.ts';
import { lower } from '../steps/lower.ts';
import { readIfThere } from '../util/files.ts';
import type { Io } from './session.ts';
import { Builds, type Ended } from './watch-builds.ts';
import { FileWatch } from './watch-files.ts';
import { type LookOptions, Lookout, type Sight, type Wish } from './watch-look.ts';
import { type Rows, rowsOf } from './watch-rows.ts';
import { watchScreen } from './watch-screen.ts';

export interface WatchOptions extends LookOptions {
  readonly json?: boolean | undefined;
  readonly out: string;
}

/** Editors save in bursts; a change that follows within this time belongs to the one before. Milliseconds. */
const QUIET = 50;

/** The files of a build's folder that are shown. */
const reportNames = [
  'report/estimate_layer_cycles.json',
  'report/estimate_layer_resources.json',
  'report/estimate_network_performance.json',
  'report/rtlsim_performance.json',
  'report/post_synth_resources.json',
  'report/post_route_timing.json',
  'verification_output/verdicts.json',
] as const;

/** What a build of a session came to. */
interface Result {
  readonly ok: boolean;
  readonly ended: Ended;
  /** Builds that failed, or that others' failures kept from being made. */
  readonly failed: ReadonlySet<string>;
}

/**
 * `finn watch`: builds, and builds again whenever something that the recipe is made from is saved, until it is interrupted: exit
 * status 130. What is wrong with the recipe is shown, and it waits for that to be mended; what is wrong with the command
 * line is thrown.
 */
export async function watch(recipe: string, options: WatchOptions, io: Io): Promise<number> {
  if (!existsSync(recipe))
    fail('config/unreadable', `there is no recipe ${recipe}`, { hint: '`finn init` writes one' });
  // Diagnostics go where the rest goes: to stdout.
  io.color &&= io.terminal;
  const watching = new Watching(recipe, options, io);
  const interrupted = new Promise<void>((resolve) => {
    if (io.signal.aborted) resolve();
    io.signal.addEventListener('abort', () => resolve());
  });
  try {
    await watching.until(interrupted);
  } finally {
    await watching.close();
  }
  return 130;
}

class Watching {
  readonly #recipe: string;
  readonly #options: WatchOptions;
  readonly #io: Io;
  readonly #screen: ReturnType<typeof watchScreen>;
  readonly #builds = new Builds();
  readonly #lookout: Lookout;
  readonly #files: FileWatch;
  readonly #watcher: Watcher<Wish, Result, Sight>;
  readonly #closing = new AbortController();
  /** Of each build the last result that was good. */
  readonly #before = new Map<string, Rows | undefined>();
  /** Files that are watched. */
  #watched = 0;
  /** When the first of the changes came that the next look is about. */
  #since = performance.now();
  #settled = true;

  #refuse: (cause: FinnError) => void = () => {};
  readonly #refused = new Promise<never>((_, reject) => {
    this.#refuse = reject;
  });

  constructor(recipe: string, options: WatchOptions, io: Io) {
    this.#recipe = recipe;
    this.#options = options;
    this.#io = io;
    this.#screen = watchScreen(options.json ?? false, io);
    this.#lookout = new Lookout(recipe, options, io);
    this.#files = new FileWatch((path) => {
      if (this.#settled) this.#since = performance.now();
      this.#settled = false;
      this.#watcher.changed(path);
    });
    this.#watcher = new Watcher<Wish, Result, Sight>({
      look: () => this.#lookout.look(this.#closing.signal),
      build: (wish, signal) => this.#build(wish, signal),
      observe: (paths) => this.#files.observe(paths),
      later: (call) => {
        const timer = setTimeout(call, QUIET);
        return () => clearTimeout(timer);
      },
      tell: (news) => this.#tell(news),
    });
  }

  async until(interrupted: Promise<void>): Promise<void> {
    this.#builds.warm();
    this.#watcher.start();
    await Promise.race([interrupted, this.#watcher.broken, this.#refused]);
    this.#screen.stopped();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#watcher.close();
    await Promise.all([this.#files.close(), this.#builds.close()]);
  }

  #tell(news: News<Wish, Result, Sight>): void {
    switch (news.type) {
      case 'looked':
        this.#settled = true;
        this.#watched = news.looked.paths.length;
        this.#looked(news.looked, news.changed);
        break;
      case 'same':
        this.#settled = true;
        this.#screen.same(news.changed);
        break;
      case 'started': {
        // Before the build can replace it.
        const { session } = news.wanted;
        for (const { name } of session.builds) this.#last(session.recipe.name, name);
        break;
      }
      case 'superseded':
        this.#screen.superseded();
        break;
      case 'built':
        this.#built(news.wanted, news.result);
        break;
      case 'idle':
        this.#screen.idle(this.#watched);
        break;
    }
  }

  #looked(sight: Sight, changed: readonly string[]): void {
    // What the command line asks for is not mended by saving a file.
    if (sight.wrong.some(({ code }) => code === 'cli/usage')) this.#refuse(new FinnError(...sight.wrong));
    this.#screen.looked(sight, changed);
    if (!sight.wanted) return;
    for (const build of sight.wanted.estimates.keys()) this.#estimated(sight.wanted, build);
  }

  /** Shows the estimates of a build as soon as they are there. */
  #estimated({ session, estimates }: Wish, build: string): void {
    const rows = rowsOf(estimates.get(build) ?? {});
    const seconds = (performance.now() - this.#since) / 1000;
    if (rows) this.#screen.estimated({ build, rows, before: this.#last(session.recipe.name, build), seconds });
  }

  /** The last good result of a build, be it of long ago; asked for before the build that replaces it. */
  #last(recipe: string, build: string): Rows | undefined {
    if (!this.#before.has(build)) this.#before.set(build, rowsOf(reportsOf(this.#folder(recipe, build))));
    return this.#before.get(build);
  }

  #folder = (recipe: string, build: string): string => join(this.#options.out, recipe, build);

  async #build(wish: Wish, signal: AbortSignal): Promise<Result> {
    const { build, until, jobs, allowRun, out } = this.#options;
    const failed = new Set<string>();
    const hear = (stream: 'out' | 'err', line: string): void => {
      if (signal.aborted) return;
      if (stream === 'err') {
        this.#screen.line(line);
        return;
      }
      const event = JSON.parse(line) as EngineEvent;
      this.#screen.event(event, wish.session);
      if (event.type === 'failed' || event.type === 'skipped')
        for (const name of buildsOf(wish, event.id)) failed.add(name);
      const lacking = wish.estimates.size < wish.session.builds.length;
      if (lacking && event.type === 'finished' && event.id.step === lower.name) void this.#lowered(wish, signal);
    };
    const options = { build, until, jobs, allowRun, out, keepGoing: true };
    const ended = await this.#builds.build(this.#recipe, options, this.#io.color, signal, hear);
    return { ok: ended.ok, ended, failed };
  }

  /** Layers of a network have been made: estimates of its builds need not wait for their FIFOs. */
  async #lowered({ session, networks, estimates }: Wish, signal: AbortSignal): Promise<void> {
    const host = planHost(signal);
    try {
      const found = await this.#lookout.estimates.all(session, networks, host);
      const more = new Map([...found].filter(([build]) => !estimates.has(build)));
      if (signal.aborted || this.#builds.idle) return;
      for (const build of more.keys()) this.#estimated({ session, networks, estimates: more }, build);
    } catch (cause) {
      // Folding says so itself.
      if (!(cause instanceof FinnError)) throw cause;
    }
  }

  #built({ session }: Wish, { ended, failed }: Result): void {
    const { seconds, refused } = ended;
    if (refused.length > 0) this.#screen.refused(refused, session);
    for (const { name } of session.builds) {
      const folder = this.#folder(session.recipe.name, name);
      const before = this.#last(session.recipe.name, name);
      if (refused.length > 0 || failed.has(name)) {
        this.#screen.notBuilt(name, existsSync(join(folder, 'build.json')) ? folder : undefined);
        continue;
      }
      const reports = reportsOf(folder);
      const rows = rowsOf(reports);
      this.#screen.built({ build: name, rows, before, seconds }, folder, reports);
      if (rows) this.#before.set(name, rows);
    }
  }
}

/** The builds that an instance is of: one, or all of its network. */
const buildsOf = ({ session }: Wish, { scope: [network, build] }: InstanceId): string[] =>
  session.builds.flatMap((one) =>
    one.network.name === network && (build === undefined || build === one.name) ? [one.name] : [],
  );

function reportsOf(folder: string): Record<string, Uint8Array> {
  return Object.fromEntries(
    reportNames.flatMap((name): [string, Uint8Array][] => {
      const bytes = readIfThere(join(folder, name));
      return bytes ? [[name, bytes]] : [];
    }),
  );
}

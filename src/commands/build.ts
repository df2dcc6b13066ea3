import { type Diagnostic, FinnError } from '../diagnostics/diagnostic.ts';
import { chooseScreen } from '../ui/choose.ts';
import { checkLock } from './check-lock.ts';
import { diagnosticJson } from './diagnostic-json.ts';
import { checkExpectations } from './expect.ts';
import { emptyLock, extendLock, type Lock, lockChanges, lockedTools, sourceDrift, writeLock } from './lock.ts';
import { NoteKeeper } from './no-op/keeper.ts';
import { sourcesOf } from './pinned.ts';
import { writeResults } from './results.ts';
import { type Io, openSession, refuseUntrusted } from './session.ts';
import { summary } from './summary.ts';
import { checkSteps, wantedOf } from './wanted.ts';

export interface BuildOptions {
  readonly build?: readonly string[] | undefined;
  readonly until?: string | undefined;
  readonly jobs?: number | undefined;
  readonly force?: readonly string[] | undefined;
  readonly keepGoing?: boolean | undefined;
  readonly locked?: boolean | undefined;
  readonly allowRun?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly plain?: boolean | undefined;
  /** Build twice and compare. */
  readonly check?: boolean | undefined;
  /** One of the builds that are compared: in an order of this seed, alone, and without a word to finn.lock. */
  readonly rehearse?: number | undefined;
  /** What failed before, by key: it is not tried again, and what fails is added. */
  readonly failures?: Map<string, readonly Diagnostic[]> | undefined;
  readonly out: string;
}

/** `finn build`: exit status 0 done, 1 a step failed, 3 a tool is missing, 130 interrupted; what is wrong before is thrown. */
export async function build(recipe: string, options: BuildOptions, terminal: Io): Promise<number> {
  const keeper = isPlain(options) && terminal.words && new NoteKeeper(recipe, terminal.words, terminal);
  const io = keeper ? keeper.io : terminal;
  const session = openSession(
    recipe,
    {
      builds: options.build,
      jobs: options.jobs,
      allowRun: options.allowRun,
      locked: options.locked,
      alone: options.rehearse !== undefined,
      building: true,
    },
    io,
  );
  refuseUntrusted(session);
  checkSteps(session, options.force);
  const graph = session.engine.graph(wantedOf(session, options.until));
  if (options.locked && session.lock) await checkLock(session, session.lock, graph, io);
  const drawn = io.terminal && !options.plain && session.project.display.style === 'auto';
  const screen = await chooseScreen({
    json: options.json ?? false,
    terminal: drawn,
    write: io.out,
    render: session.render,
  });
  const built = await session.engine.run(graph, {
    display: keeper ? keeper.hear(screen.display) : screen.display,
    signal: io.signal,
    force: options.force,
    keepGoing: options.keepGoing,
    failures: options.failures,
    seed: options.rehearse,
  });
  await screen.close();
  await session.executor.close();
  const sources = sourcesOf(session, built);
  const drifted = options.locked && session.lock ? sourceDrift(session.lock, sources) : [];
  if (drifted.length > 0) throw new FinnError(...drifted);
  const made = await writeResults(session, built, { out: options.out, judged: options.until === undefined });
  if (!options.json) for (const line of summary(made)) io.out(line);
  const missed =
    options.until === undefined ? made.flatMap(({ build: one, files }) => checkExpectations(one, files)) : [];
  for (const diagnostic of missed) {
    io.err(session.render(diagnostic));
    if (options.json) io.out(JSON.stringify({ type: 'missed', ...diagnosticJson(diagnostic) }));
  }
  // What was fetched is pinned even where a later step failed.
  const ok = built.ok && missed.length === 0;
  if (!options.locked && options.rehearse === undefined && (session.lock || sources.size > 0)) {
    const before = session.lock ?? emptyLock;
    const after = extendLock(before, sources, ok ? lockedTools(built.outcomes) : {});
    if (session.lock && !options.json)
      for (const line of lockChanges(before, after, { replaced: true })) io.err(`finn.lock: ${line}`);
    pin(recipe, after, (diagnostic) => io.err(session.render(diagnostic)));
  }
  if (built.interrupted) return 130;
  if (ok) {
    if (keeper)
      await keeper.keep(
        session,
        built,
        made.map(({ folder }) => folder),
      );
    return 0;
  }
  const lacking = built.outcomes.some(({ diagnostics }) =>
    diagnostics.some(({ code }) => code === 'tool/missing' || code === 'tool/version'),
  );
  return lacking ? 3 : 1;
}

/** May a build like this be answered from what the last one was? One that is to run or to print something else each time may not. */
const isPlain = ({ json, force, check, rehearse }: BuildOptions): boolean =>
  !json && !force?.length && !check && rehearse === undefined;

/** Writes finn.lock. Where that cannot be, what was built is right all the same: that it is not pinned is said. */
function pin(recipe: string, lock: Lock, warn: (diagnostic: Diagnostic) => void): void {
  try {
    writeLock(recipe, lock);
  } catch (cause) {
    if (!(cause instanceof FinnError)) throw cause;
    for (const diagnostic of cause.diagnostics) warn({ ...diagnostic, severity: 'warning' });
  }
}

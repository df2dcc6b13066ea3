import { relative } from 'node:path';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { EngineEvent } from '../engine/events.ts';
import type { Verdict } from '../steps/verify/verdict.ts';
import { plainScreen } from '../ui/plain.ts';
import { nameOf } from '../ui/screen.ts';
import { diagnosticJson } from './diagnostic-json.ts';
import { measured } from './expect.ts';
import { readReport } from './resource-reports.ts';
import type { Io, Session } from './session.ts';
import { plural, secondsText } from './table.ts';
import type { Sight } from './watch-look.ts';
import { type Rows, rowData, rowLines } from './watch-rows.ts';

/** A build as it is shown: its rows, and those of the last one that was good. */
export interface Shown {
  readonly build: string;
  /** Absent where nothing was folded. */
  readonly rows: Rows | undefined;
  readonly before: Rows | undefined;
  readonly seconds: number;
}

/** How `finn watch` shows what happens. */
export interface WatchScreen {
  /** Something else than before was found. */
  looked(sight: Sight, changed: readonly string[]): void;
  /** Files were saved, but what they come to is the same. */
  same(changed: readonly string[]): void;
  /** Estimates that do not wait for the build. */
  estimated(shown: Shown): void;
  superseded(): void;
  /** An event of the build. */
  event(event: EngineEvent, session: Session): void;
  /** A line of the build for people. */
  line(text: string): void;
  /** What was wrong with a build before anything ran. */
  refused(diagnostics: readonly Diagnostic[], session: Session): void;
  /** `reports` are what the build's folder holds. */
  built(shown: Shown, folder: string, reports: Readonly<Record<string, Uint8Array>>): void;
  /** A build failed; `folder` is where its last good result lies, if there is one. */
  notBuilt(build: string, folder: string | undefined): void;
  idle(files: number): void;
  stopped(): void;
}

export const watchScreen = (json: boolean, io: Io): WatchScreen => (json ? jsonWatchScreen(io) : plainWatchScreen(io));

const shown = (paths: readonly string[]): string[] => paths.map((path) => relative('.', path) || path);

/** Stages at which outputs were compared with what they should be. */
const stagesOf = (reports: Readonly<Record<string, Uint8Array>>): string[] =>
  (readReport<Verdict[]>(reports, 'verification_output/verdicts.json') ?? []).flatMap(({ stage, vectors }) =>
    vectors > 0 ? [stage] : [],
  );

/** What was found by more than estimates: simulation, synthesis, place and route, comparisons. */
function truths(reports: Readonly<Record<string, Uint8Array>>): string[] {
  const values = measured(reports);
  const cycles = (n: number | undefined): string => `${n} cycles`;
  const stages = stagesOf(reports);
  const simulated = reports['report/rtlsim_performance.json'] !== undefined;
  return [
    ...(simulated
      ? [`simulated: a frame every ${cycles(values.interval_cycles)}, ${cycles(values.latency_cycles)} latency`]
      : []),
    ...(reports['report/post_synth_resources.json'] ? [`synthesized: ${values.lut} LUT, ${values.bram ?? 0} RAM`] : []),
    ...(values.fmax_mhz === undefined ? [] : [`placed and routed: ${values.fmax_mhz.toFixed(1)} MHz`]),
    ...(values.accuracy === undefined ? [] : [`accuracy ${(100 * values.accuracy).toFixed(2)} %`]),
    ...(stages.length > 0 ? [`verified: ${stages.join(', ')}`] : []),
  ];
}

/** Everything to stdout, in order: what is wrong is part of what is shown. */
function plainWatchScreen({ out }: Io): WatchScreen {
  let warned: readonly string[] = [];
  let engine: ReturnType<typeof plainScreen> | undefined;
  /** Steps that began in this build, and what failed in it and in the one before, as text. */
  let began = new Set<string>();
  let failed = new Map<string, string>();
  let failedBefore = new Map<string, string>();
  const lines = (rows: Rows | undefined, before: Rows | undefined): void => {
    for (const line of rows ? rowLines(rows, before) : []) out(line);
  };
  const begin = (): void => {
    engine = undefined;
    began = new Set();
    failedBefore = new Map([...failedBefore, ...failed]);
    failed = new Map();
  };
  return {
    looked(sight, changed) {
      if (changed.length > 0) out(`changed: ${shown(changed).join(', ')}`);
      for (const line of sight.warnings) if (!warned.includes(line)) out(line);
      warned = sight.warnings;
      for (const one of sight.wrong) out(sight.render(one));
    },
    same: (changed) => out(`saved: ${shown(changed).join(', ')}; nothing is to be built anew`),
    estimated({ build, rows, before, seconds }) {
      out(`${build}: estimated in ${secondsText(seconds)}`);
      lines(rows, before);
    },
    superseded: () => out('the build that runs is out of date: it is ended'),
    event(event, { render }) {
      if (event.type === 'planned' && !engine) begin();
      engine ??= plainScreen({ write: out, render });
      if (event.type === 'started') began.add(nameOf(event.id));
      if (event.type === 'failed') {
        const name = nameOf(event.id);
        failed.set(name, JSON.stringify(event.diagnostics));
        if (!began.has(name) && failedBefore.get(name) === failed.get(name)) {
          out(`✗ ${name}: failed before with the same inputs, and is not tried again`);
          for (const one of event.diagnostics) out(render(one));
          return;
        }
      }
      engine.display(event);
      if (event.type === 'done') begin();
    },
    line: (text) => {
      if (!warned.includes(text)) out(text);
    },
    refused(diagnostics, { render }) {
      for (const one of diagnostics) out(render(one));
    },
    built({ build, rows, before, seconds }, folder, reports) {
      out(`${build}: built in ${secondsText(seconds)}, ${folder}`);
      lines(rows, before);
      for (const line of truths(reports)) out(`  ${line}`);
    },
    notBuilt: (build, folder) =>
      out(`${build}: not built${folder === undefined ? '' : `; the last good result stays in ${folder}`}`),
    idle: (files) => out(`watching ${plural(files, 'file')} for changes…`),
    stopped: () => out('stopped'),
  };
}

function jsonWatchScreen(io: Io): WatchScreen {
  const write = (event: Readonly<Record<string, unknown>>): void => io.out(JSON.stringify(event));
  return {
    looked(sight, changed) {
      write({ type: 'looked', changed: shown(changed), right: sight.wrong.length === 0 });
      for (const one of sight.wrong) write({ type: 'wrong', ...diagnosticJson(one, sight.locate) });
    },
    same: (changed) => write({ type: 'same', changed: shown(changed) }),
    estimated: ({ build, rows, before, seconds }) =>
      write({ type: 'estimated', build, seconds, ...(rows && rowData(rows, before)) }),
    superseded: () => write({ type: 'superseded' }),
    event: (event) => write({ ...event }),
    line: (text) => io.err(text),
    refused(diagnostics, { recipe }) {
      for (const one of diagnostics) write({ type: 'wrong', ...diagnosticJson(one, recipe.locate) });
    },
    built: ({ build, rows, before, seconds }, folder, reports) =>
      write({
        type: 'built',
        build,
        folder,
        seconds,
        ...(rows && rowData(rows, before)),
        measured: measured(reports),
        verified: stagesOf(reports),
      }),
    notBuilt: (build, folder) => write({ type: 'not-built', build, folder }),
    idle: (files) => write({ type: 'idle', files }),
    stopped: () => write({ type: 'stopped' }),
  };
}

import type { Build } from '../config/model.ts';
import type { Verdict } from '../steps/verify/verdict.ts';
import { placeAndRoute } from '../tools/place-and-route.ts';
import { measured } from './expect.ts';
import { readReport } from './resource-reports.ts';
import { table } from './table.ts';

type Reports = Readonly<Record<string, Uint8Array>>;

/** A build that was made: its reports and its folder. */
export interface Made {
  readonly build: Build;
  readonly files: Reports;
  readonly folder: string;
}

/** What the builds came to, a row each: what was measured, and with `~` what is only estimated. */
export function summary(made: readonly Made[]): string[] {
  if (made.length === 0) return [];
  const rows = made.map(rowOf);
  const heading = [
    '',
    'CYCLES',
    'FRAMES/S',
    'LATENCY',
    'LUT',
    'CELLS',
    'RAM',
    'FMAX',
    'ACCURACY',
    'VERIFIED',
    'FOLDER',
  ];
  const numbers = ['left', 'right', 'right', 'right', 'right', 'right', 'right', 'right', 'right'] as const;
  // A column in which no build has anything is left out; that of the folder stays last.
  const kept = heading.flatMap((_, i) => (i === 0 || rows.some((row) => row[i] !== '') ? [i] : []));
  const pick = (row: readonly string[]): string[] => kept.map((i) => row[i]!);
  return table(
    pick(heading),
    rows.map(pick),
    kept.map((i) => numbers[i] ?? 'left'),
  );
}

function rowOf({ build, files, folder }: Made): string[] {
  const { target } = build;
  const values = measured(files);
  const simulated = files['report/rtlsim_performance.json'] ? '' : '~';
  const synthesized = files['report/post_synth_resources.json'] ? '' : '~';
  const placed = readReport<Record<string, { used: number; available: number }>>(
    files,
    'report/post_route_utilization.json',
  )?.[placeAndRoute[target.board.family]?.cell ?? ''];
  const clock = Number(target.clockMhz.num) / Number(target.clockMhz.den);
  const show = (value: number | undefined, text: (n: number) => string): string =>
    value === undefined ? '' : text(value);
  const latency =
    values.latency_us ?? (values.latency_cycles === undefined ? undefined : values.latency_cycles / clock);
  const verdicts = readReport<Verdict[]>(files, 'verification_output/verdicts.json') ?? [];
  return [
    build.name,
    show(values.interval_cycles ?? values.cycles, (n) => `${simulated}${round(n)}`),
    show(values.fps, (n) => `${simulated}${Math.round(n)}`),
    show(latency, (n) => `${simulated}${round(n)} µs`),
    // Where the design is placed, logic cells are what fills up: LUTs and flip-flops that share none take one each.
    show(values.lut, (n) => `${synthesized}${Math.round(n)}${placed ? '' : ` of ${target.board.resources.lut}`}`),
    placed ? `${placed.used} of ${placed.available}` : '',
    show(values.bram, (n) => `${synthesized}${round(n)} of ${target.board.resources.bram ?? 0}`),
    show(values.fmax_mhz, (n) => `${n.toFixed(1)} MHz`),
    show(values.accuracy, (n) => `${(100 * n).toFixed(2)} %`),
    verdicts
      .filter(({ vectors }) => vectors > 0)
      .map(({ stage }) => stage)
      .join(', '),
    folder,
  ];
}

const round = (n: number): string => String(Number(n.toPrecision(5)));

import { passes } from '../config/expect.ts';
import type { Build, Metric } from '../config/model.ts';
import { type Diagnostic, error } from '../diagnostics/diagnostic.ts';
import { parseRational, showRational, toNumber } from '../util/rational.ts';
import { readReport } from './resource-reports.ts';

type Reports = Readonly<Record<string, Uint8Array>>;

/** What a build measured, from its reports; what was not measured is absent. */
export function measured(files: Reports): Partial<Record<Metric, number>> {
  type Numbers = Record<string, number>;
  const simulated = readReport<Numbers>(files, 'report/rtlsim_performance.json');
  const estimated = readReport<Numbers>(files, 'report/estimate_network_performance.json');
  const cells = readReport<Record<string, Numbers>>(files, 'report/post_synth_resources.json');
  const estimates = readReport<Record<string, Numbers>>(files, 'report/estimate_layer_resources.json');
  const timing = readReport<Numbers>(files, 'report/post_route_timing.json');
  const verdicts = readReport<{ accuracy?: number }[]>(files, 'verification_output/verdicts.json');
  // What was synthesized, shell and all, where it was; else the estimate.
  const resources = cells?.['(top)'] ?? estimates?.['total'];
  const latency = simulated?.['latency_cycles'];
  const clock = simulated?.['fclk[mhz]'];
  const values: Partial<Record<Metric, number | undefined>> = {
    fps: simulated?.['throughput[images/s]'] ?? estimated?.['estimated_throughput_fps'],
    latency_cycles: latency ?? estimated?.['scheduled_latency_cycles'],
    latency_us: latency !== undefined && clock ? latency / clock : undefined,
    interval_cycles: simulated?.['interval_cycles'] ?? estimated?.['scheduled_interval_cycles'],
    cycles: estimated?.['max_cycles'],
    lut: resources?.['LUT'],
    ff: resources?.['FF'],
    bram: resources?.['EBR_4K'] ?? resources?.['DP16K'] ?? resources?.['BRAM_18K'],
    dsp: resources?.['DSP'],
    fmax_mhz: timing?.['fmax_mhz'],
    accuracy: verdicts?.findLast(({ accuracy }) => accuracy !== undefined)?.accuracy,
  };
  return Object.fromEntries(Object.entries(values).filter(([, value]) => Number.isFinite(value))) as Partial<
    Record<Metric, number>
  >;
}

/** A gate of the recipe, as it was judged. */
export interface Judged {
  readonly metric: Metric;
  /** '>= 1000' */
  readonly wanted: string;
  /** Absent where it was not measured. */
  readonly measured?: number;
}

/** The recipe's gates beside what was measured. */
export function judgeExpectations(build: Build, files: Reports): Judged[] {
  const values = measured(files);
  return build.expect.map(({ metric, operator, value }) => {
    const found = values[metric];
    return { metric, wanted: `${operator} ${showRational(value)}`, ...(found !== undefined && { measured: found }) };
  });
}

/** One diagnostic for each gate of the recipe that is missed or could not be measured. */
export function checkExpectations(build: Build, files: Reports): Diagnostic[] {
  return judgeExpectations(build, files).flatMap(({ metric, wanted, measured: value }, i) => {
    const gate = build.expect[i]!;
    if (value === undefined)
      return [
        error('expect/missed', `${build.name}: ${metric} was not measured, so \`${wanted}\` cannot be checked`, {
          at: gate.at,
          hint: 'ask for the output that measures it, or take the gate out',
        }),
      ];
    if (passes(gate, parseRational(String(value))!)) return [];
    const gap = value - toNumber(gate.value);
    const by = gap === 0 ? '' : `: ${Number(Math.abs(gap).toPrecision(4))} ${gap < 0 ? 'below' : 'above'} it`;
    return [error('expect/missed', `${build.name}: ${metric} is ${value}, not ${wanted}${by}`, { at: gate.at })];
  });
}

import { passes } from '../config/expect.ts';
import type { Build, Metric } from '../config/model.ts';
import { type Diagnostic, error } from '../diagnostics/diagnostic.ts';
import { parseRational, showRational } from '../util/rational.ts';

type Reports = Readonly<Record<string, Uint8Array>>;

/** What a build measured, from its reports; what was not measured is absent. */
export function measured(files: Reports): Partial<Record<Metric, number>> {
  const read = (path: string): Record<string, number> | undefined => {
    const bytes = files[path];
    return bytes && (JSON.parse(new TextDecoder().decode(bytes)) as Record<string, number>);
  };
  const simulated = read('report/rtlsim_performance.json');
  const estimated = read('report/estimate_network_performance.json');
  const cells = read('report/post_synth_resources.json') as unknown as
    | Record<string, Record<string, number>>
    | undefined;
  const total = (
    read('report/estimate_layer_resources.json') as unknown as Record<string, Record<string, number>> | undefined
  )?.['total'];
  const timing = read('report/post_route_timing.json');
  const verdicts = read('verification_output/verdicts.json') as unknown as
    | { stage: string; accuracy?: number }[]
    | undefined;
  const top = cells?.['(top)'];
  const latency = simulated?.['latency_cycles'];
  const clock = simulated?.['fclk[mhz]'];
  const values: Partial<Record<Metric, number | undefined>> = {
    fps: simulated?.['throughput[images/s]'] ?? estimated?.['estimated_throughput_fps'],
    latency_cycles: latency ?? estimated?.['scheduled_latency_cycles'],
    latency_us: latency !== undefined && clock ? latency / clock : undefined,
    interval_cycles: simulated?.['interval_cycles'] ?? estimated?.['scheduled_interval_cycles'],
    cycles: estimated?.['max_cycles'],
    lut: top?.['lut'] ?? total?.['LUT'],
    ff: top?.['ff'] ?? total?.['FF'],
    bram: top?.['bram'] ?? total?.['EBR_4K'] ?? total?.['DP16K'] ?? total?.['BRAM_18K'],
    dsp: top?.['dsp'] ?? total?.['DSP'],
    fmax_mhz: timing?.['fmax_mhz'],
    accuracy: verdicts?.findLast(({ accuracy }) => accuracy !== undefined)?.accuracy,
  };
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<
    Record<Metric, number>
  >;
}

/** The recipe's gates against what was measured: one diagnostic for each that is missed or could not be measured. */
export function checkExpectations(build: Build, files: Reports): Diagnostic[] {
  const values = measured(files);
  return build.expect.flatMap((gate) => {
    const value = values[gate.metric];
    const wanted = `${gate.operator} ${showRational(gate.value)}`;
    if (value === undefined)
      return [
        error('expect/missed', `${build.name}: ${gate.metric} was not measured, so \`${wanted}\` cannot be checked`, {
          at: gate.at,
        }),
      ];
    return passes(gate, parseRational(String(value))!)
      ? []
      : [error('expect/missed', `${build.name}: ${gate.metric} is ${value}, not ${wanted}`, { at: gate.at })];
  });
}

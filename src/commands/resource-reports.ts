import type { Artifact, Files } from '../engine/artifact.ts';
import type { Built, MadeValue } from '../engine/engine.ts';
import type { Scope } from '../engine/step.ts';
import { namedCells, sumOf } from '../steps/synthesis-report.ts';

type Reports = Readonly<Record<string, Uint8Array>>;
type Cells = Parameters<typeof namedCells>[0];
type Family = Parameters<typeof namedCells>[1];

const utf8 = new TextEncoder();
const text = new TextDecoder();
const pretty = (value: unknown): Uint8Array => utf8.encode(`${JSON.stringify(value, null, 2)}\n`);

/** A JSON report of a build, by its path in the build's folder; undefined where it was not made. */
export function readReport<T>(files: Reports, path: string): T | undefined {
  const bytes = files[path];
  return bytes && (JSON.parse(text.decode(bytes)) as T);
}

/**
 * What synthesis found, as FINN's users read it, from the cells of each layer and of the whole:
 * - post_synth_resources.json: "(top)", which is the whole with its shell, and each layer;
 * - ooc_synth_and_timing.json: the layers together, and how fast the placed design is where there is one;
 * - layer_resources.json: estimate and truth side by side, and the cells by type.
 */
export function resourceReports(
  built: Built,
  scope: Scope,
  netlists: Artifact<Files>,
  files: Reports,
  family: Family,
): Files {
  const cellsOf = ({ value }: MadeValue<Files>): Cells => JSON.parse(text.decode(value['cells.json']!)) as Cells;
  const layers = [...built.each(scope, netlists)].map(([name, made]) => [name, cellsOf(made)] as const);
  const top = readReport<Record<string, Cells>>(files, 'report/post_synth_resources.json')?.['(top)'];
  const reports: Record<string, Uint8Array> = {};
  if (top)
    reports['report/post_synth_resources.json'] = pretty({
      '(top)': namedCells(top, family),
      ...Object.fromEntries(layers.map(([name, cells]) => [name, namedCells(cells, family)])),
    });
  if (layers.length === 0) return reports;
  const fmax = readReport<Record<string, number>>(files, 'report/post_route_timing.json')?.['fmax_mhz'];
  const interval =
    readReport<Record<string, number>>(files, 'report/rtlsim_performance.json')?.['interval_cycles'] ??
    readReport<Record<string, number>>(files, 'report/estimate_network_performance.json')?.['max_cycles'];
  reports['report/ooc_synth_and_timing.json'] = pretty({
    ...sumOf(layers.map(([, cells]) => namedCells(cells, family))),
    ...(fmax !== undefined && { fmax_mhz: fmax }),
    ...(fmax !== undefined && interval !== undefined && { estimated_throughput_fps: (fmax * 1e6) / interval }),
  });
  const estimated = readReport<Record<string, unknown>>(files, 'report/estimate_layer_resources.json') ?? {};
  reports['report/layer_resources.json'] = pretty(
    Object.fromEntries(
      layers.map(([name, cells]) => [
        name,
        { estimated: estimated[name], synthesized: namedCells(cells, family), cells: cells.cells },
      ]),
    ),
  );
  return reports;
}

import { readReport } from './resource-reports.ts';
import { plural, table } from './table.ts';

type Reports = Readonly<Record<string, Uint8Array>>;

/** What a layer, or all of them, take. */
export interface Cost {
  readonly lut: number;
  /** Block RAMs, in the family's units. */
  readonly ram: number;
}

export interface LayerRow extends Cost {
  readonly name: string;
  /** Of one frame. */
  readonly cycles: number;
}

/** The estimates of a build as `finn watch` shows them. */
export interface Rows {
  readonly layers: readonly LayerRow[];
  /** Of the slowest layer. */
  readonly cycles: number;
  readonly fps: number;
  /** Layers, and width converters between them. */
  readonly bare: Cost;
  /** FIFOs too; undefined where they are not known yet. */
  readonly whole?: Cost | undefined;
  /** What the family calls its block RAMs: 'EBR_4K'. */
  readonly ramName: string;
}

const ramNames = ['EBR_4K', 'DP16K', 'BRAM_18K'] as const;

/** The rows of a build's estimate reports; undefined where it has none. */
export function rowsOf(files: Reports): Rows | undefined {
  type Numbers = Readonly<Record<string, number>>;
  const cycles = readReport<Numbers>(files, 'report/estimate_layer_cycles.json');
  const resources = readReport<Readonly<Record<string, Numbers>>>(files, 'report/estimate_layer_resources.json');
  const network = readReport<Numbers>(files, 'report/estimate_network_performance.json');
  const total = resources?.['total'];
  if (!cycles || !resources || !network || !total) return undefined;
  const ramName = ramNames.find((name) => name in total) ?? ramNames[0];
  const costOf = (of: Numbers): Cost => ({ lut: of['LUT'] ?? 0, ram: of[ramName] ?? 0 });
  const fifos = Object.entries(resources).flatMap(([name, of]) => (isFifo(name) ? [costOf(of)] : []));
  const whole = costOf(total);
  const bare = fifos.reduce((rest, { lut, ram }) => ({ lut: rest.lut - lut, ram: rest.ram - ram }), whole);
  return {
    layers: Object.entries(cycles).map(([name, n]) => ({ name, cycles: n, ...costOf(resources[name] ?? {}) })),
    cycles: network['max_cycles'] ?? 0,
    fps: network['estimated_throughput_fps'] ?? 0,
    bare,
    whole: fifos.length > 0 ? whole : undefined,
    ramName,
  };
}

const isFifo = (name: string): boolean => name.startsWith('StreamingFIFO_');

/** Round numbers: 12, 1.5, 61000. */
const round = (n: number): string => String(Number(n >= 100 ? Math.round(n) : n.toPrecision(3)));
/** '64 → 32', or '64' where nothing has changed or nothing was known. */
const change = (before: number | undefined, now: number): string =>
  before === undefined || round(before) === round(now) ? round(now) : `${round(before)} → ${round(now)}`;

/**
 * A line for each layer that is other than before, or for each if nothing is known of before, how many are as they were, and
 * the sum. Without FIFOs, where those are not known yet, both before and now.
 */
export function rowLines(now: Rows, before: Rows | undefined): string[] {
  const old = new Map(before?.layers.map((layer) => [layer.name, layer]));
  const cells = ({ name, cycles, lut, ram }: LayerRow, was: LayerRow | undefined): string[] => [
    `  ${name}`,
    change(was?.cycles, cycles),
    change(was?.lut, lut),
    change(was?.ram, ram),
  ];
  const same = (layer: LayerRow): boolean => {
    const was = old.get(layer.name);
    return was !== undefined && cells(layer, was).every((cell) => !cell.includes('→'));
  };
  const changed = now.layers.filter((layer) => !same(layer));
  const gone = [...old.keys()].filter((name) => !now.layers.some((layer) => layer.name === name));
  const rest = now.layers.length - changed.length;
  const cost = now.whole ?? now.bare;
  const past = before && (now.whole ? (before.whole ?? before.bare) : before.bare);
  const lines = table(
    ['  LAYER', 'CYCLES', 'LUT', now.ramName],
    [
      ...changed.map((layer) => cells(layer, old.get(layer.name))),
      ['  all', change(before?.cycles, now.cycles), change(past?.lut, cost.lut), change(past?.ram, cost.ram)],
    ],
    ['left', 'right', 'right', 'right'],
  );
  const sum = lines.pop()!;
  return [
    ...lines,
    ...(rest > 0 && before ? [`  ${plural(rest, 'layer')} as before`] : []),
    ...(gone.length > 0 ? [`  gone: ${gone.join(', ')}`] : []),
    `${sum}${now.whole ? '' : '  without FIFOs'}`,
    `  ${change(before?.fps, now.fps)} frames/s`,
  ];
}

/** The same for machines: each layer and the sum, with what they were. */
export function rowData(now: Rows, before: Rows | undefined): Readonly<Record<string, unknown>> {
  const old = new Map(before?.layers.map((layer) => [layer.name, layer]));
  const figures = (rows: Rows): Readonly<Record<string, number>> => ({
    cycles: rows.cycles,
    fps: rows.fps,
    ...(now.whole ? (rows.whole ?? rows.bare) : rows.bare),
  });
  return {
    fifos: now.whole !== undefined,
    ram: now.ramName,
    layers: now.layers.map(({ name, ...layer }) => {
      const { name: _, ...was } = old.get(name) ?? { name };
      return { name, ...layer, ...(old.has(name) && { before: was }) };
    }),
    all: { ...figures(now), ...(before && { before: figures(before) }) },
  };
}

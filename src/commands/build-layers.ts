import { join } from 'node:path';
import { layersOf } from '../passes/fold/names.ts';
import { decodeGraph } from '../steps/codecs.ts';
import { readIfThere } from '../util/files.ts';
import { measured } from './expect.ts';
import { readReport } from './resource-reports.ts';

type Values = Record<string, string>;

/** What the reports of a build's folder say, by layer and in all. Empty where they are not there. */
export interface Reported {
  /** By layer: what folding set ('pe', 'depth'), 'cycles', and resources. */
  readonly layers: ReadonlyMap<string, Readonly<Values>>;
  readonly totals: Readonly<Values>;
}

const reports = [
  'estimate_network_performance', 'estimate_layer_cycles', 'estimate_layer_resources', 'rtlsim_performance',
  'layer_resources', 'post_synth_resources', 'post_route_timing',
]; // biome-ignore format: a list

/** Reads the reports and the folded network of a build's folder. What cannot be read counts as not there. */
export function readReported(folder: string): Reported {
  const paths = [...reports.map((name) => `report/${name}.json`), 'verification_output/verdicts.json'];
  const files = Object.fromEntries(
    paths.flatMap((path) => {
      const bytes = readIfThere(join(folder, path));
      return bytes && isJson(bytes) ? [[path, bytes] as const] : [];
    }),
  );
  const layers = new Map<string, Values>();
  const add = (name: string, more: object): void => {
    layers.set(name, { ...layers.get(name), ...asText(more) });
  };
  for (const [name, attributes] of foldingOf(folder)) add(name, attributes);
  const cycles = readReport<Record<string, number>>(files, 'report/estimate_layer_cycles.json') ?? {};
  for (const [name, count] of Object.entries(cycles)) add(name, { cycles: count });
  const estimated = readReport<Record<string, object>>(files, 'report/estimate_layer_resources.json') ?? {};
  for (const [name, resources] of Object.entries(estimated)) if (name !== 'total') add(name, suffixed(resources, '~'));
  const both = readReport<Record<string, { synthesized?: object }>>(files, 'report/layer_resources.json') ?? {};
  for (const [name, { synthesized }] of Object.entries(both)) add(name, synthesized ?? {});
  return { layers, totals: asText(measured(files)) };
}

/** What a recipe may set of each layer, as the folded network has it. */
function foldingOf(folder: string): Map<string, Values> {
  const bytes = readIfThere(join(folder, 'intermediate_models/fold.onnx'));
  if (!bytes) return new Map();
  try {
    return new Map(
      [...layersOf(decodeGraph(bytes))].map(([name, { op, attrs }]) => [
        name,
        asText(Object.fromEntries(Object.keys(op.fields).map((field) => [field, attrs[field as keyof typeof attrs]]))),
      ]),
    );
  } catch {
    // A file of another version of finn.
    return new Map();
  }
}

const isJson = (bytes: Uint8Array): boolean => {
  try {
    JSON.parse(new TextDecoder().decode(bytes));
    return true;
  } catch {
    return false;
  }
};

/** Numbers and words; anything else is left out. */
const asText = (values: object): Values =>
  Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) =>
      typeof value === 'number' || typeof value === 'string' ? [[key, String(value)]] : [],
    ),
  );

const suffixed = (values: object, mark: string): object =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [`${mark}${key}`, value]));

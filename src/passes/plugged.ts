import { fail, inNetwork } from '../diagnostics/diagnostic.ts';
import { check } from '../ir/check.ts';
import { BIPOLAR, type DataType } from '../ir/datatype.ts';
import { evaluate } from '../ir/evaluate.ts';
import type { Graph } from '../ir/graph.ts';
import { sizeOf, tensor } from '../ir/tensor.ts';
import { random } from '../util/random.ts';

/** Where a pass of a plug-in may run, and what it is given there. */
export const places = {
  'before streamline': 'the network as read, with the recipe’s input and output around it, in reals',
  'after streamline': 'the integer network, channels last',
  'before lower': 'the integer network, for the layers only: the artifact `integer-network` keeps what it was',
  'after lower': 'hardware layers, not folded yet',
  'before fold': 'hardware layers, once for each build',
  'after fold': 'hardware layers with their parallelism, before width converters and FIFOs are put between them',
} as const;
export type Place = keyof typeof places;

/** What a pass may say beside its result. */
export interface PassContext {
  /** One line for the display. */
  note(text: string): void;
}

/** A pass of a plug-in: the same inputs, outputs and meaning, in another graph. */
export interface Pass {
  readonly name: string;
  readonly doc: string;
  readonly at: Place;
  run(graph: Graph, context: PassContext): Graph;
}

/** A pass and the file of its plug-in. */
export interface PluggedPass {
  readonly pass: Pass;
  readonly from: string;
}

let plugged: readonly PluggedPass[] = [];

/** Sets the passes of plug-ins, in place of those that were there. */
export function extendPasses(more: readonly PluggedPass[]): void {
  plugged = more;
}

/** The passes at a place, in words; undefined where there is none: what a verification that fails behind them says. */
export function suspects(...at: readonly Place[]): string | undefined {
  const found = plugged.filter(({ pass }) => at.includes(pass.at));
  if (found.length === 0) return undefined;
  return `what changed the graph before this check: ${found.map(nameOf).join(', ')}`;
}

/**
 * The graph after all passes of plug-ins at a place, each held to what finn holds its own to: the graph is legal, has
 * the same inputs and outputs, and, where it is of integers, gives the same for a frame of seeded noise. FinnError
 * 'plugin/pass' names the pass that breaks this.
 */
export function runPlugged(at: Place, graph: Graph, context: PassContext): Graph {
  return plugged
    .filter(({ pass }) => pass.at === at)
    .reduce((before, one) => {
      const after = one.pass.run(before, { note: (text) => context.note(`${one.pass.name}: ${text}`) });
      if (after === before) return before;
      hold(one, before, after);
      return after;
    }, graph);
}

const nameOf = ({ pass, from }: PluggedPass): string => `pass '${pass.name}' of ${from}`;

function hold(one: PluggedPass, before: Graph, after: Graph): void {
  try {
    check(after, one.pass.name);
  } catch (cause) {
    wrong(one, `leaves a graph that is not legal: ${(cause as Error).message.replace(/^defect in finn: /, '')}`);
  }
  const ends = ({ inputs, outputs }: Graph): string =>
    [
      ...inputs.map(({ name, type: { dtype, shape } }) => `${name}: ${dtype.name}[${shape.join(', ')}]`),
      '→',
      ...outputs.map(({ name, value: { type } }) => `${name}[${type.shape.join(', ')}]`),
    ].join(' ');
  if (ends(before) !== ends(after))
    wrong(one, `changes the ends of the network from ${ends(before)} to ${ends(after)}`);
  if (!before.inputs.every(({ type }) => type.dtype.integer)) return;
  if (!before.outputs.every(({ value }) => value.type.dtype.integer)) return;
  const noise = random(`pass ${one.pass.name}`);
  const any = (dtype: DataType): number =>
    dtype === BIPOLAR ? noise.pick([-1, 1]) : noise.int(Math.max(dtype.min, -(2 ** 31)), Math.min(dtype.max, 2 ** 31));
  const frame = new Map(
    before.inputs.map(({ name, type: { dtype, shape } }) => [
      name,
      tensor(
        dtype,
        shape,
        Array.from({ length: sizeOf(shape) }, () => any(dtype)),
      ),
    ]),
  );
  const found = evaluate(after, frame);
  for (const [name, { data }] of evaluate(before, frame)) {
    const other = found.get(name)!.data;
    const i = data.findIndex((value, k) => value !== other[k]);
    if (i >= 0)
      wrong(one, `changes what the network computes: element ${i} of '${name}' is ${other[i]}, not ${data[i]}`);
  }
}

function wrong(one: PluggedPass, message: string): never {
  return fail('plugin/pass', `${nameOf(one)} ${message}`, {
    at: inNetwork([one.pass.name]),
    hint: 'a pass may change how a network is computed, never what',
  });
}

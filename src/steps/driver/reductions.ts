import { FLOAT64 } from '../../ir/datatype.ts';
import type { Node } from '../../ir/graph.ts';
import { number } from './arithmetic.ts';
import type { HostRule } from './program.ts';
import { siteOf } from './site.ts';

/** Axes that a reduction takes: input 1 or the attribute; all of them if it does not say. */
function axesOf(node: Node): number[] {
  const site = siteOf(node);
  const rank = site.shape(0).length;
  const given = site.integers(1, 'axes') ?? [];
  if (given.length === 0)
    return site.flag('noop_with_empty_axes', false) ? [] : Array.from({ length: rank }, (_, i) => i);
  return given.map((axis) => site.axis(axis, rank));
}

/** All axes behind the channels. */
export const spatialAxes = (node: Node): number[] => node.types[0]!.shape.map((_, i) => i).slice(2);

/** One element of many. */
export const reduce =
  (op: string, axes: (node: Node) => number[] = axesOf): HostRule =>
  (node, [x], writer) =>
    x === undefined ? undefined : [writer.step(op, [x], node.types[0]!, { axes: axes(node) })];

/** The rounded sum by the count. */
export const mean =
  (axes: (node: Node) => number[] = axesOf): HostRule =>
  (node, [x], writer) => {
    if (x === undefined) return undefined;
    const type = node.types[0]!;
    const { shape } = writer.typeOf(x);
    const list = axes(node);
    const count = list.reduce((product, axis) => product * shape[axis]!, 1);
    return [writer.step('div', [writer.step('sum', [x], type, { axes: list }), number(count)], type)];
  };

/** A step along the node's axis. */
export const along =
  (op: string, otherwise: number): HostRule =>
  (node, [x], writer) => {
    if (x === undefined) return undefined;
    const site = siteOf(node);
    const axis = site.axis(site.integer('axis', otherwise), site.shape(0).length);
    const last = site.flag('select_last_index', false);
    return [writer.step(op, [x], node.types[0]!, { axis, ...(last ? { last } : {}) })];
  };

/** The k best along an axis, and where they are; ties go to the lower index. */
export const topK: HostRule = (node, [x], writer) => {
  if (x === undefined) return undefined;
  const site = siteOf(node);
  const axis = site.axis(site.integer('axis', -1), site.shape(0).length);
  const type = node.types[0]!;
  const order = { axis, k: type.shape[axis]!, largest: site.flag('largest', true) };
  const indices = writer.step('top', [x], node.types[1] ?? { ...type, dtype: FLOAT64 }, order);
  const values = writer.step('take', [x, indices], type, { axis });
  return [values, indices].slice(0, node.types.length);
};

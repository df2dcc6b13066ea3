import { BIPOLAR, smallest } from '../../ir/datatype.ts';
import { apply, constant, type Node } from '../../ir/graph.ts';
import { extremes, retyped } from '../../ir/tensor.ts';
import type { Lowered, Operator } from '../operator.ts';
import type { LookupAttrs } from './attrs.ts';

/** A Gather of rows (axis 0) of a constant table of integers by a stream of integers becomes a Lookup. */
export function lowerGather(op: Operator<LookupAttrs>, node: Node): Lowered | undefined {
  if (node.op.name !== 'Gather' || node.op.domain !== '') return undefined;
  const [table, indices] = node.inputs;
  if (!table || !indices) return undefined;
  if (table.kind !== 'constant') return { refused: 'its table is not constant' };
  const { dtype, shape, data } = table.tensor;
  if (!dtype.integer) return { refused: `its table is ${dtype.name}, not integer` };
  if (shape.length !== 2) return { refused: `its table [${shape.join(', ')}] is not rows × elements` };
  const axis = Number(node.attrs['axis'] ?? 0);
  if (axis !== 0 && axis !== -2) return { refused: `it picks along axis ${axis}, not rows (axis 0)` };
  const index = indices.type;
  if (!index.dtype.integer || index.dtype === BIPOLAR)
    return { refused: `its indices are ${index.dtype.name}, not integers` };
  if (index.shape.length === 0) return { refused: 'its index is a scalar: a stream needs an axis' };
  const narrow = smallest(...extremes(data));
  const rows = constant(narrow.bits < dtype.bits ? retyped(table.tensor, narrow) : table.tensor, table.name);
  return { value: apply(op, [rows, indices], { pe: 1, memory: 'auto' }, node.origin) };
}

import { apply, constant } from '../../ir/graph.ts';
import { isScalar } from './carried.ts';
import { constantTensor } from './constants.ts';
import { movementRule } from './movement.ts';
import { isPlain } from './real.ts';
import { onHost, type Rule } from './rule.ts';

/** Rows of a quantised table by integer indices; a Gather of known places only moves elements. */
export const lookupRule: Rule = (node, inputs, walk) => {
  const [table, indices] = inputs;
  if (node.inputs[1] && constantTensor(node.inputs[1])) return movementRule(node, inputs, walk);
  if (indices?.kind !== 'integers' || !isPlain(indices))
    return onHost(node, inputs, 'its indices are no plain integers');
  if (table?.kind !== 'integers' || table.base.kind !== 'constant' || Number(node.attrs['axis'] ?? 0) !== 0)
    return onHost(node, inputs, 'its table is not a quantised constant whose rows are taken (axis 0)');
  if (!isScalar(table.scale) || !isScalar(table.offset) || table.links.length > 0)
    return onHost(node, inputs, 'its table has a scale for each row or column');
  const rows = table.base.type.shape[0]!;
  const [low, high] = [Math.min(...indices.range.min), Math.max(...indices.range.max)];
  if (low < 0 || high >= rows)
    return onHost(
      node,
      inputs,
      `its indices may be ${low} … ${high}, the table has ${rows} rows: declare a narrower \`input.datatype\` in the recipe`,
    );
  const base = apply(node.op, [constant(table.base.tensor, table.base.name), indices.base], node.attrs, node.origin);
  return [{ ...table, base }];
};

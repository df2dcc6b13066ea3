import { type Graph, type InputValue, input, type Value } from '../../ir/graph.ts';
import { substitute } from '../../ir/substitute.ts';
import type { Split } from '../streamline/walk.ts';
import { channelsLast } from './channels-last.ts';

/**
 * The split network with its accelerator in circuits' order: what brings the host's arrays into that order, and back,
 * joins the host's part at either end.
 */
export function layOut(split: Split): Split {
  const { graph: core, inputs, outputs } = channelsLast(split.core);
  return { ...split, core, before: beforeOf(split, inputs), behind: behindOf(split, core, outputs) };
}

function beforeOf({ before, core }: Split, moves: ReadonlyMap<string, (own: Value) => Value>): Graph | undefined {
  if (moves.size === 0) return before;
  const direct: InputValue[] = [];
  const outputs = core.inputs.map((own) => {
    const made = before?.outputs.find(({ name }) => name === own.name)?.value;
    if (!made) direct.push(own);
    const value = made ?? own;
    return { name: own.name, value: moves.get(own.name)?.(value) ?? value };
  });
  return { name: before?.name ?? `${core.name}_before`, inputs: [...(before?.inputs ?? []), ...direct], outputs };
}

function behindOf(
  { behind, core }: Split,
  laid: Graph,
  moves: ReadonlyMap<string, (fresh: Value) => Value>,
): Graph | undefined {
  if (moves.size === 0) return behind;
  const fresh = new Map(laid.outputs.map(({ name, value }) => [name, input(name, value.type)]));
  const own = (name: string): Value => moves.get(name)?.(fresh.get(name)!) ?? fresh.get(name)!;
  const outputs = behind
    ? substitute(behind.outputs, ({ name }) => (fresh.has(name) ? own(name) : undefined))
    : core.outputs.map(({ name }) => ({ name, value: own(name) }));
  return { name: behind?.name ?? `${core.name}_behind`, inputs: [...fresh.values()], outputs };
}

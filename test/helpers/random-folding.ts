import { FinnError } from '../../src/diagnostics/diagnostic.ts';
import type { Graph } from '../../src/ir/graph.ts';
import { layersOf } from '../../src/passes/fold/names.ts';
import { applyFolding, withAttributes } from '../../src/passes/fold/parallelize.ts';
import { divisors } from '../../src/util/maths.ts';
import { random } from '../../src/util/random.ts';

/** Every layer with a legal parallelism drawn from `seed`, one attribute after the other. */
export function foldedAtRandom(graph: Graph, seed: number): Graph {
  const draw = random(seed);
  const folding = new Map(
    [...layersOf(graph).values()].map((one) => {
      const chosen: Record<string, number> = {};
      for (const [key, extent] of Object.entries(one.op.parallel(one))) {
        const value = draw.pick(divisors(extent));
        try {
          withAttributes(one, { ...chosen, [key]: value });
          chosen[key] = value;
        } catch (cause) {
          // Some go only with others: several pixels at once need all of their channels.
          if (!(cause instanceof FinnError)) throw cause;
        }
      }
      return [one, chosen];
    }),
  );
  return applyFolding(graph, folding);
}

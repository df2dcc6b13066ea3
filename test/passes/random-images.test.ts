import { describe, expect, it } from 'vitest';
import { FinnError } from '../../src/diagnostics/diagnostic.ts';
import { check } from '../../src/ir/check.ts';
import { edgesOf, insertFifos, matchWidths, narrow } from '../../src/passes/fold/connect.ts';
import { type Divided, divide } from '../../src/passes/lower/divide.ts';
import { toLayers } from '../../src/passes/lower/to-layers.ts';
import { verifyLayout, verifyStreamline } from '../../src/steps/verify/streamline.ts';
import { frameOf, readVectors } from '../../src/steps/verify/vectors.ts';
import { fed, run } from '../helpers/networks.ts';
import { foldedAtRandom } from '../helpers/random-folding.ts';
import { randomImages } from '../helpers/random-images.ts';

/** Reasons for which a random network may rightly be refused. */
const legal = [
  /no integer of its input stands for zero/,
  /no common grid of the scales/,
  /combinations of values, too many/,
  /has a scale for each channel/,
  /whose scale differs|unequal scales|a scale for each channel/,
  /reach beyond its kernel/,
];

function holds(seed: number): 'held' | 'refused' {
  const { graph: network } = randomImages(seed);
  check(network);
  let parts: Divided['parts'];
  let laidOut: Divided['laidOut'];
  try {
    ({ parts, laidOut } = divide(network));
  } catch (cause) {
    if (cause instanceof FinnError && legal.some((pattern) => pattern.test(cause.message))) return 'refused';
    throw cause;
  }
  check(parts.core, 'split');
  const vectors = readVectors(network, {});
  verifyStreamline(network, parts, vectors, true);
  check(laidOut.core, 'layOut');
  verifyLayout(parts, laidOut, vectors);
  if (laidOut.core.inputs.length === 0) return 'refused';
  const { graph: layers, diagnostics } = toLayers(laidOut.core, { standaloneThresholds: seed % 2 === 1 });
  expect(diagnostics.map(({ message }) => message)).toEqual([]);
  const frames = [0, 1, 2].map((i) => fed(laidOut, frameOf(vectors.inputs, i, network.inputs[0]!.type.shape)));
  const right = frames.map((x) => run(laidOut.core, { ...x, shape: laidOut.core.inputs[0]!.type.shape }).data);
  const folded = foldedAtRandom(layers, seed);
  const narrowed = narrow(folded);
  const matched = matchWidths(narrowed);
  const connected = insertFifos(
    matched,
    edgesOf(matched).map(() => 2),
  );
  for (const [pass, graph] of Object.entries({ layers, folded, narrowed, matched, connected })) {
    check(graph, pass);
    frames.forEach((x, i) => {
      const y = run(graph, { ...x, shape: graph.inputs[0]!.type.shape });
      expect({ pass, y: [...y.data] }).toEqual({ pass, y: [...right[i]!] });
    });
  }
  return 'held';
}

const RUNS = 150;

describe('random networks of images', () => {
  it('keep their function through every pass', () => {
    const counts = { held: 0, refused: 0 };
    for (let seed = 1; seed <= RUNS; seed += 1) {
      try {
        counts[holds(seed)] += 1;
      } catch (cause) {
        throw new Error(`seed ${seed}: ${(cause as Error).message}`, { cause });
      }
    }
    // Refusals are the exception, or the test would say nothing.
    expect(counts.refused).toBeLessThan(RUNS / 3);
  });
});

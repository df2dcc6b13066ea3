import { describe, expect, it } from 'vitest';
import { FinnError } from '../../src/diagnostics/diagnostic.ts';
import { check } from '../../src/ir/check.ts';
import { writeModel } from '../../src/onnx/export.ts';
import { readModel } from '../../src/onnx/import.ts';
import { decodeModel, encodeModel, type NodeProto } from '../../src/onnx/proto.ts';
import { passes } from '../../src/passes/index.ts';
import { verifyLayout, verifyStreamline } from '../../src/steps/verify/streamline.ts';
import { readVectors } from '../../src/steps/verify/vectors.ts';
import { type Random, random } from '../../src/util/random.ts';
import { op } from '../helpers/onnx-builder.ts';
import { randomImages } from '../helpers/random-images.ts';

/** A network of one input as a file, one of its nodes changed; what was changed, and every name that is in it. */
interface Mutated {
  readonly bytes: Uint8Array;
  readonly what: string;
  readonly names: ReadonlySet<string>;
}

/** Operators that take the place of another, whether finn knows them or not. */
const others = ['Frobnicate', 'LSTM', 'Softmax', 'Sigmoid', 'Abs', 'Relu', 'Neg', 'Transpose', 'ReduceSum', 'Identity'];

/** One attribute of the node changed: another number, one number more or fewer, another word, or gone. */
function otherAttribute(node: NodeProto, draw: Random): NodeProto | undefined {
  const all = node.attribute ?? [];
  if (all.length === 0) return undefined;
  const at = draw.int(0, all.length - 1);
  const one = all[at]!;
  const number = (value: number): number => draw.pick([value + 1, value - 1, 0, -value, value + 7]);
  if (draw.chance(0.15)) return { ...node, attribute: all.filter((_, i) => i !== at) };
  let changed = one;
  if (one.ints) {
    const ints = one.ints.map(Number);
    const place = draw.int(0, Math.max(0, ints.length - 1));
    changed = { ...one, ints: draw.chance(0.15) ? ints.slice(1) : ints.map((v, i) => (i === place ? number(v) : v)) };
  } else if (one.s) changed = { ...one, s: new TextEncoder().encode(draw.pick(['SAME_UPPER', 'linear', 'FLOOR', ''])) };
  else if (one.f !== undefined && one.f !== null) changed = { ...one, f: draw.pick([0, -one.f, 1e30]) };
  else changed = { ...one, i: number(Number(one.i ?? 0)) };
  return { ...node, attribute: all.map((given, i) => (i === at ? changed : given)) };
}

function mutated(seed: number): Mutated {
  const draw = random(`mutation ${seed}`);
  const model = decodeModel(writeModel(randomImages(seed).graph));
  const graph = model.graph!;
  const nodes = [...graph.node!];
  const at = draw.int(0, nodes.length - 1);
  const node = nodes[at]!;
  let what: string;
  const kind = draw.int(0, 3);
  const changed = kind <= 1 ? otherAttribute(node, draw) : undefined;
  if (changed) {
    nodes[at] = changed;
    what = `attributes of ${node.name} (${node.op_type})`;
  } else if (kind === 2) {
    // What the node did is left out: quantised becomes real, shapes differ.
    nodes[at] = op(node.name ?? '', 'Relu', [node.input![0]!], node.output!.slice(0, 1));
    what = `${node.name} (${node.op_type}) left out`;
  } else {
    const type = draw.pick(others);
    nodes[at] = op(node.name ?? '', type, node.input!, node.output!);
    what = `${node.name} (${node.op_type}) is now ${type}`;
  }
  const names = new Set([...nodes.map(({ name }) => name ?? ''), ...graph.input!.map(({ name }) => name ?? '')]);
  const bytes = encodeModel({ ...model, producer_name: 'test', graph: { ...graph, node: nodes } });
  return { bytes, what, names };
}

/** Every step up to lowering, with their checks. */
function lowered(bytes: Uint8Array): void {
  const network = passes.import.splitBias(passes.import.splitGemm(readModel(bytes)));
  const vectors = readVectors(network, {});
  const { parts, laidOut } = passes.streamline.divide(network);
  verifyStreamline(network, parts, vectors, true);
  verifyLayout(parts, laidOut, vectors);
  const { graph, diagnostics } = passes.lower.toLayers(laidOut.core, { standaloneThresholds: false });
  if (diagnostics.length > 0) throw new FinnError(...diagnostics);
  check(graph, 'lower');
}

const RUNS = 200;

describe('a random network with one node changed', () => {
  it('still holds, or is refused by the name of a node, with what to do', () => {
    const counts = { held: 0, refused: 0 };
    for (let seed = 1; seed <= RUNS; seed += 1) {
      const { bytes, what, names } = mutated(seed);
      const where = `seed ${seed}, ${what}`;
      try {
        lowered(bytes);
        counts.held += 1;
      } catch (cause) {
        if (!(cause instanceof FinnError)) throw new Error(`${where}: ${(cause as Error).stack}`, { cause });
        counts.refused += 1;
        for (const { code, message, at, hint } of cause.diagnostics) {
          const text = `${where}: [${code}] ${message}`;
          expect(code, text).not.toMatch(/^(internal|verify)\//);
          const named = at?.in === 'network' ? at.origin : [];
          expect(
            named.some((name) => names.has(name)),
            `${text} at ${named.join(', ')}`,
          ).toBe(true);
          expect(hint, text).toBeTruthy();
        }
      }
    }
    // Both must happen, or the test would say nothing.
    expect(counts.held).toBeGreaterThan(RUNS / 10);
    expect(counts.refused).toBeGreaterThan(RUNS / 10);
  });
});

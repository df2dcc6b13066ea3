import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { uint } from '../../src/ir/datatype.ts';
import { writeNpy } from '../../src/ir/npy.ts';
import { tensor } from '../../src/ir/tensor.ts';
import { decodeModel, encodeModel } from '../../src/onnx/proto.ts';
import { op } from '../helpers/onnx-builder.ts';
import { Workplace } from './workplace.ts';

let work: Workplace;
beforeEach(() => {
  work = new Workplace();
  work.addDigits();
});
afterEach(() => work.remove());

/**
 * What both commands that meet it say: `validate` ends with 2, for something is wrong with what was given; `build`, which
 * has begun by then, with 1, for a step has failed. Neither has run a tool.
 */
async function said(): Promise<string> {
  const checked = await work.start(['validate', 'digits.yaml']);
  const built = await work.start(['build', 'digits.yaml', '--build', 'icebreaker']);
  expect([checked.status, built.status]).toEqual([2, 1]);
  expect(built.out).not.toContain('yosys');
  expect(work.has('build/digits/icebreaker')).toBe(false);
  expect(work.has('the-cache/calls')).toBe(false);
  return `${checked.err}\n${built.out}${built.err}`;
}

/** Both commands say it. */
const both = (text: string, words: string): void => {
  expect(text.split(words).length - 1, `${words}\nin\n${text}`).toBeGreaterThanOrEqual(2);
};

/** The digits network with a node of this type in front of its second matrix product. */
function insert(type: string): void {
  const model = decodeModel(work.bytes('digits.onnx'));
  const nodes = model.graph!.node!;
  const at = nodes.findIndex(
    (one, i) => one.op_type === 'MatMul' && nodes.slice(0, i).some((n) => n.op_type === 'MatMul'),
  );
  const second = nodes[at]!;
  const between = op('in_the_middle', type, [second.input![0]!], ['middle']);
  const changed = { ...second, input: ['middle', ...second.input!.slice(1)] };
  const node = [...nodes.slice(0, at), between, changed, ...nodes.slice(at + 1)];
  work.write('digits.onnx', encodeModel({ ...model, graph: { ...model.graph!, node } }));
}

describe('what cannot be built is refused by name before a tool runs', () => {
  it('a folding that does not fit the board', async () => {
    work.write('digits.yaml', work.read('digits.yaml').replace(/MVAU_0: \{[^}]*\}/, 'MVAU_0: { pe: 64, simd: 64 }'));
    const text = await said();
    both(text, '[fold/does-not-fit]');
    expect(text).toMatch(/digits\.yaml:\d+:\d+: error: the folded network needs about \d+ of 5280 LUT/);
    expect(text).toContain('fold further (smaller pe and simd), or use a larger board');
  });

  it('a folding that is searched for a board that is too small', async () => {
    work.write(
      'digits.yaml',
      work.read('digits.yaml').replace(/small:\n {4}layers:(\n {6}.*)+/, 'small: { maximize: fps, resources: 2% }'),
    );
    both(await said(), '[fold/does-not-fit]');
  });

  it('an operator that only the host can compute, between layers', async () => {
    insert('Softmax');
    const text = await said();
    both(text, 'in_the_middle');
    expect(text).toMatch(/\[streamline\/\w+\]/);
  });

  it('an operator that nobody knows', async () => {
    insert('Frobnicate');
    const text = await said();
    both(text, 'Frobnicate');
    both(text, '[onnx/unknown-operator]');
  });

  it('more classes than there are', async () => {
    work.edit('digits.yaml', 'top_k: 1', 'top_k: 11');
    const text = await said();
    both(text, '11');
    both(text, '10');
  });

  it.each([
    ['of another shape', [10, 63], 1, /verify\.input has shape \[10,63\], 630 elements: not a number of frames/],
    ['of another type', [10, 64], 40, /verify\.input holds 40 \(element 0\), which is no UINT5/],
    ['of another number', [450, 64], 1, undefined],
  ] as const)('vectors %s', async (_, shape, value, words) => {
    const size = shape[0] * shape[1];
    work.write('test-images.npy', writeNpy(tensor(uint(8), shape, new Float64Array(size).fill(value))));
    if (!words) work.write('test-labels.npy', writeNpy(tensor(uint(8), [449], new Float64Array(449))));
    const text = await said();
    both(text, '[verify/vectors]');
    expect(text).toMatch(words ?? /verify\.labels has 449 elements for 450 vectors/);
  });

  it('labels that the network does not meet, where the recipe asks for them', async () => {
    work.edit('digits.yaml', 'labels: test-labels.npy }', 'labels: test-labels.npy, min_accuracy: 0.99 }');
    const { status, out, err } = await work.start(['build', 'digits.yaml', '--until', 'import']);
    expect(status).toBe(1);
    expect(out + err).toContain('the network meets 98.22 % of the labels; verify.min_accuracy asks for 99.00 %');
    expect(out + err).toContain('[verify/accuracy]');
  });
});

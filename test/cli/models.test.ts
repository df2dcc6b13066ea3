import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FLOAT32, uint } from '../../src/ir/datatype.ts';
import { readNpy, writeNpy } from '../../src/ir/npy.ts';
import { tensor } from '../../src/ir/tensor.ts';
import { floats, info, model, op } from '../helpers/onnx-builder.ts';
import { Rig } from './rig.ts';

let rig: Rig;
beforeAll(() => {
  rig = new Rig();
  rig.addDigits();
  const sum = model({
    nodes: [op('product', 'MatMul', ['a', 'w'], ['p']), op('sum', 'Add', ['p', 'b'], ['y'])],
    inputs: [info('a', [1, 2]), info('b', [1, 1])],
    initializers: [floats('w', [2, 1], [2, 3])],
  });
  rig.write('sum.onnx', sum);
  rig.write('a.npy', writeNpy(tensor(FLOAT32, [3, 2], [1, 0, 0, 1, 1, 1])));
  rig.write('b.npy', writeNpy(tensor(FLOAT32, [3], [10, 20, 30])));
});
afterAll(() => rig.remove());

const result = (name: string) => readNpy(rig.bytes(name));

describe('finn exec', () => {
  it('runs several frames of several inputs, in the order of the model', () => {
    const args = ['exec', 'sum.onnx', '--input', 'a.npy', 'b.npy', '--output', 'y.npy'];
    expect(rig.finn(args)).toEqual({ status: 0, out: 'y.npy: y, FLOAT32 3×1\n', err: '' });
    const y = result('y.npy');
    expect([y.shape, [...y.data]]).toEqual([
      [3, 1],
      [12, 23, 35],
    ]);
  });

  it('runs the models of every step to the same classes', () => {
    expect(rig.finn(['build', 'digits.yaml', '--until', 'fold', '--build', 'icebreaker']).status).toBe(0);
    const folder = 'build/digits/icebreaker/intermediate_models';
    const classes = ['import', 'streamline', 'lower', 'fold'].map((step) => {
      const file = `${folder}/${step}.onnx`;
      expect(rig.finn(['exec', file, '--input', 'test-images.npy', '--output', 'y.npy']).status).toBe(0);
      return [...result('y.npy').data];
    });
    const labels = [...result('test-labels.npy').data];
    expect(classes[0]!.filter((y, i) => y === labels[i]).length / labels.length).toBeGreaterThan(0.95);
    for (const other of classes.slice(1)) expect(other).toEqual(classes[0]);
  });

  it('says what does not fit', () => {
    const exec = (...args: string[]) => rig.finn(['exec', 'sum.onnx', ...args, '--output', 'z.npy']);
    expect(exec('--input', 'a.npy')).toEqual({
      status: 2,
      out: '',
      err: 'error: sum.onnx has 2 inputs, 1 given with --input [cli/usage]\n  hint: in this order: a (FLOAT32 1×2), b (FLOAT32 1×1)\n',
    });
    rig.write('five.npy', writeNpy(tensor(FLOAT32, [5], [1, 2, 3, 4, 5])));
    expect(exec('--input', 'five.npy', 'b.npy').err).toBe(
      "error: five.npy has shape 5, input 'a' takes FLOAT32 1×2 [exec/input]\n  hint: give one frame of 2 elements, or several with the number of frames as first axis\n",
    );
    rig.write('four.npy', writeNpy(tensor(FLOAT32, [2, 2], [1, 2, 3, 4])));
    expect(exec('--input', 'four.npy', 'b.npy').err).toContain('different numbers of frames: 2, 3');
    rig.write('broken.npy', 'no array');
    expect(exec('--input', 'broken.npy', 'b.npy').err).toContain('broken.npy: this is no .npy file that finn reads');
    expect(exec('--input', 'none.npy', 'b.npy').err).toBe('error: none.npy: there is no such file [cli/file]\n');
    rig.write('wide.npy', writeNpy(tensor(uint(8), [1, 64], new Array(64).fill(99))));
    const fold = 'build/digits/icebreaker/intermediate_models/fold.onnx';
    const wide = rig.finn(['exec', fold, '--input', 'wide.npy', '--output', 'z.npy']);
    expect([wide.status, wide.err]).toEqual([
      2,
      "error: element 0 of wide.npy is 99, which is no UINT5 as input 'pixels' takes [exec/input]\n  hint: UINT5 holds 0 to 31\n",
    ]);
    expect(rig.has('z.npy')).toBe(false);
  });

  it('refuses a broken model', () => {
    rig.write('cut.onnx', rig.bytes('digits.onnx').slice(0, 5000));
    for (const command of [
      ['inspect', 'cut.onnx'],
      ['exec', 'cut.onnx', '--input', 'a.npy', '--output', 'z.npy'],
    ]) {
      const { status, out, err } = rig.finn(command);
      expect({ status, out }).toEqual({ status: 2, out: '' });
      expect(err).toMatch(/\[onnx\/[\w-]+\]/);
      expect(err).not.toContain('defect');
    }
  });
});

describe('finn inspect', () => {
  it('counts, and says what the layers would be', () => {
    const { status, out } = rig.finn(['inspect', 'digits.onnx', '--json']);
    expect(status).toBe(0);
    const found = JSON.parse(out);
    expect(found).toMatchObject({
      inputs: [{ name: 'pixels', datatype: 'FLOAT32', shape: [1, 64] }],
      ops: { MatMul: 3, Relu: 2, 'qonnx.custom_op.general:Quant': 5 },
      parameters: 64 * 64 + 64 * 32 + 32 * 10,
      macs: 64 * 64 + 64 * 32 + 32 * 10,
      assumed: 'pixels is made of UINT8',
      problems: [],
    });
    expect(found.layers.map(({ name }: { name: string }) => name)).toEqual(['MVAU_0', 'MVAU_1', 'MVAU_2']);
  });

  it('names the node that does not become hardware, and still ends with 0', () => {
    rig.write(
      'odd.onnx',
      model({
        nodes: [op('product', 'MatMul', ['a', 'w'], ['y'])],
        inputs: [info('a', [1, 2])],
        initializers: [floats('w', [2, 2], [1, 2, 3, -1])],
      }),
    );
    const { status, out, err } = rig.finn(['inspect', 'odd.onnx']);
    expect({ status, err }).toEqual({ status: 0, err: '' });
    expect(out).toContain('does not become hardware: 1 problem\n');
    expect(out).toContain(
      "network node product: error: MatMul 'product': its weights are not quantised [streamline/unsupported]\n",
    );
  });
});

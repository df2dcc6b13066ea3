import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  floats,
  info,
  int64s,
  type ModelParts,
  model,
  modelProto,
  op,
  smallMlp,
} from '../../test/helpers/onnx-builder.ts';
import { type Diagnostic, FinnError } from '../diagnostics/diagnostic.ts';
import { evaluate } from '../ir/evaluate.ts';
import { tensor } from '../ir/tensor.ts';
import { readModel } from './import.ts';
import { attributeType, elementType, encodeModel } from './proto.ts';

/** The one diagnostic that reading these bytes gives. */
function refused(bytes: Uint8Array, folder?: string): Diagnostic {
  try {
    readModel(bytes, folder === undefined ? {} : { folder });
  } catch (thrown) {
    if (!(thrown instanceof FinnError)) throw thrown;
    expect(thrown.diagnostics).toHaveLength(1);
    return thrown.diagnostics[0]!;
  }
  throw new Error('the model was read');
}

const relu = op('r', 'Relu', ['x'], ['y']);
const withTensor = (extra: object): Uint8Array =>
  model({
    nodes: [op('a', 'Add', ['x', 'c'], ['y'])],
    initializers: [{ name: 'c', data_type: 1, dims: [4], ...extra }],
  });

const corpus: readonly [name: string, parts: ModelParts | Uint8Array, code: string, message: RegExp][] = [
  ['nothing', new Uint8Array(), 'onnx/malformed', /no graph/],
  ['text', new TextEncoder().encode('this is not a protobuf at all'), 'onnx/malformed', /not an ONNX file/],
  ['a truncated file', model({ nodes: [relu] }).slice(0, -9), 'onnx/malformed', /not an ONNX file/],
  ['no outputs', { nodes: [relu], outputs: [] }, 'onnx/malformed', /no outputs/],
  [
    'a cycle',
    { nodes: [op('a', 'Add', ['x', 'q'], ['y']), op('b', 'Relu', ['y'], ['q'])] },
    'onnx/cycle',
    /node '[ab]'/,
  ],
  ['a node that reads itself', { nodes: [op('a', 'Add', ['x', 'y'], ['y'])] }, 'onnx/cycle', /node 'a' reads 'y'/],
  ['a missing initialiser', { nodes: [op('a', 'Add', ['x', 'w'], ['y'])] }, 'onnx/missing-value', /node 'a' reads 'w'/],
  ['an output of nothing', { nodes: [relu], outputs: ['z'] }, 'onnx/missing-value', /output 'z'/],
  ['two makers', { nodes: [relu, op('s', 'Relu', ['x'], ['y'])] }, 'onnx/duplicate-name', /make 'y'/],
  ['two inputs', { nodes: [relu], inputs: [info('x', [1]), info('x', [1])] }, 'onnx/duplicate-name', /called 'x'/],
  [
    'an unknown operator',
    { nodes: [op('odd', 'Wavelet', ['x'], ['y'], {}, 'acme')] },
    'onnx/unknown-operator',
    /'odd'.*Wavelet.*'acme'/,
  ],
  [
    'an object property as operator',
    { nodes: [op('odd', 'constructor', ['x'], ['y'])] },
    'onnx/unknown-operator',
    /constructor/,
  ],
  ['a free axis', { nodes: [relu], inputs: [info('x', [1, 'n'])] }, 'onnx/dynamic-shape', /axis 1 of input 'x' is n/],
  [
    'a negative axis',
    { nodes: [relu], inputs: [info('x', [1, -7])] },
    'onnx/dynamic-shape',
    /axis 1 of input 'x' is -7/,
  ],
  [
    'an input without shape',
    { nodes: [relu], inputs: [{ name: 'x', type: { tensor_type: { elem_type: 1 } } }] },
    'onnx/dynamic-shape',
    /no shape/,
  ],
  [
    'an input without type',
    { nodes: [relu], inputs: [{ name: 'x' }] },
    'onnx/unsupported|onnx/dynamic-shape',
    /input 'x'/,
  ],
  ['strings as input', { nodes: [relu], inputs: [info('x', [1], 8)] }, 'onnx/unsupported', /number 8/],
  ['a huge input', { nodes: [relu], inputs: [info('x', [2 ** 20, 2 ** 20])] }, 'onnx/too-large', /1048576×1048576/],
  ['an old version', { nodes: [relu], opset: 3 }, 'onnx/opset', /version 3/],
  ['a tensor without data', withTensor({}), 'onnx/tensor-data', /'c'.*needs 4 elements, the file has 0/],
  [
    'too few bytes',
    withTensor({ raw_data: new Uint8Array(12) }),
    'onnx/tensor-data',
    /needs 16 bytes, the file has 12/,
  ],
  [
    'too many bytes',
    withTensor({ raw_data: new Uint8Array(20) }),
    'onnx/tensor-data',
    /needs 16 bytes, the file has 20/,
  ],
  [
    'a negative dimension',
    withTensor({ dims: [-4], raw_data: new Uint8Array(16) }),
    'onnx/tensor-data',
    /dimension -4/,
  ],
  [
    'a huge dimension',
    withTensor({ dims: [2 ** 40], raw_data: new Uint8Array(16) }),
    'onnx/too-large',
    /1099511627776/,
  ],
  ['dims that overflow', withTensor({ dims: [2 ** 30, 2 ** 30, 2 ** 30, 2 ** 30] }), 'onnx/too-large', /more than/],
  ['huge times zero', withTensor({ dims: [2 ** 40, 0] }), 'onnx/too-large', /more than/],
  ['a string tensor', withTensor({ data_type: 8 }), 'onnx/unsupported', /number 8/],
  [
    'an element out of its type',
    withTensor({ data_type: 3, int32_data: [1, 2, 3, 400] }),
    'onnx/tensor-data',
    /int8 holds 400/,
  ],
  ['an unknown datatype', { nodes: [relu], annotations: { x: 'WIDE7' } }, 'onnx/annotation', /WIDE7/],
  [
    'values that do not fit their datatype',
    {
      nodes: [op('a', 'Add', ['x', 'c'], ['y'])],
      initializers: [floats('c', [2, 1], [1, 9])],
      annotations: { c: 'INT4' },
    },
    'onnx/annotation',
    /'c' is annotated INT4, but element 1 is 9/,
  ],
  [
    'an attribute of the wrong type',
    { nodes: [op('s', 'Softmax', ['x'], ['y'], { axis: 'last' })] },
    'onnx/attribute',
    /axis.*last/,
  ],
  ['an axis that is not there', { nodes: [op('s', 'Softmax', ['x'], ['y'], { axis: 5 })] }, 'onnx/shape', /axis 5/],
  [
    'shapes that do not broadcast',
    { nodes: [op('a', 'Add', ['x', 'c'], ['y'])], initializers: [floats('c', [3], [1, 2, 3])] },
    'onnx/shape',
    /\[1, 4\] and \[3\]/,
  ],
  [
    'an impossible Reshape',
    { nodes: [op('s', 'Reshape', ['x', 'c'], ['y'])], initializers: [int64s('c', [2], [3, -1])] },
    'onnx/shape',
    /4 elements/,
  ],
  [
    'a shape that is computed',
    { nodes: [op('s', 'Reshape', ['x', 'x'], ['y'])] },
    'onnx/dynamic-shape',
    /must be constant/,
  ],
  [
    'an Expand to too much',
    { nodes: [op('s', 'Expand', ['x', 'c'], ['y'])], initializers: [int64s('c', [2], [2 ** 40, 4])] },
    'onnx/too-large',
    /'s' would make/,
  ],
  [
    'a Pad by too much',
    { nodes: [op('s', 'Pad', ['x', 'c'], ['y'])], initializers: [int64s('c', [4], [0, 0, 0, 2 ** 40])] },
    'onnx/too-large',
    /pads by/,
  ],
  ['too few inputs', { nodes: [op('a', 'Add', ['x'], ['y'])] }, 'onnx/input', /a \(Add\): it has 1 inputs/],
  [
    'a scale of zero',
    { nodes: [op('q', 'BipolarQuant', ['x', 'c'], ['y'])], initializers: [floats('c', [], [0])] },
    'onnx/input',
    /q \(BipolarQuant\): its scale/,
  ],
  ['a Constant without value', { nodes: [op('c', 'Constant', [], ['y'])] }, 'onnx/attribute', /'c' is a Constant/],
];

describe('broken and hostile models', () => {
  it.each(corpus)('%s', (_, parts, code, message) => {
    const diagnostic = refused(parts instanceof Uint8Array ? parts : model(parts));
    expect(diagnostic.code).toMatch(new RegExp(`^(${code})$`));
    expect(diagnostic.message).toMatch(message);
  });

  it('a mistyped operator gets the right name as hint', () => {
    expect(refused(model({ nodes: [op('m', 'Matmul', ['x', 'x'], ['y'])] })).hint).toBe('did you mean MatMul?');
  });

  it('an attribute that is a graph', () => {
    const node = { ...relu, attribute: [{ name: 'body', type: 5 }] };
    expect(refused(model({ nodes: [node] }))).toMatchObject({ code: 'onnx/attribute' });
  });

  it('a sparse initialiser', () => {
    const proto = modelProto({ nodes: [relu] });
    proto.graph!.sparse_initializer = [new Uint8Array(3)];
    expect(refused(encodeModel(proto))).toMatchObject({ code: 'onnx/unsupported' });
  });

  it('a string where a tensor is due is no tensor', () => {
    const node = {
      ...op('c', 'Constant', [], ['y']),
      attribute: [{ name: 'value', type: attributeType.STRING, s: new Uint8Array(4) }],
    };
    expect(refused(model({ nodes: [node] }))).toMatchObject({ code: 'onnx/attribute' });
  });

  it('ten thousand nodes in a row are read without recursion', () => {
    const nodes = Array.from({ length: 10_000 }, (_, i) =>
      op(`n${i}`, 'Relu', [i ? `v${i}` : 'x'], [i === 9999 ? 'y' : `v${i + 1}`]),
    );
    expect(readModel(model({ nodes: nodes.reverse() })).outputs).toHaveLength(1);
  });

  it('deeply nested unknown groups are refused', () => {
    const bytes = new Uint8Array(100_000).fill(0xf3, 0);
    expect(refused(bytes).code).toBe('onnx/malformed');
  });
});

describe('external data', () => {
  let root = '';
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'finn-onnx-'));
    mkdirSync(join(root, 'model'));
    writeFileSync(join(root, 'model', 'w.bin'), new Uint8Array(Float32Array.of(9, 1, 2, 3, 4).buffer));
    writeFileSync(join(root, 'secret.bin'), new Uint8Array(16));
    symlinkSync(join(root, 'secret.bin'), join(root, 'model', 'link.bin'));
  });
  afterAll(() => rmSync(root, { recursive: true }));

  const external = (entries: Record<string, string>): Uint8Array =>
    withTensor({ data_location: 1, external_data: Object.entries(entries).map(([key, value]) => ({ key, value })) });
  const folder = (): string => join(root, 'model');

  it('is read from the folder of the model', () => {
    const graph = readModel(external({ location: 'w.bin', offset: '4', length: '16' }), {
      path: join(folder(), 'm.onnx'),
    });
    const [y] = evaluate(graph, new Map([['x', tensor(graph.inputs[0]!.type.dtype, [1, 4], [1, 1, 1, 1])]])).values();
    expect([...y!.data]).toEqual([2, 3, 4, 5]);
  });

  it.each([
    ['a parent folder', { location: '../secret.bin' }],
    ['a hidden parent folder', { location: 'a/../../secret.bin' }],
    ['an absolute path', { location: '/etc/passwd' }],
    ['a symbolic link out', { location: 'link.bin' }],
    ['the folder itself', { location: '.' }],
    ['nothing', { location: '' }],
    ['a NUL', { location: 'w.bin\0' }],
    ['a file that is not there', { location: 'none.bin' }],
    ['too large an offset', { location: 'w.bin', offset: '999', length: '16' }],
    ['too large a length', { location: 'w.bin', length: '999999999999' }],
    ['a negative offset', { location: 'w.bin', offset: '-4' }],
  ])('%s is refused', (_, entries) => {
    expect(refused(external(entries), folder())).toMatchObject({ code: 'onnx/external-data' });
  });

  it('is refused where the model has no folder, and where its size is wrong', () => {
    expect(refused(external({ location: 'w.bin' }))).toMatchObject({ code: 'onnx/external-data' });
    expect(refused(external({ location: 'w.bin', length: '8' }), folder())).toMatchObject({ code: 'onnx/tensor-data' });
  });
});

describe('mutations', () => {
  const seed = model(smallMlp());
  /** Reads and, if that works, evaluates; anything thrown but a FinnError fails the test. */
  const survives = (bytes: Uint8Array): void => {
    try {
      const graph = readModel(bytes);
      const inputs = graph.inputs.map(({ name, type }) => {
        const size = type.shape.reduce((a, b) => a * b, 1);
        return size > 1e6
          ? undefined
          : ([name, tensor(type.dtype, type.shape, new Array<number>(size).fill(1))] as const);
      });
      if (inputs.every((i) => i !== undefined)) evaluate(graph, new Map(inputs));
    } catch (thrown) {
      if (!(thrown instanceof FinnError)) throw thrown;
      for (const { code } of thrown.diagnostics) expect(code).toMatch(/^onnx\//);
    }
  };

  it('of bytes give a graph or a diagnostic', () => {
    const edit = fc.tuple(fc.nat(seed.length - 1), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        const bytes = seed.slice();
        for (const [at, value] of edits) bytes[at] = value;
        survives(bytes);
      }),
      { numRuns: 3000 },
    );
  });

  it('by cutting and pasting give a graph or a diagnostic', () => {
    const nat = fc.nat(seed.length);
    fc.assert(
      fc.property(nat, nat, nat, (a, b, c) => {
        survives(Buffer.concat([seed.subarray(0, a), seed.subarray(Math.min(b, c), Math.max(b, c)), seed.subarray(a)]));
        survives(seed.subarray(0, a));
      }),
      { numRuns: 1000 },
    );
  });

  it('of the structure give a graph or a diagnostic', () => {
    const names = ['x', 'y', 'q', 'w', 'wq', 'p', 'half', 'zero', 'bits', 'gamma', '', 'nowhere'];
    const types = [
      'Quant',
      'MatMul',
      'Conv',
      'Reshape',
      'Transpose',
      'Slice',
      'Gather',
      'Trunc',
      'Pad',
      'TopK',
      'MaxPool',
      'Resize',
      'Tile',
      'Range',
    ];
    const attribute = fc.oneof(
      fc.integer(),
      fc.constant('NCHW'),
      fc.array(fc.integer({ min: -3, max: 9 }), { maxLength: 4 }),
      fc.double(),
    );
    const node = fc.record({
      type: fc.constantFrom(...types, ...types.map((t) => t.toLowerCase())),
      inputs: fc.array(fc.constantFrom(...names), { maxLength: 6 }),
      key: fc.constantFrom(
        'axis',
        'kernel_shape',
        'pads',
        'perm',
        'signed',
        'rounding_mode',
        'group',
        'strides',
        'mode',
      ),
      value: attribute,
    });
    const dims = fc.array(fc.integer({ min: -1, max: 40 }), { maxLength: 5 });
    fc.assert(
      fc.property(
        node,
        dims,
        fc.constantFrom(...Object.values(elementType)),
        ({ type, inputs, key, value }, shape, element) => {
          const parts = smallMlp();
          const nodes = [...parts.nodes.slice(0, -1), op('odd', type, inputs, ['y'], { [key]: value })];
          survives(model({ ...parts, nodes }));
          const initializers = parts.initializers!.map((t) =>
            t.name === 'w' ? { ...t, dims: shape, data_type: element } : t,
          );
          survives(model({ ...parts, initializers }));
        },
      ),
      { numRuns: 2000 },
    );
  });
});

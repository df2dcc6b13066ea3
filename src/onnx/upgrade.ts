import { fail } from '../diagnostics/diagnostic.ts';
import { FLOAT32, int } from '../ir/datatype.ts';
import { type Attrs, constant, type Value } from '../ir/graph.ts';
import { tensor } from '../ir/tensor.ts';

/** One node, as a version of ONNX writes it. */
export interface Written {
  readonly name: string;
  readonly inputs: readonly (Value | undefined)[];
  readonly attrs: Attrs;
}

/** The oldest version of ONNX's operators that is read. */
export const OLDEST_OPSET = 7;
/** The version that nodes are brought to, and that models are written in. */
export const OPSET = 21;

const integers = (values: readonly number[]): Value => constant(tensor(int(64), [values.length], values));
const numbers = (values: readonly number[], shape: readonly number[] = [values.length]): Value =>
  constant(tensor(FLOAT32, shape, values));
const isList = (value: unknown): value is number[] => Array.isArray(value) && value.every((v) => typeof v === 'number');

/** Attributes that have become inputs: operator → [version, attribute, input position]. */
const moved: Readonly<Record<string, readonly (readonly [string, number])[]>> = {
  Squeeze: [['axes', 1]],
  Unsqueeze: [['axes', 1]],
  Split: [['split', 1]],
  Slice: [
    ['starts', 1],
    ['ends', 2],
    ['axes', 3],
  ],
  Pad: [['pads', 1]],
  ...Object.fromEntries(
    ['Sum', 'Mean', 'Max', 'Min', 'Prod', 'L1', 'L2', 'LogSum', 'LogSumExp', 'SumSquare'].map((kind) => [
      `Reduce${kind}`,
      [['axes', 1]],
    ]),
  ),
};

/** Attributes of old versions that say nothing in inference. */
const gone: Readonly<Record<string, readonly string[]>> = {
  BatchNormalization: ['spatial', 'is_test', 'consumed_inputs'],
  Dropout: ['ratio', 'is_test', 'seed'],
};

/**
 * A node of an older version of ONNX as version OPSET writes it: attributes that have become inputs are constants,
 * Upsample is Resize. What is already in that form is left alone.
 */
export function upgrade(node: Written, opset: number): Written {
  const attrs: Record<string, unknown> = { ...node.attrs };
  const inputs = [...node.inputs];
  const put = (position: number, value: Value): void => {
    while (inputs.length < position) inputs.push(undefined);
    inputs[position] = value;
  };
  for (const [name, position] of Object.hasOwn(moved, node.name) ? moved[node.name]! : []) {
    const given = attrs[name];
    if (!isList(given) || inputs[position]) continue;
    delete attrs[name];
    put(position, integers(given));
  }
  for (const name of Object.hasOwn(gone, node.name) ? gone[node.name]! : []) delete attrs[name];
  // VALID is no padding, whatever pads say.
  if (attrs['auto_pad'] === 'VALID') {
    delete attrs['auto_pad'];
    delete attrs['pads'];
  }
  switch (node.name) {
    case 'Clip':
      for (const [position, name] of [
        [1, 'min'],
        [2, 'max'],
      ] as const) {
        const given = attrs[name];
        if (typeof given !== 'number' || inputs[position]) continue;
        delete attrs[name];
        put(position, numbers([given], []));
      }
      break;
    case 'Pad': {
      const given = attrs['value'];
      if (typeof given === 'number' && !inputs[2]) put(2, numbers([given], []));
      delete attrs['value'];
      break;
    }
    case 'TopK': {
      const given = attrs['k'];
      if (typeof given === 'number' && !inputs[1]) put(1, integers([given]));
      delete attrs['k'];
      break;
    }
    case 'Softmax':
    case 'LogSoftmax':
      if (opset < 13) attrs['axis'] = oldSoftmaxAxis(node, attrs['axis'] ?? 1);
      break;
    case 'Upsample': {
      const scales = attrs['scales'];
      delete attrs['scales'];
      const given = isList(scales) ? numbers(scales) : inputs[1];
      return { name: 'Resize', inputs: [inputs[0], undefined, given], attrs: { ...asymmetric, ...attrs } };
    }
    case 'Resize':
      if (opset < 11) {
        return { name: 'Resize', inputs: [inputs[0], undefined, inputs[1]], attrs: { ...asymmetric, ...attrs } };
      }
      break;
  }
  return { name: node.name, inputs, attrs };
}

/** Before version 13 Softmax took all axes from `axis` on together; that is today's Softmax if only one is longer than 1. */
function oldSoftmaxAxis({ name, inputs }: Written, given: unknown): unknown {
  const shape = inputs[0]?.type.shape ?? [];
  if (typeof given !== 'number') return given;
  const axis = given < 0 ? given + shape.length : given;
  const long = [...shape.keys()].filter((i) => i >= axis && shape[i]! > 1);
  if (long.length <= 1) return long[0] ?? axis;
  return fail('onnx/unsupported', `a ${name} of ONNX version 12 or older takes axes ${long.join(', ')} together`, {
    hint: 'export the network with version 13 or newer of the ONNX operators',
  });
}

/** How Upsample and the first Resize place their points. */
const asymmetric = { coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };

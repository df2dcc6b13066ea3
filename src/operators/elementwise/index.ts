import { type BinaryName, binaryFunctions, type Range } from '../../hdl/binary-function.ts';
import { operandOf } from '../../hdl/operand.ts';
import { shiftAddLuts } from '../../hdl/shift-add.ts';
import { type DataType, smallest } from '../../ir/datatype.ts';
import { allocate, sizeOf, tensor } from '../../ir/tensor.ts';
import { illegal, integerInput, mustDivide, streamPort } from '../layer.ts';
import type { Layer, Operator } from '../operator.ts';
import { onPixels } from '../pixels.ts';
import { type ElementwiseAttrs, factorsOf, scaledRange } from './factors.ts';
import { lowerElementwise } from './lower.ts';
import { elementwiseRtl } from './rtl.ts';
import { elementwiseSamples } from './samples.ts';

/** The operator of two streams of one shape that makes a function of each two elements. */
function elementwise(name: string, fn: BinaryName): Operator<ElementwiseAttrs> {
  const { doc, value, range, luts } = binaryFunctions[fn];
  const op: Operator<ElementwiseAttrs> = onPixels<ElementwiseAttrs>({
    name,
    domain: 'finn.custom_op.fpgadataflow',
    doc: `Of each two elements of two streams of the same shape, ${doc}.`,
    fields: { pe: { doc: 'channels in one cycle', type: 'integer', finn: 'PE' } },
    infer([x, y], attrs, context) {
      const [a, b] = [integerInput(name, context, x), integerInput(name, context, y)];
      if (a.shape.join() !== b.shape.join())
        illegal('layer/input', name, context, `its inputs are [${a.shape}] and [${b.shape}]`, 'give both one shape');
      mustDivide(name, context, 'pe', attrs.pe, a.shape.at(-1)!, 'channels');
      const factors = factorsOf(attrs);
      const linear = fn === 'Add' || fn === 'Sub';
      if (!factors.every((m) => Number.isInteger(m) && m !== 0) || (!linear && attrs.factors))
        illegal(
          'layer/attribute',
          name,
          context,
          `factors are ${factors}`,
          'integers other than 0, of sums and differences',
        );
      const bounds: Range = range(scaledRange(a.dtype, factors[0]), scaledRange(b.dtype, factors[1]));
      const dtype = smallest(...bounds);
      if (dtype.bits > 53) illegal('layer/input', name, context, `its output has ${dtype.bits} bits`, 'at most 53');
      return [{ dtype, shape: a.shape }];
    },
    evaluate([x, y], attrs, { types }) {
      const { dtype, shape } = types[0]!;
      const [m, n] = factorsOf(attrs);
      const out = allocate(dtype, sizeOf(shape));
      for (let i = 0; i < out.length; i += 1) out[i] = value(m * x!.data[i]!, n * y!.data[i]!) + 0;
      return [tensor(dtype, shape, out)];
    },
    lower: (node, lowering) => lowerElementwise(op, fn, node, lowering),
    parallel: ({ types }) => ({ pe: types[0]!.shape.at(-1)! }),
    streams: ({ inputs: [x, y], attrs: { pe }, types }) => [
      streamPort('s_axis_0', 'in', x!.type, pe),
      streamPort('s_axis_1', 'in', y!.type, pe),
      streamPort('m_axis_0', 'out', types[0]!, pe),
    ],
    cycles: ({ attrs: { pe }, types }) => sizeOf(types[0]!.shape) / pe,
    schedule: (layer) => ({ interval: op.cycles(layer), period: 1, takes: () => true, gives: () => true, depth: 1 }),
    resources(layer, device) {
      const { pe } = layer.attrs;
      const { dtype } = layer.types[0]!;
      const [a, b] = [typeOf(layer, 0), typeOf(layer, 1)];
      const [m, n] = factorsOf(layer.attrs);
      const rows = shiftAddLuts([
        [a.bits, m],
        [b.bits, n],
      ]);
      const lut = luts(operandOf(a), operandOf(b), dtype, device) + rows;
      return { lut: pe * lut + 4, ff: pe * dtype.bits + 1, bram: 0, dsp: 0 };
    },
    rtl: (layer, _device, top) => elementwiseRtl(fn, layer, top, op.streams(layer)),
    finn: (layer) => finnElementwise(name, layer),
    samples: () => elementwiseSamples(op, fn),
  });
  return op;
}

const typeOf = ({ inputs }: Layer<ElementwiseAttrs>, i: number): DataType => inputs[i]!.type.dtype;

function finnElementwise(name: string, layer: Layer<ElementwiseAttrs>): ReturnType<Operator['finn']> {
  const { attrs, types } = layer;
  const { shape, dtype } = types[0]!;
  const opType = `${name}_hls`;
  const channels = shape.at(-1)!;
  if (name === 'AddStreams') {
    return {
      opType,
      attributes: {
        NumChannels: channels,
        PE: attrs.pe,
        inputDataTypes: `${typeOf(layer, 0).name},${typeOf(layer, 1).name}`,
        numInputVectors: sizeOf(shape) / channels,
      },
    };
  }
  return {
    opType,
    attributes: {
      PE: attrs.pe,
      lhs_dtype: typeOf(layer, 0).name,
      rhs_dtype: typeOf(layer, 1).name,
      out_dtype: dtype.name,
      lhs_style: 'input',
      rhs_style: 'input',
    },
  };
}

export const addStreams: Operator<ElementwiseAttrs> = elementwise('AddStreams', 'Add');

/** The operators of two streams, one for each function, under FINN's names. */
export const elementwiseOperators: readonly Operator<ElementwiseAttrs>[] = [
  addStreams,
  ...(Object.keys(binaryFunctions) as BinaryName[])
    .filter((fn) => fn !== 'Add')
    .map((fn) => elementwise(`Elementwise${fn}`, fn)),
];

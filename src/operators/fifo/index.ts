import type { Device } from '../../hdl/device.ts';
import { library } from '../../hdl/library.ts';
import { streamChain } from '../../hdl/stream-chain.ts';
import { romBlocks } from '../../hdl/threshold-rom.ts';
import { int } from '../../ir/datatype.ts';
import { type Attrs, input } from '../../ir/graph.ts';
import { sizeOf } from '../../ir/tensor.ts';
import { ceilDiv, log2Ceil } from '../../util/maths.ts';
import { illegal, integerInput, layerOf, mustDivide, streamPort } from '../layer.ts';
import type { Layer, Operator } from '../operator.ts';

export interface FifoAttrs extends Attrs {
  /** Beats that it holds. */
  readonly depth: number;
  /** Elements in a beat. */
  readonly lanes: number;
  /** Where beats wait: in registers, in LUT memory (in registers where the family has none), in block memory, in UltraRAM. */
  readonly memory: 'auto' | 'register' | 'lut' | 'block' | 'ultra';
}

const name = 'StreamingFIFO';
export const maximumDepth = 2 ** 20;

type Style = 'register' | 'distributed' | 'block' | 'ultra';

/** Up to this many bits, registers cost no more than a memory's addresses. */
const registerBits = 64;

/** Cycles from a beat on the input to the same beat on the output: 1 in registers, 2 through a memory. */
export function fifoLatency(
  { depth, bits }: { depth: number; bits: number },
  memory: FifoAttrs['memory'] = 'auto',
): 1 | 2 {
  if (depth < 4 || memory === 'register') return 1;
  return memory === 'auto' && bits <= registerBits ? 1 : 2;
}

const widthOf = ({ attrs, types }: Layer<FifoAttrs>): number => attrs.lanes * types[0]!.dtype.bits;

const latency = (layer: Layer<FifoAttrs>): 1 | 2 => {
  const { depth, memory } = layer.attrs;
  return fifoLatency({ depth, bits: depth * widthOf(layer) }, memory);
};

/** The memory of a queue, whose output register is one of its places. */
const shapeOf = (layer: Layer<FifoAttrs>) => ({ depth: layer.attrs.depth - 1, width: widthOf(layer) });

function styleOf(layer: Layer<FifoAttrs>, { family }: Device): Style {
  const { memory } = layer.attrs;
  if (latency(layer) === 1) return 'register';
  if (memory === 'block' || memory === 'ultra') return memory;
  if (memory === 'lut') return 'distributed';
  if (family === 'ice40') return 'block';
  // 512 beats of 36 bits fill a block; a beat that is narrower, or a queue that is shorter, has to fill half of its blocks.
  const shape = shapeOf(layer);
  return shape.depth * shape.width >= romBlocks(family, shape) * 9216 ? 'block' : 'distributed';
}

/** UltraRAMs (4096 × 72 bits) of a memory. */
const ultraBlocks = ({ depth, width }: { depth: number; width: number }): number =>
  ceilDiv(depth, 4096) * ceilDiv(width, 72);

/** Would a queue's memory, in block RAMs by itself, fill at least half of the UltraRAMs (16 block RAMs each) that could be it? */
export const fillsUltra = (layer: Layer<FifoAttrs>): boolean =>
  styleOf(layer, { family: 'xcup' }) === 'block' &&
  romBlocks('xcup', shapeOf(layer)) >= 8 * ultraBlocks(shapeOf(layer));

export const fifo: Operator<FifoAttrs> = {
  name,
  domain: 'finn.custom_op.fpgadataflow',
  inserted: true,
  doc: 'Beats wait in a queue of `depth`; the values do not change.',
  fields: {
    depth: { doc: 'beats that it holds, 2 to 1048576', type: 'integer', finn: 'depth' },
    memory: {
      doc: 'where beats wait',
      type: 'choice',
      choices: ['auto', 'register', 'lut', 'block', 'ultra'],
      finn: 'ram_style',
    },
  },
  infer([x], attrs, context) {
    const type = integerInput(name, context, x);
    mustDivide(name, context, 'lanes', attrs.lanes, sizeOf(type.shape), 'elements of a frame');
    if (!(Number.isInteger(attrs.depth) && attrs.depth >= 2 && attrs.depth <= maximumDepth)) {
      illegal('layer/attribute', name, context, `depth is ${attrs.depth}`, `use 2 to ${maximumDepth}`);
    }
    return [type];
  },
  evaluate: ([x]) => [x!],
  capacity: ({ attrs }) => attrs.depth,
  parallel: () => ({}),
  streams: ({ attrs, types }) => [
    streamPort('s_axis_0', 'in', types[0]!, attrs.lanes),
    streamPort('m_axis_0', 'out', types[0]!, attrs.lanes),
  ],
  cycles: (layer) => fifo.streams(layer)[0]!.beats,
  schedule(layer) {
    // A memory has a register behind it, which is one of the places.
    const registers = latency(layer) - 1;
    const beats = fifo.cycles(layer);
    const capacity = layer.attrs.depth - registers;
    return {
      kind: 'buffered',
      inputs: beats,
      outputs: beats,
      needs: (j) => j + 1,
      keeps: (j) => j,
      capacity,
      depth: registers,
    };
  },
  resources(layer, device) {
    const { depth } = layer.attrs;
    const shape = shapeOf(layer);
    const { width } = shape;
    const style = styleOf(layer, device);
    if (style === 'register') return { lut: depth * (width + 2), ff: depth * (width + 1), bram: 0, dsp: 0 };
    const address = log2Ceil(depth - 1);
    const lut = Math.ceil(address * 5 + 8);
    const ff = address * 3 + 4;
    if (style === 'distributed') {
      const places = device.family === 'ecp5' ? 16 : 64;
      const perBit = device.family === 'ecp5' ? 0.5 : 4 / 3;
      return { lut: lut + Math.ceil(width * perBit * ceilDiv(depth - 1, places)), ff: ff + width, bram: 0, dsp: 0 };
    }
    if (style === 'ultra') return { lut, ff, bram: 0, uram: ultraBlocks(shape), dsp: 0 };
    return { lut, ff, bram: romBlocks(device.family, shape), dsp: 0 };
  },
  refuse(layer, { family }) {
    const { memory } = layer.attrs;
    if (latency(layer) === 1) return undefined;
    if (family === 'ice40' && memory === 'lut')
      return "ice40 has no memory in LUTs; set `memory` to 'register' or 'block'";
    if (family !== 'xcup' && memory === 'ultra') return `${family} has no UltraRAM; set \`memory\` to 'block'`;
    return undefined;
  },
  rtl(layer, device, top) {
    const { depth } = layer.attrs;
    const streams = fifo.streams(layer);
    const style = styleOf(layer, device);
    const file = style === 'register' ? 'stream_registers' : 'stream_fifo';
    const memory = style === 'register' ? '' : `, .STYLE("${style}")`;
    const module = `${file} #(.WIDTH(${streams[0]!.width}), .DEPTH(${depth})${memory})`;
    const source = streamChain(top, [{ module, width: streams[0]!.width }], streams[0]!.width);
    return { top, sources: { [`${top}.v`]: source, ...library(file) }, memories: {}, streams };
  },
  finn: ({ attrs, types }) => ({
    opType: 'StreamingFIFO_rtl',
    attributes: {
      depth: attrs.depth,
      impl_style: 'rtl',
      ram_style: { auto: 'auto', register: 'distributed', lut: 'distributed', block: 'block', ultra: 'ultra' }[
        attrs.memory
      ],
      dataType: types[0]!.dtype.name,
    },
  }),
  samples() {
    const sample = (channels: number, lanes: number, bits: number, depth: number, memory: FifoAttrs['memory']) =>
      layerOf(fifo, [input('x', { dtype: int(bits), shape: [3, channels] })], { depth, lanes, memory }, ['sample']);
    return [
      sample(8, 1, 2, 2, 'auto'),
      sample(6, 2, 3, 3, 'auto'),
      sample(12, 4, 4, 7, 'register'),
      sample(20, 2, 5, 4, 'block'),
      sample(40, 1, 8, 33, 'auto'),
      sample(16, 8, 8, 512, 'block'),
      sample(16, 48, 2, 9, 'auto'),
      sample(16, 8, 3, 20, 'ultra'),
      sample(16, 4, 4, 40, 'lut'),
    ];
  },
};

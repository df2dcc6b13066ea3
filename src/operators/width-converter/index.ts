import { library } from '../../hdl/library.ts';
import { type StreamStage, streamChain } from '../../hdl/stream-chain.ts';
import { int } from '../../ir/datatype.ts';
import { type Attrs, input } from '../../ir/graph.ts';
import { sizeOf } from '../../ir/tensor.ts';
import { lcm, log2Ceil } from '../../util/maths.ts';
import { illegal, integerInput, layerOf, streamPort } from '../layer.ts';
import type { Layer, Operator } from '../operator.ts';

export interface WidthConverterAttrs extends Attrs {
  /** Elements in a beat of the input and of the output. */
  readonly inLanes: number;
  readonly outLanes: number;
}

const name = 'StreamingDataWidthConverter';

/** Beats that are joined, and parts that a wide beat is cut into: all converters join first and cut then. */
function ratios({ inLanes, outLanes }: WidthConverterAttrs): { join: number; cut: number } {
  const wide = lcm(inLanes, outLanes);
  return { join: wide / inLanes, cut: wide / outLanes };
}

const widthOf = ({ attrs, types }: Layer<WidthConverterAttrs>): number =>
  lcm(attrs.inLanes, attrs.outLanes) * types[0]!.dtype.bits;

export const widthConverter: Operator<WidthConverterAttrs> = {
  name,
  domain: 'finn.custom_op.fpgadataflow',
  inserted: true,
  doc: 'Beats of `inLanes` elements become beats of `outLanes`, through their least common multiple where neither divides the other.',
  fields: {},
  infer([x], attrs, context) {
    const type = integerInput(name, context, x);
    for (const key of ['inLanes', 'outLanes'] as const) {
      const lanes = attrs[key];
      if (Number.isInteger(lanes) && lanes >= 1 && sizeOf(type.shape) % lanes === 0) continue;
      illegal(
        'layer/folding',
        name,
        context,
        `${key} ${lanes} does not divide the ${sizeOf(type.shape)} elements of a frame`,
      );
    }
    return [type];
  },
  evaluate: ([x]) => [x!],
  parallel: () => ({}),
  streams: ({ attrs, types }) => [
    streamPort('s_axis_0', 'in', types[0]!, attrs.inLanes),
    streamPort('m_axis_0', 'out', types[0]!, attrs.outLanes),
  ],
  cycles: (layer) => Math.max(...widthConverter.streams(layer).map((stream) => stream.beats)),
  schedule(layer) {
    const { join, cut } = ratios(layer.attrs);
    const interval = widthConverter.cycles(layer);
    if (join > 1 && cut > 1) {
      // A wide beat is handed over from the joining half to the cutting half when its first part is issued.
      const [inputs, outputs] = widthConverter.streams(layer).map((stream) => stream.beats);
      return {
        kind: 'buffered',
        inputs: inputs!,
        outputs: outputs!,
        needs: (j) => join * (Math.floor(j / cut) + 1),
        keeps: (j) => join * Math.ceil(j / cut),
        capacity: join,
        through: true,
        depth: 1,
      };
    }
    return {
      interval,
      period: Math.max(join, cut),
      takes: (_, t) => cut === 1 || t % cut === 0,
      gives: (_, t) => cut > 1 || t % join === join - 1,
      depth: 1,
    };
  },
  resources(layer) {
    const { join, cut } = ratios(layer.attrs);
    const bits = widthOf(layer);
    let [lut, ff] = [0, 0];
    if (join > 1 || cut === 1) [lut, ff] = [lut + 2 * log2Ceil(join) + 4, ff + bits + log2Ceil(join) + 1];
    if (cut > 1) [lut, ff] = [lut + bits + 2 * log2Ceil(cut) + 5, ff + bits + log2Ceil(cut) + 1];
    return { lut, ff, bram: 0, dsp: 0 };
  },
  rtl(layer, _device, top) {
    const { join, cut } = ratios(layer.attrs);
    const streams = widthConverter.streams(layer);
    const [from, to] = [streams[0]!.width, streams[1]!.width];
    const stages: StreamStage[] = [];
    if (join > 1 || cut === 1) {
      stages.push({ module: `stream_widen #(.WIDTH(${from}), .RATIO(${join}))`, width: widthOf(layer) });
    }
    if (cut > 1) stages.push({ module: `stream_narrow #(.WIDTH(${to}), .RATIO(${cut}))`, width: to });
    const used = [
      ...(join > 1 || cut === 1 ? ['stream_widen' as const] : []),
      ...(cut > 1 ? ['stream_narrow' as const] : []),
    ];
    const sources = { [`${top}.v`]: streamChain(top, stages, from), ...library(...used) };
    return { top, sources, memories: {}, streams };
  },
  finn: (layer) => {
    const streams = widthConverter.streams(layer);
    const [from, to] = [streams[0]!.width, streams[1]!.width];
    const { join, cut } = ratios(layer.attrs);
    return {
      // FINN's RTL converter knows integer ratios only.
      opType: `StreamingDataWidthConverter_${join > 1 && cut > 1 ? 'hls' : 'rtl'}`,
      attributes: { inWidth: from, outWidth: to, dataType: layer.types[0]!.dtype.name },
    };
  },
  samples() {
    const sample = (elements: number, inLanes: number, outLanes: number, bits: number) =>
      layerOf(widthConverter, [input('x', { dtype: int(bits), shape: [2, elements] })], { inLanes, outLanes }, [
        'sample',
      ]);
    return [
      sample(8, 1, 4, 3),
      sample(12, 6, 2, 2),
      sample(12, 4, 6, 3),
      sample(60, 10, 4, 2),
      sample(30, 2, 15, 5),
      sample(30, 15, 2, 4),
      sample(6, 3, 3, 4),
    ];
  },
};

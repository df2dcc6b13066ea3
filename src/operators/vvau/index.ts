import { type ConstantValue, constant, node } from '../../ir/graph.ts';
import { retyped, type Tensor } from '../../ir/tensor.ts';
import { activate, clippedThresholds } from '../fused-thresholds.ts';
import { dataType, streamPort } from '../layer.ts';
import type { Layer, Operator } from '../operator.ts';
import { onPixels } from '../pixels.ts';
import { accumulatorRange, accumulatorTypeOf, weightType } from '../widths.ts';
import { finnCounts } from './finn.ts';
import { inferVvau, multiply } from './infer.ts';
import { type VvauAttrs, vvauOf } from './layer.ts';
import { lowerVvau } from './lower.ts';
import { planOf } from './plan.ts';
import { vvauResources } from './resources.ts';
import { vvauRtl } from './rtl.ts';
import { vvauSamples } from './samples.ts';

/**
 * The vector-vector-activation unit of depthwise convolutions: inputs x (…, k·C), W (k, C), thresholds (C or 1, steps) or none; output
 * (…, C). Windows come group by group of PE channels, in each the positions one after the other.
 */
export const vvau: Operator<VvauAttrs> = onPixels<VvauAttrs>({
  name: 'VVAU',
  domain: 'finn.custom_op.fpgadataflow',
  doc: 'Each channel of a window times its own constant integer weights, and, where thresholds follow, how many of them the sum reaches.',
  fields: {
    pe: { doc: 'channels computed at once', type: 'integer', finn: 'PE' },
    simd: { doc: 'positions of the window read at once', type: 'integer', finn: 'SIMD' },
    memory: {
      doc: 'where the weights lie: in LUTs, in block RAM, or where they are cheaper',
      type: 'choice',
      choices: ['auto', 'lut', 'block'],
      finn: 'ram_style',
    },
  },
  infer: inferVvau,
  evaluate([x, w, t], attrs) {
    const sums = multiply(x!, w!, dataType(attrs.accumulator));
    return [t ? activate(sums, t, attrs.scale, attrs.bias, dataType(attrs.output)) : sums];
  },
  lower: (node, lowering) => lowerVvau(vvau, node, lowering),
  parallel(layer) {
    const { channels, positions } = vvauOf(layer);
    return { pe: channels, simd: positions };
  },
  demands: ({ attrs: { pe, simd } }) => ({ simd: pe, parallelWindow: simd > 1 ? 1 : 0 }),
  narrow: narrowed,
  streams(layer) {
    const { pe, simd, positions } = vvauOf(layer);
    return [
      { ...streamPort('s_axis_0', 'in', layer.inputs[0]!.type, simd * pe), interleave: { positions, group: pe } },
      streamPort('m_axis_0', 'out', layer.types[0]!, pe),
    ];
  },
  cycles(layer) {
    const { groups, beats, windows } = vvauOf(layer);
    return groups * beats * windows;
  },
  schedule(layer) {
    const v = vvauOf(layer);
    return {
      interval: v.groups * v.beats * v.windows,
      period: v.beats,
      takes: () => true,
      gives: (_port, t) => t % v.beats === v.beats - 1,
      depth: planOf(v, { family: 'ice40' }).depth,
    };
  },
  resources: (layer, device) => vvauResources(vvauOf(layer), device),
  rtl: (layer, device, name) => vvauRtl(vvauOf(layer), device, name, vvau.streams(layer)),
  counts: (layer) => finnCounts(vvauOf(layer), dataType(layer.attrs.accumulator)),
  finn: ({ attrs: { pe, simd, memory } }) => ({
    opType: 'VVAU_hls',
    attributes: {
      PE: pe,
      SIMD: simd,
      ram_style: { auto: 'auto', lut: 'distributed', block: 'block' }[memory],
      resType: 'auto',
      mem_mode: 'internal_decoupled',
      runtime_writeable_weights: 0,
    },
  }),
  samples: () => vvauSamples(vvau),
});

/** The same layer with the narrowest types of weights, sums and thresholds, these clipped to what the sums reach. */
function narrowed(layer: Layer<VvauAttrs>): Layer<VvauAttrs> {
  const v = vvauOf(layer);
  const [x, w, t] = layer.inputs;
  const accumulator = accumulatorTypeOf(v.weights, v.input).name;
  const named = (old: typeof w, value: Tensor) => constant(value, (old as ConstantValue).name);
  const weights = named(w, retyped(v.weights, weightType(v.weights)));
  const steps = v.thresholds && named(t, clippedThresholds(v.thresholds, accumulatorRange(v.weights, v.input)));
  const attrs = { ...layer.attrs, accumulator, ...(steps ? {} : { output: accumulator }) };
  return node(vvau, steps ? [x, weights, steps] : [x, weights], attrs, layer.origin) as Layer<VvauAttrs>;
}

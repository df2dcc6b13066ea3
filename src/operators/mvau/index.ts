import { activate } from '../fused-thresholds.ts';
import { dataType } from '../layer.ts';
import type { Layer, Operator } from '../operator.ts';
import { onPixels } from '../pixels.ts';
import { finnBackend, finnCounts } from './finn.ts';
import { inferMvau } from './infer.ts';
import { type MvauAttrs, mvauOf } from './layer.ts';
import { lowerMvau } from './lower.ts';
import { narrowed } from './narrow.ts';
import { multiply } from './reference.ts';
import { mvauResources } from './resources.ts';
import { mvauDepth, mvauRtl } from './rtl.ts';
import { mvauSamples } from './samples.ts';
import { streamsOf } from './streams.ts';

/** The matrix-vector-activation unit: inputs x (…, MW), W (MW, MH), thresholds (MH or 1, steps) or none; output (…, MH). */
export const mvau: Operator<MvauAttrs> = onPixels<MvauAttrs>({
  name: 'MVAU',
  domain: 'finn.custom_op.fpgadataflow',
  doc: 'A dense layer: input times constant integer weights, and, where thresholds follow, how many of them the sum reaches.',
  fields: {
    pe: { doc: 'Outputs computed at once; divides the number of outputs.', type: 'integer', finn: 'PE' },
    simd: { doc: 'Inputs read at once; divides the number of inputs.', type: 'integer', finn: 'SIMD' },
    memory: {
      doc: 'Where the weights lie: in LUTs, in block RAM, or where they are cheaper.',
      type: 'choice',
      choices: ['auto', 'lut', 'block'],
      finn: 'ram_style',
    },
  },
  infer: inferMvau,
  evaluate([x, w, t], attrs) {
    const acc = multiply(x!, w!, dataType(attrs.accumulator));
    return [t ? activate(acc, t, attrs.scale, attrs.bias, dataType(attrs.output)) : acc];
  },
  lower: (node, lowering) => lowerMvau(mvau, node, lowering),
  parallel(layer) {
    const { mw, mh } = mvauOf(layer);
    return { simd: mw, pe: mh };
  },
  // FINN folds before it minimises weights: the type that the network gave them counts.
  weightBits: (layer) => layer.inputs[1]!.type.dtype.bits,
  narrow: (layer) => narrowed(mvau, layer),
  streams: (layer) => streamsOf(mvauOf(layer)),
  cycles(layer) {
    const { nf, sf, vectors } = mvauOf(layer);
    return nf * sf * vectors;
  },
  schedule(layer) {
    const m = mvauOf(layer);
    const { nf, sf, vectors } = m;
    return {
      interval: nf * sf * vectors,
      period: nf * sf,
      takes: (_port, t) => t % (nf * sf) < sf,
      gives: (_port, t) => t % sf === sf - 1,
      depth: mvauDepth(m, { family: 'ice40' }),
    };
  },
  resources: (layer, device) => mvauResources(mvauOf(layer), device),
  rtl: (layer, device, name) => mvauRtl(mvauOf(layer), device, name),
  finn,
  counts: (layer) => finnCounts(mvauOf(layer), dataType(layer.attrs.accumulator)),
  samples: () => mvauSamples(mvau),
});

function finn(layer: Layer<MvauAttrs>) {
  const m = mvauOf(layer);
  const style = { auto: 'auto', lut: 'distributed', block: 'block' }[m.memory];
  const attributes = {
    PE: m.pe,
    SIMD: m.simd,
    ram_style: style,
    resType: 'auto',
    mem_mode: 'internal_decoupled',
    runtime_writeable_weights: 0,
  };
  return { opType: `MVAU_${finnBackend(m)}`, attributes };
}

import { BIPOLAR, type DataType, FLOAT32, parseDataType } from '../../ir/datatype.ts';
import type { Op } from '../../ir/graph.ts';
import { allocate, tensor } from '../../ir/tensor.ts';
import { define, integerRange, QONNX, type Site } from './define.ts';

/** Axis of the channels: the C of data_layout; without one QONNX guesses from the rank (NC, NWC, NCHW). */
function channelAxis(site: Site): number {
  const rank = site.shape(0).length;
  const layout = site.string('data_layout', '');
  if (layout === '') return rank === 3 ? 2 : Math.min(1, rank - 1);
  const axis = layout.indexOf('C');
  if (axis < 0 || layout.length !== rank)
    site.illegal('data_layout', layout, `a layout with C for the ${rank} axes of its input`);
  return axis;
}

function typeOf(site: Site): DataType {
  const scale = site.number('out_scale', 1);
  const bias = site.number('out_bias', 0);
  const name = site.string('out_dtype', '');
  const said = name === '' ? undefined : parseDataType(name);
  if (name !== '' && !said && !/^(FIXED|SCALEDINT|FLOAT)/.test(name)) {
    site.illegal('out_dtype', name, 'BIPOLAR, BINARY, TERNARY, UINT<bits>, INT<bits> or FLOAT32');
  }
  if (!Number.isInteger(scale) || !Number.isInteger(bias)) return FLOAT32;
  const levels = site.shape(1).at(-1)!;
  const ends = [bias, bias + scale * levels];
  const [min, max] = [Math.min(...ends), Math.max(...ends)];
  if (said === BIPOLAR) return levels === 1 && min === -1 && max === 1 ? BIPOLAR : integerRange(min, max);
  return said?.integer && said.min <= min && said.max >= max ? said : integerRange(min, max);
}

/**
 * QONNX and FINN: out_scale · (number of the channel's thresholds that x reaches, x ≥ T) + out_bias. Thresholds are [channels or 1, levels].
 * Its type is out_dtype if all levels fit, otherwise the narrowest that holds them (FINN's own files name types that are too narrow).
 */
export const MultiThreshold: Op = define({
  name: 'MultiThreshold',
  domain: QONNX,
  arity: [2, 2],
  infer: (site) => {
    const shape = site.shape(0);
    const steps = site.shape(1);
    if (shape.length === 0 || steps.length !== 2) {
      site.fail(
        'onnx/shape',
        `input [${shape.join(', ')}] and thresholds [${steps.join(', ')}]`,
        'thresholds are [channels, levels]',
      );
    }
    const channels = shape[channelAxis(site)]!;
    if (steps[0] !== 1 && steps[0] !== channels) {
      site.fail('onnx/shape', `it has thresholds for ${steps[0]} channels, its input has ${channels}`);
    }
    return { shape, dtype: typeOf(site) };
  },
  evaluate: ([x, steps], site, [type]) => {
    const axis = channelAxis(site);
    const channels = x!.shape[axis]!;
    const inner = x!.shape.slice(axis + 1).reduce((product, n) => product * n, 1);
    const levels = steps!.shape[1]!;
    const shared = steps!.shape[0] === 1;
    const scale = site.number('out_scale', 1);
    const bias = site.number('out_bias', 0);
    const data = allocate(type!.dtype, x!.data.length);
    for (let i = 0; i < data.length; i += 1) {
      const row = shared ? 0 : (Math.floor(i / inner) % channels) * levels;
      const v = x!.data[i]!;
      let count = 0;
      for (let t = 0; t < levels; t += 1) if (v >= steps!.data[row + t]!) count += 1;
      data[i] = scale * count + bias;
    }
    return tensor(type!.dtype, x!.shape, data);
  },
});

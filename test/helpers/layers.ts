import fc from 'fast-check';
import { BIPOLAR, type DataType, int, TERNARY, uint } from '../../src/ir/datatype.ts';
import { constant, input } from '../../src/ir/graph.ts';
import { tensor } from '../../src/ir/tensor.ts';
import { type ChannelwiseFunction, channelwiseFunctions } from '../../src/operators/channelwise/functions.ts';
import { channelwise } from '../../src/operators/channelwise/index.ts';
import { streamingConcat } from '../../src/operators/concat/index.ts';
import { type CropAttrs, crop } from '../../src/operators/crop/index.ts';
import { depthToSpace } from '../../src/operators/depth-to-space/index.ts';
import { duplicateStreams } from '../../src/operators/duplicate-streams/index.ts';
import { elementwiseOperators } from '../../src/operators/elementwise/index.ts';
import { fifo } from '../../src/operators/fifo/index.ts';
import { globalAccPool } from '../../src/operators/global-acc-pool/index.ts';
import type { GlobalAccPoolAttrs } from '../../src/operators/global-acc-pool/sizes.ts';
import { labelSelect } from '../../src/operators/label-select/index.ts';
import { layerOf } from '../../src/operators/layer.ts';
import { lookup } from '../../src/operators/lookup/index.ts';
import { mvau } from '../../src/operators/mvau/index.ts';
import { type Sample, sampleLayer } from '../../src/operators/mvau/samples.ts';
import type { Layer } from '../../src/operators/operator.ts';
import { type PaddingAttrs, padding } from '../../src/operators/padding/index.ts';
import { pixelPadding } from '../../src/operators/pixel-padding/index.ts';
import { pool } from '../../src/operators/pool/index.ts';
import type { PoolAttrs } from '../../src/operators/pool/sizes.ts';
import { requant } from '../../src/operators/requant/index.ts';
import { slidingWindow } from '../../src/operators/sliding-window/index.ts';
import type { SlidingWindowAttrs } from '../../src/operators/sliding-window/sizes.ts';
import { streamingSplit } from '../../src/operators/split/index.ts';
import { streamingMaxPool } from '../../src/operators/streaming-max-pool/index.ts';
import type { MaxPoolAttrs } from '../../src/operators/streaming-max-pool/sizes.ts';
import { thresholding } from '../../src/operators/thresholding/index.ts';
import type { ThresholdingAttrs } from '../../src/operators/thresholding/unit.ts';
import { upsample } from '../../src/operators/upsample/index.ts';
import { vvau } from '../../src/operators/vvau/index.ts';
import { type Sample as VvauSample, sampleLayer as vvauSampleLayer } from '../../src/operators/vvau/samples.ts';
import { widthConverter } from '../../src/operators/width-converter/index.ts';
import { divisors, lcm } from '../../src/util/maths.ts';
import { random } from '../../src/util/random.ts';

const narrow: fc.Arbitrary<DataType> = fc.oneof(
  fc.constantFrom(BIPOLAR, TERNARY),
  fc.integer({ min: 1, max: 8 }).map(uint),
  fc.integer({ min: 2, max: 8 }).map(int),
);
const divisor = (n: number): fc.Arbitrary<number> => fc.constantFrom(...divisors(n));
const plain = (layer: unknown): Layer => layer as Layer;

const thresholdingLayer = fc
  .record({
    dtype: fc.oneof(narrow, fc.integer({ min: 9, max: 14 }).map(int)),
    channels: fc.integer({ min: 1, max: 12 }),
    vectors: fc.integer({ min: 1, max: 4 }),
    steps: fc.constantFrom(1, 1, 2, 3, 3, 7, 12, 15, 40),
    shared: fc.boolean(),
    spread: fc.constantFrom(0.2, 1, 1.3),
    bias: fc.integer({ min: -20, max: 20 }),
    bipolar: fc.boolean(),
    signs: fc.constantFrom('plus', 'plus', 'minus', 'mixed'),
    memory: fc.constantFrom('auto' as const, 'lut' as const, 'block' as const),
    seed: fc.nat(),
  })
  .chain((r) => fc.record({ r: fc.constant(r), pe: divisor(r.channels) }))
  .map(({ r, pe }) => {
    const values = random(r.seed);
    const { min, max } = r.dtype;
    const bipolar = r.bipolar && r.steps === 1;
    const rows = r.shared ? 1 : r.channels;
    const draw = (): number => (min + values.float() * (max - min)) * r.spread;
    // Halves, too: thresholds of a file need not be integers.
    const data = Array.from({ length: rows * r.steps }, () => Math.round(2 * draw()) / 2);
    const sign = Array.from({ length: r.channels }, () =>
      r.signs === 'minus' ? -1 : r.signs === 'plus' ? 1 : values.pick([1, -1]),
    );
    const attrs: ThresholdingAttrs = {
      pe,
      memory: r.memory,
      scale: bipolar ? 2 : 1,
      bias: bipolar ? -1 : r.bias,
      output: bipolar ? 'BIPOLAR' : 'INT7',
      ...(r.signs === 'plus' ? {} : { sign }),
    };
    const thresholds = constant({ dtype: int(16), shape: [rows, r.steps], data: Float64Array.from(data) });
    return plain(
      layerOf(thresholding, [input('x', { dtype: r.dtype, shape: [r.vectors, r.channels] }), thresholds], attrs, [
        'random',
      ]),
    );
  });

const labelSelectLayer = fc
  .record({
    dtype: fc.oneof(narrow, fc.integer({ min: 9, max: 20 }).map(int)),
    labels: fc.integer({ min: 1, max: 24 }),
    vectors: fc.integer({ min: 1, max: 3 }),
  })
  .chain((r) =>
    fc.record({ r: fc.constant(r), pe: divisor(r.labels), k: fc.integer({ min: 1, max: Math.min(6, r.labels) }) }),
  )
  .map(({ r: { dtype, labels, vectors }, pe, k }) =>
    plain(
      layerOf(labelSelect, [input('x', { dtype, shape: [vectors, labels] })], { k, labels, pe, keepdims: 1 }, [
        'random',
      ]),
    ),
  );

const fifoLayer = fc
  .record({
    dtype: narrow,
    folds: fc.integer({ min: 1, max: 20 }),
    lanes: fc.integer({ min: 1, max: 6 }),
    depth: fc.oneof(fc.integer({ min: 2, max: 12 }), fc.constantFrom(16, 33, 130)),
    memory: fc.constantFrom('auto' as const, 'register' as const, 'lut' as const, 'block' as const),
  })
  .map(({ dtype, folds, lanes, depth, memory }) =>
    plain(layerOf(fifo, [input('x', { dtype, shape: [1, folds * lanes] })], { depth, lanes, memory }, ['random'])),
  );

const converterLayer = fc
  .record({
    dtype: narrow,
    inLanes: fc.integer({ min: 1, max: 12 }),
    outLanes: fc.integer({ min: 1, max: 12 }),
    times: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ dtype, inLanes, outLanes, times }) => {
    const shape = [1, lcm(inLanes, outLanes) * times];
    return plain(layerOf(widthConverter, [input('x', { dtype, shape })], { inLanes, outLanes }, ['random']));
  });

const mvauLayer = fc
  .record({
    mw: fc.integer({ min: 1, max: 24 }),
    mh: fc.integer({ min: 1, max: 8 }),
    x: narrow,
    w: narrow,
    out: fc.option(fc.constantFrom<DataType>(BIPOLAR, uint(1), uint(2), int(2), uint(3), int(4)), { nil: undefined }),
    shared: fc.boolean(),
    memory: fc.constantFrom('auto' as const, 'lut' as const, 'block' as const),
    seed: fc.nat(),
  })
  .chain((r) => fc.record({ r: fc.constant(r), pe: divisor(r.mh), simd: divisor(r.mw) }))
  .map(({ r: { out, seed, ...rest }, pe, simd }) => {
    const sample: Sample = { ...rest, pe, simd, name: `random_${seed}`, ...(out && { out }) };
    return plain(sampleLayer(mvau, sample));
  });

const side = fc.integer({ min: 0, max: 3 });
const paddingLayer = fc
  .record({
    dtype: narrow,
    height: fc.integer({ min: 1, max: 5 }),
    width: fc.oneof(fc.constant(1), fc.integer({ min: 2, max: 6 })),
    channels: fc.integer({ min: 1, max: 6 }),
    pads: fc.oneof(fc.tuple(side, side, side, side), fc.tuple(side, fc.constant(0), side, fc.constant(0))),
    value: fc.oneof(fc.constant(0), fc.integer({ min: -20, max: 20 }), fc.constant('least' as const)),
    several: fc.boolean(),
  })
  .chain(({ dtype, height, width, channels, pads, value, several }) => {
    const build = (simd: number, pixels: number): Layer<PaddingAttrs> =>
      layerOf<PaddingAttrs>(
        padding,
        [input('x', { dtype, shape: [1, height, width, channels] })],
        { pads, value: value === 'least' ? dtype.min : value, simd, pixels },
        ['random'],
      );
    const pixels = several ? divisor(padding.parallel(build(1, 1))['pixels']!) : fc.constant(1);
    return fc.tuple(divisor(channels), pixels).map(([simd, n]) => plain(build(n > 1 ? channels : simd, n)));
  });

const maxPoolLayer = fc
  .record({
    dtype: narrow,
    kernel: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
    size: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 4 })),
    over: fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 })),
    channels: fc.integer({ min: 1, max: 6 }),
    memory: fc.constantFrom('auto' as const, 'register' as const, 'lut' as const, 'block' as const),
    several: fc.constantFrom(1, 1, 2, 3),
  })
  .chain((r) => fc.record({ r: fc.constant(r), pe: divisor(r.channels) }))
  .map(({ r: { dtype, kernel, size, over, channels, memory, several }, pe }) => {
    const height = kernel[0] * size[0] + (over[0] % kernel[0]);
    const width = kernel[1] * size[1] * several + (several > 1 ? 0 : over[1] % kernel[1]);
    const attrs: MaxPoolAttrs = { kernel, pe, pixels: 1, memory };
    const multiple = several > 1 ? { pe: channels, pixels: kernel[1] * several } : {};
    const x = input('x', { dtype, shape: [1, height, width, channels] });
    return plain(layerOf(streamingMaxPool, [x], { ...attrs, ...multiple }, ['random']));
  });

const duplicateStreamsLayer = fc
  .record({
    dtype: narrow,
    channels: fc.integer({ min: 1, max: 12 }),
    vectors: fc.integer({ min: 1, max: 4 }),
    outputs: fc.integer({ min: 2, max: 4 }),
  })
  .chain((r) => fc.record({ r: fc.constant(r), pe: divisor(r.channels) }))
  .map(({ r: { dtype, channels, vectors, outputs }, pe }) =>
    plain(layerOf(duplicateStreams, [input('x', { dtype, shape: [vectors, channels] })], { outputs, pe }, ['random'])),
  );

const elementwiseLayers = Object.fromEntries(
  elementwiseOperators.map((op) => [
    op.name,
    fc
      .record({
        a: narrow,
        b: narrow,
        channels: fc.integer({ min: 1, max: 8 }),
        vectors: fc.integer({ min: 1, max: 3 }),
        factors: fc.option(fc.tuple(fc.integer({ min: 1, max: 99 }), fc.constantFrom(-31, -2, -1, 1, 3, 12, 55)), {
          nil: undefined,
        }),
      })
      .chain((r) => fc.record({ r: fc.constant(r), pe: divisor(r.channels) }))
      .map(({ r: { a, b, channels, vectors, factors }, pe }) => {
        const shape = [vectors, channels];
        const linear = op.name === 'AddStreams' || op.name === 'ElementwiseSub';
        const attrs = { pe, ...(linear && factors && { factors }) };
        return plain(
          layerOf(op, [input('x', { dtype: a, shape }), input('y', { dtype: b, shape })], attrs, ['random']),
        );
      }),
  ]),
);

type Writable<T> = { -readonly [K in keyof T]: T[K] };
const small = fc.integer({ min: 1, max: 4 });
const windowLayer = fc
  .record({
    dtype: narrow,
    windows: fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 })),
    rest: fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 })),
    kernel: fc.tuple(small, small),
    stride: fc.tuple(fc.constantFrom(1, 1, 2, 3), fc.constantFrom(1, 1, 2, 3)),
    dilation: fc.tuple(fc.constantFrom(1, 1, 2), fc.constantFrom(1, 1, 2)),
    turn: fc.constantFrom('image', 'image', 'image', 'row', 'column'),
    channels: fc.integer({ min: 1, max: 6 }),
    depthwise: fc.constantFrom(0 as const, 1 as const),
    parallelWindow: fc.constantFrom(0 as const, 0 as const, 1 as const),
    several: fc.constantFrom(1, 1, 2, 4),
    memory: fc.constantFrom('auto' as const, 'auto' as const, 'lut' as const, 'block' as const),
  })
  .chain((r) => fc.record({ r: fc.constant(r), simd: divisor(r.channels) }))
  .map(({ r: { windows, rest, turn, channels, dtype, several, ...given }, simd }) => {
    const flat = (pair: readonly [number, number]): [number, number] => [
      turn === 'row' ? 1 : pair[0],
      turn === 'column' ? 1 : pair[1],
    ];
    const pixels = given.parallelWindow === 1 ? several : 1;
    const attrs: Writable<SlidingWindowAttrs> = { ...given, kernel: flat(given.kernel), simd, pixels };
    const axis = turn === 'column' ? 0 : 1;
    if (pixels > 1) {
      // The kernel's reach along the row, and its windows, are multiples of the pixels.
      attrs.stride = [axis === 0 ? 1 : given.stride[0], axis === 1 ? 1 : given.stride[1]];
      attrs.dilation = [axis === 0 ? pixels : given.dilation[0], axis === 1 ? pixels : given.dilation[1]];
    }
    // Rows and columns that no window reads are fewer than the stride.
    const size = flat(windows).map((count, i) => {
      const reach = (attrs.kernel[i]! - 1) * attrs.dilation[i]!;
      const all = pixels > 1 && i === axis ? count * pixels : count;
      const flatAxis = (turn === 'row' && i === 0) || (turn === 'column' && i === 1);
      return flatAxis ? 1 : (all - 1) * attrs.stride[i]! + reach + 1 + (rest[i]! % attrs.stride[i]!);
    });
    if (attrs.parallelWindow === 1 && (pixels > 1 || attrs.depthwise === 0)) attrs.simd = channels;
    const x = input('x', { dtype, shape: [1, size[0]!, size[1]!, channels] });
    return plain(layerOf<SlidingWindowAttrs>(slidingWindow, [x], attrs, ['random']));
  });

const globalAccPoolLayer = fc
  .record({
    dtype: narrow,
    height: fc.integer({ min: 1, max: 5 }),
    width: fc.integer({ min: 1, max: 5 }),
    channels: fc.integer({ min: 1, max: 12 }),
    memory: fc.constantFrom('auto' as const, 'register' as const, 'lut' as const, 'block' as const),
    keepdims: fc.constantFrom(0 as const, 1 as const),
  })
  .chain((r) => fc.record({ r: fc.constant(r), pe: divisor(r.channels) }))
  .map(({ r: { dtype, height, width, channels, memory, keepdims }, pe }) => {
    const x = input('x', { dtype, shape: [1, height, width, channels] });
    return plain(layerOf<GlobalAccPoolAttrs>(globalAccPool, [x], { pe, keepdims, memory }, ['random']));
  });

const channelwiseLayer = fc
  .record({
    fn: fc.constantFrom(...(Object.keys(channelwiseFunctions) as ChannelwiseFunction[])),
    dtype: narrow,
    channels: fc.integer({ min: 1, max: 24 }),
    vectors: fc.integer({ min: 1, max: 3 }),
    shared: fc.boolean(),
    memory: fc.constantFrom('auto' as const, 'lut' as const, 'block' as const),
    seed: fc.nat(),
  })
  .chain((r) => fc.record({ r: fc.constant(r), pe: divisor(r.channels) }))
  .map(({ r: { fn, dtype, channels, vectors, shared, memory, seed }, pe }) => {
    const values = random(seed);
    const rows = shared ? 1 : channels;
    const data = Array.from({ length: rows }, () => values.int(dtype.min - 3, dtype.max + 3));
    const constants = constant(tensor(int(32), [rows, 1], data));
    const x = input('x', { dtype, shape: [vectors, channels] });
    return plain(layerOf(channelwise, [x, constants], { function: fn, pe, memory }, ['random']));
  });

/** An image N×H×W×C, one in three of them with a width of 1. */
const image = fc.record({
  dtype: narrow,
  height: fc.integer({ min: 1, max: 6 }),
  width: fc.oneof(fc.constant(1), fc.integer({ min: 2, max: 4 }), fc.integer({ min: 4, max: 7 })),
  channels: fc.integer({ min: 1, max: 6 }),
});
const stride = fc.integer({ min: 1, max: 3 });

const pixelPaddingLayer = image
  .chain((r) => fc.record({ r: fc.constant(r), strides: fc.tuple(stride, stride), simd: divisor(r.channels) }))
  .map(({ r, strides, simd }) => {
    const x = input('x', { dtype: r.dtype, shape: [1, r.height, r.width, r.channels] });
    return plain(layerOf(pixelPadding, [x], { strides, simd }, ['random']));
  });

const cropLayer = fc
  .tuple(image, side, side, side, side, fc.boolean())
  .chain(([{ dtype, height, width, channels }, top, left, bottom, right, several]) => {
    const sides = [top, width > 1 ? left : 0, bottom, width > 1 ? right : 0] as const;
    const shape = [1, height + top + bottom, width + sides[1] + sides[3], channels];
    const build = (simd: number, pixels: number): Layer<CropAttrs> =>
      layerOf<CropAttrs>(crop, [input('x', { dtype, shape })], { sides, simd, pixels }, ['random']);
    const pixels = several ? divisor(crop.parallel(build(1, 1))['pixels']!) : fc.constant(1);
    return fc.tuple(divisor(channels), pixels).map(([simd, n]) => plain(build(n > 1 ? channels : simd, n)));
  });

const upsampleLayer = image
  .chain((r) =>
    fc.record({
      r: fc.constant(r),
      scales: fc.tuple(stride, stride),
      simd: divisor(r.channels),
      memory: fc.constantFrom('auto' as const, 'lut' as const, 'block' as const),
    }),
  )
  .map(({ r, ...attrs }) => {
    const x = input('x', { dtype: r.dtype, shape: [1, r.height, r.width, r.channels] });
    return plain(layerOf(upsample, [x], attrs, ['random']));
  });

const depthToSpaceLayer = image
  .chain((r) =>
    fc.record({
      r: fc.constant(r),
      blocksize: fc.oneof(stride, fc.constantFrom(2, 4)),
      simd: divisor(r.channels),
      memory: fc.constantFrom('auto' as const, 'lut' as const, 'block' as const),
    }),
  )
  .map(({ r, ...attrs }) => {
    const shape = [1, r.height, r.width, r.channels * attrs.blocksize ** 2];
    return plain(layerOf(depthToSpace, [input('x', { dtype: r.dtype, shape })], attrs, ['random']));
  });

const concatLayer = fc
  .record({
    parts: fc.array(fc.record({ dtype: narrow, folds: fc.integer({ min: 1, max: 5 }) }), {
      minLength: 2,
      maxLength: 4,
    }),
    simd: fc.integer({ min: 1, max: 4 }),
    pixels: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ parts, simd, pixels }) => {
    const xs = parts.map(({ dtype, folds }, i) => input(`x${i}`, { dtype, shape: [pixels, folds * simd] }));
    return plain(layerOf(streamingConcat, xs, { simd }, ['random']));
  });

const splitLayer = fc
  .record({
    dtype: narrow,
    folds: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 2, maxLength: 4 }),
    simd: fc.integer({ min: 1, max: 4 }),
    pixels: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ dtype, folds, simd, pixels }) => {
    const parts = folds.map((n) => n * simd);
    const x = input('x', { dtype, shape: [pixels, parts.reduce((a, b) => a + b)] });
    return plain(layerOf(streamingSplit, [x], { parts, simd }, ['random']));
  });

const lookupLayer = fc
  .record({
    rows: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 60, max: 140 })),
    columns: fc.integer({ min: 1, max: 8 }),
    dtype: narrow,
    index: fc.oneof(fc.integer({ min: 1, max: 9 }).map(uint), fc.integer({ min: 2, max: 9 }).map(int)),
    shape: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 }),
    memory: fc.constantFrom('auto' as const, 'lut' as const, 'block' as const),
    seed: fc.nat(),
  })
  .chain((r) => fc.record({ r: fc.constant(r), pe: divisor(r.columns) }))
  .map(({ r: { rows, columns, dtype, index, shape, memory, seed }, pe }) => {
    const values = random(seed);
    const any = () => (dtype === BIPOLAR ? values.pick([-1, 1]) : values.int(dtype.min, dtype.max));
    const table = constant(tensor(dtype, [rows, columns], Array.from({ length: rows * columns }, any)));
    return plain(layerOf(lookup, [table, input('x', { dtype: index, shape })], { pe, memory }, ['random']));
  });

const vvauLayer = fc
  .record({
    channels: fc.integer({ min: 1, max: 8 }),
    positions: fc.constantFrom(1, 2, 3, 4, 6, 9, 9, 9),
    x: narrow,
    w: narrow,
    out: fc.option(fc.constantFrom<DataType>(BIPOLAR, uint(1), uint(2), int(2), uint(3), int(4)), { nil: undefined }),
    shared: fc.boolean(),
    memory: fc.constantFrom('auto' as const, 'lut' as const, 'block' as const),
    image: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 3 })),
    seed: fc.nat(),
  })
  .chain((r) => fc.record({ r: fc.constant(r), pe: divisor(r.channels), simd: divisor(r.positions) }))
  .map(({ r: { out, seed, ...rest }, pe, simd }) => {
    const sample: VvauSample = { ...rest, pe, simd, name: `random_${seed}`, ...(out && { out }) };
    return plain(vvauSampleLayer(vvau, sample));
  });

const requantLayer = fc
  .record({
    bits: fc.integer({ min: 2, max: 16 }),
    signed: fc.boolean(),
    output: fc.integer({ min: 2, max: 8 }).chain((bits) => fc.constantFrom(int(bits), uint(bits))),
    channels: fc.integer({ min: 1, max: 20 }),
    vectors: fc.integer({ min: 1, max: 3 }),
    shift: fc.integer({ min: 0, max: 14 }),
    shared: fc.boolean(),
    reach: fc.constantFrom(1, 3, 200),
    memory: fc.constantFrom('auto' as const, 'lut' as const, 'block' as const),
    seed: fc.nat(),
  })
  .chain((r) => fc.record({ r: fc.constant(r), pe: divisor(r.channels) }))
  .map(({ r: { bits, signed, output, channels, vectors, shift, shared, reach, memory, seed }, pe }) => {
    const values = random(seed);
    const rows = shared ? 1 : channels;
    const list = (most: number) =>
      constant(
        tensor(
          int(32),
          [rows, 1],
          Array.from({ length: rows }, () => values.int(-most, most)),
        ),
      );
    const x = input('x', { dtype: signed ? int(bits) : uint(bits), shape: [vectors, channels] });
    const low = values.int(output.min, output.max);
    const attrs = { shift, low, high: values.int(low, output.max), output: output.name, pe, memory };
    return plain(layerOf(requant, [x, list(reach), list(2 ** shift * reach)], attrs, ['random']));
  });

const poolLayer = fc
  .record({
    dtype: narrow,
    kind: fc.constantFrom('max' as const, 'sum' as const, 'average' as const),
    channels: fc.integer({ min: 1, max: 8 }),
    positions: fc.constantFrom(1, 2, 4, 6, 9, 16),
    windows: fc.integer({ min: 1, max: 4 }),
    offset: fc.integer({ min: -40, max: 40 }),
    shift: fc.integer({ min: 0, max: 7 }),
    output: fc.constantFrom<DataType>(uint(1), uint(2), int(3), uint(4), int(6), uint(12)),
  })
  .chain((r) => fc.record({ r: fc.constant(r), pe: divisor(r.channels), simd: divisor(r.positions) }))
  .map(({ r: { dtype, kind, channels, positions, windows, offset, shift, output }, pe, simd }) => {
    const x = input('x', { dtype, shape: [1, windows, 1, positions * channels] });
    const average = { offset, shift, least: output.min, most: output.max, output: output.name };
    const attrs: PoolAttrs = { function: kind === 'max' ? 'max' : 'sum', channels, pe, simd };
    return plain(layerOf<PoolAttrs>(pool, [x], kind === 'average' ? { ...attrs, average } : attrs, ['random']));
  });

/** Random legal layers, by operator. */
export const layers: Readonly<Record<string, fc.Arbitrary<Layer>>> = {
  MVAU: mvauLayer,
  Thresholding: thresholdingLayer,
  LabelSelect: labelSelectLayer,
  ConvolutionInputGenerator: windowLayer,
  DuplicateStreams: duplicateStreamsLayer,
  ...elementwiseLayers,
  Requant: requantLayer,
  StreamingConcat: concatLayer,
  StreamingSplit: splitLayer,
  ChannelwiseOp: channelwiseLayer,
  StreamingDataWidthConverter: converterLayer,
  StreamingFIFO: fifoLayer,
  Pool: poolLayer,
  StreamingMaxPool: maxPoolLayer,
  VVAU: vvauLayer,
  GlobalAccPool: globalAccPoolLayer,
  FMPadding: paddingLayer,
  FMPadding_Pixel: pixelPaddingLayer,
  Crop: cropLayer,
  UpsampleNearestNeighbour: upsampleLayer,
  DepthToSpace: depthToSpaceLayer,
  Lookup: lookupLayer,
};

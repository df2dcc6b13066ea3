import { FLOAT32, int } from '../../src/ir/datatype.ts';
import { constant, type Graph, input, node as makeNode, type Node, output, type Value } from '../../src/ir/graph.ts';
import { sizeOf, tensor } from '../../src/ir/tensor.ts';
import { onnx, qonnx } from '../../src/passes/ops.ts';
import { type Random, random } from '../../src/util/random.ts';

/** A network of images drawn from a seed: what it is made of is counted by operation. */
export interface RandomNetwork {
  readonly graph: Graph;
  readonly operations: ReadonlyMap<string, number>;
}

/** Scales whose sums meet on a common grid, and some that do not. */
const scales = [0.125, 0.25, 0.5, 1, 0.1, 0.3, 0.0625];

class Drawing {
  readonly draw: Random;
  readonly operations = new Map<string, number>();
  #names = 0;
  constructor(draw: Random) {
    this.draw = draw;
  }

  real(shape: readonly number[], from: number, to: number): Value {
    const values = Array.from({ length: sizeOf(shape) }, () => Math.round(this.draw.int(from * 16, to * 16)) / 16);
    return constant(tensor(FLOAT32, shape, values));
  }
  single = (value: number): Value => constant(tensor(FLOAT32, [], [value]));
  list = (values: readonly number[]): Value => constant(tensor(int(64), [values.length], values));

  op(op: Node['op'], inputs: readonly (Value | undefined)[], attrs: Node['attrs'] = {}): Value {
    return this.many(op, inputs, attrs, 1)[0]!;
  }
  many(op: Node['op'], inputs: readonly (Value | undefined)[], attrs: Node['attrs'], outputs: number): Value[] {
    this.operations.set(op.name, (this.operations.get(op.name) ?? 0) + 1);
    this.#names += 1;
    const made = makeNode(op, inputs, attrs, [`${op.name}_${this.#names}`], outputs) as Node;
    return made.types.map((_, i) => output(made, i));
  }

  /** An activation's quantiser, with a zero point now and then. */
  quant(x: Value, perChannel = false): Value {
    const { draw } = this;
    if (draw.chance(0.15)) return this.op(qonnx('BipolarQuant'), [x, this.single(draw.pick(scales))]);
    const bits = draw.int(2, 4);
    const signed = draw.chance(0.5);
    const rank = x.type.shape.length;
    const shape = perChannel ? [1, x.type.shape[1]!, ...new Array<number>(rank - 2).fill(1)] : [];
    const scale = constant(
      tensor(
        FLOAT32,
        shape,
        Array.from({ length: sizeOf(shape) }, () => draw.pick(scales) * draw.pick([1, 4, 8])),
      ),
    );
    const zero = !signed && draw.chance(0.2) ? draw.int(1, 3) : 0;
    const attrs = {
      signed: signed ? 1 : 0,
      narrow: draw.chance(0.2) ? 1 : 0,
      rounding_mode: draw.pick(['ROUND', 'FLOOR']),
    };
    return this.op(qonnx('Quant'), [x, scale, this.single(zero), this.single(bits)], attrs);
  }

  /** Quantised weights with one scale, or one an output; outputs run along `axis`. */
  weights(shape: readonly number[], axis = 0): Value {
    const { draw } = this;
    const outputs = draw.chance(0.3) ? shape.map((n, i) => (i === axis ? n : 1)) : [];
    if (draw.chance(0.25)) return this.op(qonnx('BipolarQuant'), [this.real(shape, -2, 2), this.single(0.25)]);
    const by = constant(
      tensor(
        FLOAT32,
        outputs,
        Array.from({ length: sizeOf(outputs) }, () => draw.pick([0.125, 0.25, 0.1])),
      ),
    );
    return this.op(qonnx('Quant'), [this.real(shape, -1, 1), by, this.single(0), this.single(draw.int(2, 4))], {
      signed: 1,
      narrow: 1,
      rounding_mode: 'ROUND',
    });
  }

  /** What may stand between a product and its quantiser. */
  chain(x: Value): Value {
    const { draw } = this;
    const channels = x.type.shape[1]!;
    const column = [1, channels, ...x.type.shape.slice(2).map(() => 1)];
    let y = x;
    if (draw.chance(0.5)) {
      const parameters = [this.real([channels], -2, 2), this.real([channels], -2, 2), this.real([channels], -1, 1)];
      y = this.op(onnx('BatchNormalization'), [y, ...parameters, this.real([channels], 1, 3)], { epsilon: 0.00001 });
    } else if (draw.chance(0.6)) y = this.op(onnx('Add'), [y, this.real(column, -2, 2)]);
    if (draw.chance(0.4)) y = this.op(onnx('Relu'), [y]);
    if (draw.chance(0.1)) y = this.op(onnx('Neg'), [y]);
    return y;
  }

  /** Is zero a level of the value, so that it may be padded? Quantisers with two levels at ±s have none. */
  conv(x: Value, padded = true): Value {
    const { draw } = this;
    const [, channels, ...size] = x.type.shape as [number, number, ...number[]];
    const kernel = size.map((n) => draw.int(1, Math.min(3, n)));
    const dilations = size.map((n, i) => (kernel[i]! > 1 && (kernel[i]! - 1) * 2 + 1 <= n && draw.chance(0.2) ? 2 : 1));
    const depthwise = channels > 1 && draw.chance(0.3);
    const outputs = depthwise ? channels : draw.int(1, 4);
    const pads = size.concat(size).map(() => (padded && draw.chance(0.4) ? 1 : 0));
    const attrs = {
      kernel_shape: kernel,
      strides: size.map((n) => (n > 3 ? draw.int(1, 2) : 1)),
      dilations,
      pads,
      group: depthwise ? channels : 1,
    };
    const w = this.weights([outputs, depthwise ? 1 : channels, ...kernel]);
    return this.op(onnx('Conv'), [x, w], attrs);
  }

  transposed(x: Value): Value {
    const { draw } = this;
    const [, channels, ...size] = x.type.shape as [number, number, ...number[]];
    const kernel = size.map(() => draw.int(2, 3));
    const attrs = {
      kernel_shape: kernel,
      strides: size.map(() => draw.int(1, 2)),
      pads: size.concat(size).map(() => draw.int(0, 1)),
    };
    return this.op(onnx('ConvTranspose'), [x, this.weights([channels, draw.int(1, 3), ...kernel], 1)], attrs);
  }

  maxPool(x: Value): Value {
    const { draw } = this;
    const size = x.type.shape.slice(2);
    const kernel = size.map((n) => draw.int(1, Math.min(3, n)));
    const apart = draw.chance(0.6);
    const strides = apart ? kernel : size.map(() => draw.int(1, 2));
    const pads = size.concat(size).map((_, i) => (!apart && kernel[i % size.length]! > 1 && draw.chance(0.3) ? 1 : 0));
    return this.op(onnx('MaxPool'), [x], { kernel_shape: kernel, strides, pads });
  }

  averagePool(x: Value): Value {
    const { draw } = this;
    const size = x.type.shape.slice(2);
    if (draw.chance(0.4)) return this.op(onnx('GlobalAveragePool'), [x]);
    const kernel = size.map((n) => draw.int(1, Math.min(3, n)));
    return this.op(onnx('AveragePool'), [x], { kernel_shape: kernel, strides: size.map(() => draw.int(1, 2)) });
  }
}

/** Convolutions, pools, joins and movement in random order, one or two spatial axes; QONNX, with a real or an integer input. */
export function randomImages(seed: number): RandomNetwork {
  const draw = random(seed);
  const d = new Drawing(draw);
  const axes = draw.chance(0.25) ? 1 : 2;
  const size = Array.from({ length: axes }, () => draw.int(4, 7));
  const real = draw.chance(0.5);
  const shape = [1, draw.int(1, 3), ...size];
  const x = input('x', { dtype: real ? FLOAT32 : int(draw.int(2, 5)), shape });
  let now: Value = real ? d.quant(x) : x;
  const steps = draw.int(1, 4);
  for (let i = 0; i < steps; i += 1) now = step(d, now);
  const end = draw.int(0, 3);
  if (end === 0) now = d.quant(d.op(onnx('GlobalAveragePool'), [now]));
  if (end >= 1) {
    now = d.op(onnx('Flatten'), [now], { axis: 1 });
    if (end >= 2) {
      const w = d.weights([now.type.shape[1]!, draw.int(1, 4)], 1);
      now = d.op(onnx('MatMul'), [now, w]);
    }
    if (end === 3) now = d.quant(d.chain(now));
  }
  return {
    graph: { name: `random_${seed}`, inputs: [x], outputs: [{ name: 'y', value: now }] },
    operations: d.operations,
  };
}

/** One more stage on a quantised image. */
function step(d: Drawing, x: Value): Value {
  const { draw } = d;
  const { shape } = x.type;
  const size = shape.slice(2);
  switch (draw.int(0, 11)) {
    case 0: {
      // Unquantised values through the pool.
      const y = d.maxPool(d.chain(d.conv(x)));
      return d.quant(y);
    }
    case 1:
      return d.maxPool(x);
    case 2:
      return d.quant(d.averagePool(x));
    case 3: {
      const left = d.quant(d.chain(x));
      const right = draw.chance(0.5) ? d.quant(d.chain(same(d, x))) : d.quant(d.chain(x));
      const sum = d.op(onnx(draw.chance(0.8) ? 'Add' : 'Sub'), [left, right]);
      return d.quant(draw.chance(0.5) ? d.op(onnx('Relu'), [sum]) : sum);
    }
    case 4: {
      const parts = [d.quant(d.chain(same(d, x))), d.quant(d.chain(x)), ...(draw.chance(0.3) ? [x] : [])];
      return d.quant(d.op(onnx('Concat'), parts, { axis: 1 }));
    }
    case 5: {
      const channels = shape[1]!;
      if (channels < 2) return d.quant(d.chain(d.conv(x)));
      const cut = draw.int(1, channels - 1);
      const [a, b] = d.many(onnx('Split'), [x, d.list([cut, channels - cut])], { axis: 1 }, 2);
      return d.quant(d.op(onnx('Concat'), [d.quant(d.chain(a!)), b!], { axis: 1 }));
    }
    case 6: {
      if (size.some((n) => n < 3)) return x;
      const starts = size.map(() => draw.int(0, 1));
      const ends = size.map((n) => n - draw.int(0, 1));
      const axes = size.map((_, i) => i + 2);
      return d.op(onnx('Slice'), [x, d.list(starts), d.list(ends), d.list(axes)]);
    }
    case 7: {
      if (size.some((n) => n > 5)) return d.maxPool(x);
      const factors = [1, 1, ...size.map(() => draw.int(1, 2))];
      return d.op(onnx('Resize'), [x, undefined, constant(tensor(FLOAT32, [factors.length], factors))], {
        mode: 'nearest',
        coordinate_transformation_mode: 'asymmetric',
        nearest_mode: 'floor',
      });
    }
    case 8:
      return size.some((n) => n > 5) || size.length === 1 ? x : d.quant(d.chain(d.transposed(x)));
    default:
      return d.quant(d.chain(d.conv(x)), draw.chance(0.15));
  }
}

/** A convolution that keeps the shape. */
function same(d: Drawing, x: Value): Value {
  const [, channels, ...size] = x.type.shape as [number, number, ...number[]];
  const w = d.weights([channels, channels, ...size.map(() => 1)]);
  return d.op(onnx('Conv'), [x, w], {
    kernel_shape: size.map(() => 1),
    strides: size.map(() => 1),
    pads: size.concat(size).map(() => 0),
  });
}

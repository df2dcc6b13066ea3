import { floats, info, int64s, type ModelParts, model, op } from '../helpers/onnx-builder.ts';

type Attributes = Readonly<Record<string, number | string | readonly number[]>>;

/** How values are quantised: bits, signed and scale, one number or one a channel. */
export interface Quantiser {
  readonly bits?: number;
  readonly signed?: boolean;
  readonly scale?: number | readonly number[];
  readonly zero?: number;
}

/** A QONNX network written down node by node, weights filled in; a name is what its methods give and take. */
export class Sketch {
  readonly #nodes: ReturnType<typeof op>[] = [];
  readonly #initializers: ReturnType<typeof floats>[] = [];
  readonly #inputs: ReturnType<typeof info>[] = [];
  opset = 13;

  input(name: string, dims: readonly (number | string)[]): string {
    this.#inputs.push(info(name, dims));
    return name;
  }

  /** A constant of the network. */
  floats(dims: readonly number[], values: readonly number[] | number): string {
    const size = dims.reduce((a, b) => a * b, 1);
    const name = `c${this.#initializers.length}`;
    const data = typeof values === 'number' ? new Array<number>(size).fill(values) : values;
    this.#initializers.push(floats(name, dims, data));
    return name;
  }

  integers(...values: readonly number[]): string {
    const name = `c${this.#initializers.length}`;
    this.#initializers.push(int64s(name, [values.length], values));
    return name;
  }

  /** Weights −3 … 3, not quantised. */
  real(dims: readonly number[]): string {
    const size = dims.reduce((a, b) => a * b, 1);
    return this.floats(
      dims,
      Array.from({ length: size }, (_, i) => ((i * 5 + 3) % 7) - 3),
    );
  }

  node(
    name: string,
    type: string,
    inputs: readonly string[],
    attributes: Attributes = {},
    { outputs = 1, domain = '' }: { outputs?: number; domain?: string } = {},
  ): string {
    const made = Array.from({ length: outputs }, (_, i) => (i === 0 ? `${name}_y` : `${name}_y${i}`));
    this.#nodes.push(op(name, type, inputs, made, attributes, domain));
    return made[0]!;
  }

  /** The last node without its name, as many exporters write it. */
  unnamed(): void {
    const last = this.#nodes.at(-1)!;
    delete last.name;
  }

  quant(name: string, x: string, { bits = 4, signed = true, scale = 0.25, zero = 0 }: Quantiser = {}): string {
    const by = typeof scale === 'number' ? this.floats([], scale) : this.floats([1, scale.length, 1, 1], scale);
    return this.node(
      name,
      'Quant',
      [x, by, this.floats([], zero), this.floats([], bits)],
      { signed: signed ? 1 : 0, narrow: 0, rounding_mode: 'ROUND' },
      { domain: 'qonnx.custom_op.general' },
    );
  }

  weights(name: string, dims: readonly number[], how: Quantiser = {}): string {
    return this.quant(`${name}_w`, this.real(dims), { bits: 3, scale: 0.5, ...how });
  }

  conv(name: string, x: string, dims: readonly number[], attributes: Attributes = {}): string {
    return this.node(name, 'Conv', [x, this.weights(name, dims)], { kernel_shape: dims.slice(2), ...attributes });
  }

  dense(name: string, x: string, dims: readonly [number, number]): string {
    return this.node(name, 'MatMul', [x, this.weights(name, dims)]);
  }

  bytes(outputs: readonly string[] | string, rest: Partial<ModelParts> = {}): Uint8Array {
    return model({
      nodes: this.#nodes,
      inputs: this.#inputs,
      initializers: this.#initializers,
      outputs: typeof outputs === 'string' ? [outputs] : outputs,
      opset: this.opset,
      ...rest,
    });
  }
}

/** The middle of a network: what is done to quantised images [1, 2, 6, 6]. */
export type Middle = (s: Sketch, x: string) => string;

/**
 * A network with a middle: image → quantiser `first` → convolution `before` → quantiser `between` → middle → convolution
 * `behind` of 1×1 over `channels` → quantiser `last`.
 */
export function sandwich(middle: Middle, channels = 2): Uint8Array {
  const s = new Sketch();
  const x = s.quant('first', s.input('x', [1, 2, 6, 6]));
  const q = s.quant('between', s.conv('before', x, [2, 2, 1, 1]));
  const y = s.conv('behind', middle(s, q), [3, channels, 1, 1]);
  return s.bytes(s.quant('last', y));
}

/** A network and what must be said of it: where, what, what to do. */
export type Bad = readonly [name: string, make: () => Uint8Array, at: string, message: RegExp, hint: RegExp];

/** A network that is written down as it is. */
export const sketched = (draw: (s: Sketch) => string | readonly string[]) => () => {
  const s = new Sketch();
  return s.bytes(draw(s));
};
/** A quantised image. */
export const image = (s: Sketch, channels = 2): string => s.quant('first', s.input('x', [1, channels, 6, 6]));
/** A quantised vector of 6. */
export const vector = (s: Sketch): string => s.quant('first', s.input('x', [1, 6]));
/** A sandwich with this middle. */
export const between = (draw: (s: Sketch, x: string) => string, channels?: number) => () => sandwich(draw, channels);
/** A sandwich whose middle is quantised again. */
export const behind = (draw: (s: Sketch, x: string) => string) => between((s, x) => s.quant('q', draw(s, x)));

export const qonnx = { domain: 'qonnx.custom_op.general' };
export const square = { kernel_shape: [3, 3] };
export const pool = { kernel_shape: [3, 3], strides: [2, 2] };

import { limits } from '../../src/onnx/ops/quant.ts';
import type { NodeProto, TensorProto } from '../../src/onnx/proto.ts';
import { floats, info, int8s, type ModelParts, op } from './onnx-builder.ts';

/** A quantiser as Brevitas exports it. */
export interface QuantSpec {
  /** 1 signed bit is BipolarQuant where `bipolar` says so. */
  readonly bits: number;
  readonly signed: boolean;
  readonly narrow?: boolean;
  readonly bipolar?: boolean;
  readonly scale: number | readonly number[];
  readonly zero?: number;
  readonly rounding?: string;
}

/** One elementwise operation with constants; `inputs` come behind the running value. */
export interface ElementwiseSpec {
  readonly op: string;
  readonly inputs?: readonly (number | readonly number[])[];
  readonly attributes?: Readonly<Record<string, number | string>>;
  /** The running value is the second input: c − x, c / x. */
  readonly swapped?: boolean;
}

/** y = quantiser(chain(x · W)); weights [K][N] are the integers, which `weight` scales. Without weights, W is left out. */
export interface LayerSpec {
  readonly weights?: readonly (readonly number[])[];
  readonly weight?: QuantSpec;
  readonly chain: readonly ElementwiseSpec[];
  readonly quant?: QuantSpec | undefined;
}

export interface MlpSpec {
  readonly inputs: number;
  /** FINN's name of the input's type, or a quantiser of a real input. */
  readonly input: string | QuantSpec;
  readonly layers: readonly LayerSpec[];
}

const list = (value: number | readonly number[]): readonly number[] => (typeof value === 'number' ? [value] : value);

/** How quantisers are written. */
type Dialect = 'qonnx' | 'qcdq';

/** Collects nodes and constants. */
class Writer {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  #next = 0;
  readonly #dialect: Dialect;

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
  }

  constant(value: number | readonly number[], dims?: readonly number[]): string {
    const name = `c${this.initializers.length}`;
    this.initializers.push(floats(name, dims ?? (typeof value === 'number' ? [] : [value.length]), list(value)));
    return name;
  }

  apply(
    type: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, number | string>> = {},
    domain = '',
  ): string {
    this.#next += 1;
    this.nodes.push(op(`${type}_${this.#next}`, type, inputs, [`v${this.#next}`], attributes, domain));
    return `v${this.#next}`;
  }

  int8(values: readonly number[], dims: readonly number[]): string {
    const name = `c${this.initializers.length}`;
    this.initializers.push(int8s(name, dims, values));
    return name;
  }

  /** Weights that are integers times the scale. */
  weights(integers: readonly (readonly number[])[], q: QuantSpec): string {
    const dims = [integers.length, integers[0]!.length];
    const scales = list(q.scale);
    if (this.#dialect === 'qcdq') {
      const each = scales.length > 1 ? [scales.length] : [];
      const scale = this.constant(each.length > 0 ? scales : scales[0]!);
      const zero = this.int8(new Array<number>(scales.length).fill(0), each);
      return this.apply('DequantizeLinear', [this.int8(integers.flat(), dims), scale, zero], { axis: 1 });
    }
    const real = integers.map((row) => row.map((w, n) => w * scales[scales.length === 1 ? 0 : n]!));
    return this.quant(this.constant(real.flat(), dims), q);
  }

  quant(x: string, q: QuantSpec): string {
    if (this.#dialect === 'qcdq') {
      const { min, max } = limits(q.bits, q.signed, q.narrow ?? false);
      const parameters = [this.constant(list(q.scale)[0]!), this.int8([q.zero ?? 0], [])];
      const integers = this.apply('QuantizeLinear', [x, ...parameters]);
      const cut = this.apply('Clip', [integers, this.int8([min], []), this.int8([max], [])]);
      return this.apply('DequantizeLinear', [cut, ...parameters]);
    }
    const scale = typeof q.scale === 'number' ? this.constant(q.scale) : this.constant(q.scale, [1, q.scale.length]);
    if (q.bipolar) return this.apply('BipolarQuant', [x, scale], {}, 'onnx.brevitas');
    const { bits, signed, narrow = false, zero = 0, rounding = 'ROUND' } = q;
    const attributes = { signed: Number(signed), narrow: Number(narrow), rounding_mode: rounding };
    return this.apply('Quant', [x, scale, this.constant(zero), this.constant(bits)], attributes, 'onnx.brevitas');
  }

  elementwise(x: string, { op: type, inputs = [], attributes = {}, swapped = false }: ElementwiseSpec): string {
    const constants = inputs.map((value) => this.constant(value));
    return this.apply(type, swapped ? [...constants, x] : [x, ...constants], attributes);
  }
}

/** The network in the QONNX dialect: Quant and BipolarQuant of weights and activations. Input x [1, inputs]. */
export const qonnxMlp = (spec: MlpSpec): ModelParts => written(spec, 'qonnx');

/** The network with QuantizeLinear, Clip and DequantizeLinear; undefined where those cannot say it. */
export function qcdqMlp(spec: MlpSpec): ModelParts | undefined {
  const sayable = (q: QuantSpec | undefined): boolean => {
    if (!q) return true;
    const { min, max } = limits(q.bits, q.signed, q.narrow ?? false);
    return !q.bipolar && !(q.bits === 1 && q.signed) && min >= -128 && max <= 127;
  };
  const quantisers = [spec.input, ...spec.layers.map(({ quant }) => quant)];
  const weights = spec.layers.flatMap((layer) => layer.weights?.flat() ?? []);
  return quantisers.every((q) => typeof q === 'string' || sayable(q)) && weights.every((w) => w >= -128 && w <= 127)
    ? written(spec, 'qcdq')
    : undefined;
}

function written({ inputs, input, layers }: MlpSpec, dialect: Dialect): ModelParts {
  const out = new Writer(dialect);
  let x = typeof input === 'string' ? 'x' : out.quant('x', input);
  for (const { weights, weight, chain, quant } of layers) {
    if (weights && weight) {
      x = out.apply('MatMul', [x, out.weights(weights, weight)]);
    }
    for (const one of chain) x = out.elementwise(x, one);
    if (quant) x = out.quant(x, quant);
  }
  return {
    nodes: out.nodes,
    initializers: out.initializers,
    inputs: [info('x', [1, inputs])],
    outputs: [x],
    ...(typeof input === 'string' && { annotations: { x: input } }),
  };
}

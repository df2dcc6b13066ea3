import type { NodeProto, TensorProto } from '../../src/onnx/proto.ts';
import { floats, info, type ModelParts, op } from './onnx-builder.ts';

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

/** Collects nodes and constants. */
class Writer {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  #next = 0;

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

  quant(x: string, q: QuantSpec): string {
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

/** The network in the QONNX dialect: Quant and BipolarQuant of weights and activations. Input x [1, inputs], output y. */
export function qonnxMlp({ inputs, input, layers }: MlpSpec): ModelParts {
  const out = new Writer();
  let x = typeof input === 'string' ? 'x' : out.quant('x', input);
  for (const { weights, weight, chain, quant } of layers) {
    if (weights && weight) {
      const scale = list(weight.scale);
      const real = weights.map((row) => row.map((w, n) => w * scale[scale.length === 1 ? 0 : n]!));
      const W = out.quant(out.constant(real.flat(), [weights.length, weights[0]!.length]), weight);
      x = out.apply('MatMul', [x, W]);
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

import { type DataType, FLOAT64 } from '../../ir/datatype.ts';
import type { Op, TensorType } from '../../ir/graph.ts';
import { allocate, broadcastShape, sizeOf, type Tensor, tensor } from '../../ir/tensor.ts';
import { expand, zip } from './broadcast.ts';
import { define, floatOf, integerRange, isInteger, QONNX, rounder, type Site } from './define.ts';
import { multiply, transposed } from './matrix.ts';

/**
 * Type of a sum of `terms` products: for integer types the narrowest that holds every such sum, whatever the weights are;
 * otherwise floating point, summed in binary64 and rounded once.
 */
export function accumulatorType(a: TensorType, b: TensorType, terms: number): DataType {
  if (!isInteger(a) || !isInteger(b)) return floatOf(a, b);
  const [x, y] = [a.dtype, b.dtype];
  const products = [x.min * y.min, x.min * y.max, x.max * y.min, x.max * y.max];
  return integerRange(terms * Math.min(...products), terms * Math.max(...products));
}

interface Product {
  readonly shape: readonly number[];
  readonly batch: readonly number[];
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

/** How numpy's matmul takes the two shapes: a vector on the left is a row, on the right a column. */
function productOf(site: Site, a: readonly number[], b: readonly number[]): Product {
  const wrong = (): never =>
    site.fail('onnx/shape', `[${a.join(', ')}] times [${b.join(', ')}] is no product of matrices`);
  if (a.length === 0 || b.length === 0) wrong();
  const left = a.length === 1 ? [1, a[0]!] : a;
  const right = b.length === 1 ? [b[0]!, 1] : b;
  const [m, k] = left.slice(-2) as [number, number];
  const [k2, n] = right.slice(-2) as [number, number];
  const batch = broadcastShape(left.slice(0, -2), right.slice(0, -2));
  if (k !== k2 || !batch) return wrong();
  return { shape: [...batch, ...(a.length === 1 ? [] : [m]), ...(b.length === 1 ? [] : [n])], batch, m, k, n };
}

function matmul(a: Tensor, b: Tensor, { batch, m, k, n, shape }: Product, dtype: DataType): Tensor {
  const count = sizeOf(batch);
  const left = a.data.length === count * m * k ? a : expand(a, [...batch, m, k]);
  const data = allocate(dtype, count * m * n);
  for (let i = 0; i < count; i += 1) {
    multiply([m, k, n], left.data, i * m * k, b.data, rightOffset(b, batch, i, k * n), data, i * m * n);
  }
  return tensor(dtype, shape, data);
}

/** Where the i-th matrix of a batch begins in the right operand, which may be broadcast. */
function rightOffset(b: Tensor, batch: readonly number[], i: number, size: number): number {
  const own = b.shape.length <= 2 ? [] : b.shape.slice(0, -2);
  let offset = 0;
  let stride = size;
  let rest = i;
  for (let axis = batch.length - 1; axis >= 0; axis -= 1) {
    const position = rest % batch[axis]!;
    rest = Math.floor(rest / batch[axis]!);
    const length = own[axis - batch.length + own.length] ?? 1;
    if (length > 1) offset += position * stride;
    stride *= length;
  }
  return offset;
}

const MatMul = define({
  name: 'MatMul',
  arity: [2, 2],
  infer: (site) => {
    const product = productOf(site, site.shape(0), site.shape(1));
    return { dtype: accumulatorType(site.type(0), site.type(1), product.k), shape: product.shape };
  },
  evaluate: ([a, b], site, [type]) => matmul(a!, b!, productOf(site, a!.shape, b!.shape), type!.dtype),
});

const gemmShapes = (site: Site): { product: Product; transA: boolean; transB: boolean } => {
  const [a, b] = [site.shape(0), site.shape(1)];
  if (a.length !== 2 || b.length !== 2) {
    site.fail('onnx/shape', `[${a.join(', ')}] and [${b.join(', ')}] are not both matrices`);
  }
  const transA = site.flag('transA', false);
  const transB = site.flag('transB', false);
  const product = productOf(site, transA ? [a[1]!, a[0]!] : a, transB ? [b[1]!, b[0]!] : b);
  if (site.inputs[2]) {
    const whole = broadcastShape(product.shape, site.shape(2));
    if (!whole || sizeOf(whole) !== sizeOf(product.shape)) {
      site.fail('onnx/shape', `bias [${site.shape(2).join(', ')}] does not broadcast to [${product.shape.join(', ')}]`);
    }
  }
  return { product, transA, transB };
};

/**
 * α·A·B + β·C. The product is an exact integer or rounded once; so is each further operation, where α or β is not 1.
 */
const Gemm = define({
  name: 'Gemm',
  arity: [2, 3],
  infer: (site) => {
    const { product } = gemmShapes(site);
    const sum = accumulatorType(site.type(0), site.type(1), product.k);
    const plain = site.number('alpha', 1) === 1 && site.number('beta', 1) === 1;
    const bias = site.inputs[2] ? site.type(2).dtype : undefined;
    if (!sum.integer || !plain || bias?.integer === false) {
      const wide = [site.type(0), site.type(1), ...(site.inputs[2] ? [site.type(2)] : [])];
      return { dtype: floatOf(...wide), shape: product.shape };
    }
    return { dtype: bias ? integerRange(sum.min + bias.min, sum.max + bias.max) : sum, shape: product.shape };
  },
  evaluate: ([a, b, c], site, [type]) => {
    const { product, transA, transB } = gemmShapes(site);
    const flip = (x: Tensor): Tensor =>
      tensor(x.dtype, [x.shape[1]!, x.shape[0]!], transposed(x.data, x.shape[0]!, x.shape[1]!));
    const round = rounder(type!.dtype);
    const alpha = site.number('alpha', 1);
    const beta = site.number('beta', 1);
    let y = matmul(transA ? flip(a!) : a!, transB ? flip(b!) : b!, product, type!.dtype);
    if (alpha !== 1)
      y = tensor(
        y.dtype,
        y.shape,
        y.data.map((v) => alpha * v),
      );
    return c ? zip(y, c, type!.dtype, type!.shape, beta === 1 ? (v, w) => v + w : (v, w) => v + round(beta * w)) : y;
  },
});

/** Product of integer matrices less their zero points (scalars). */
const MatMulInteger = define({
  name: 'MatMulInteger',
  arity: [2, 4],
  infer: (site) => {
    const product = productOf(site, site.shape(0), site.shape(1));
    const [a, b] = [shifted(site, 0, 2), shifted(site, 1, 3)];
    return { dtype: accumulatorType(a, b, product.k), shape: product.shape };
  },
  evaluate: ([a, b, za, zb], site, [type]) => {
    const minus = (x: Tensor, z: Tensor | undefined): Tensor =>
      tensor(
        FLOAT64,
        x.shape,
        Float64Array.from(x.data, (v) => v - (z?.data[0] ?? 0)),
      );
    return matmul(minus(a!, za), minus(b!, zb), productOf(site, a!.shape, b!.shape), type!.dtype);
  },
});

function shifted(site: Site, index: number, zero: number): TensorType {
  const { dtype, shape } = site.type(index);
  const z = site.constant(zero, 'zero point');
  if (z && z.data.length !== 1)
    site.fail('onnx/unsupported', 'a zero point for each row or column', 'use one zero point');
  const by = z?.data[0] ?? 0;
  return { dtype: integerRange(dtype.min - by, dtype.max - by), shape };
}

/** QONNX: number of equal bits of each row of A and column of B, both 0 or 1. */
const XnorPopcountMatMul = define({
  name: 'XnorPopcountMatMul',
  domain: QONNX,
  arity: [2, 2],
  infer: (site) => {
    const { shape, k } = productOf(site, site.shape(0), site.shape(1));
    return { dtype: integerRange(0, k), shape };
  },
  evaluate: ([a, b], site, [type]) => {
    const product = productOf(site, a!.shape, b!.shape);
    const signs = (x: Tensor): Tensor =>
      tensor(
        FLOAT64,
        x.shape,
        Float64Array.from(x.data, (v) => 2 * v - 1),
      );
    const dot = matmul(signs(a!), signs(b!), product, FLOAT64);
    return tensor(
      type!.dtype,
      type!.shape,
      dot.data.map((v) => (v + product.k) / 2),
    );
  },
});

/** Products of matrices. */
export const linear: readonly Op[] = [MatMul, Gemm, MatMulInteger, XnorPopcountMatMul];

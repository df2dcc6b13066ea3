import type { NodeContext, TensorType, Value } from '../../ir/graph.ts';
import { divisors } from '../../util/maths.ts';
import { illegal, integerInput, mustDivide } from '../layer.ts';
import { type SlidingWindowAttrs, windowsAlong } from './sizes.ts';

/** How many windows a cycle may give: what divides both pixels and windows of a row, in steps of one column. */
export function legalPixels(
  { stride }: Pick<SlidingWindowAttrs, 'stride'>,
  image: readonly [number, number],
  output: readonly [number, number],
): number[] {
  const axis = image[1] === 1 ? 0 : 1;
  return stride[axis] > 1 ? [1] : divisors(image[axis]).filter((n) => output[axis] % n === 0);
}

/** Type of the windows of x[1, H, W, C], [1, OH, OW, kh·kw·C]; fails for attributes that are not legal. */
export function inferWindows(
  name: string,
  x: Value | undefined,
  attrs: SlidingWindowAttrs,
  context: NodeContext,
): TensorType {
  const { dtype, shape } = integerInput(name, context, x);
  const wrong = (what: string, hint?: string): never => illegal('layer/attribute', name, context, what, hint);
  if (shape.length !== 4 || shape[0] !== 1) {
    illegal('layer/input', name, context, `its input [${shape.join(', ')}] is not 1×H×W×C`, 'one frame at a time');
  }
  const [, height, width, channels] = shape as [number, number, number, number];
  const { kernel, stride, dilation, simd, parallelWindow, pixels } = attrs;
  for (const [what, pair] of Object.entries({ kernel, stride, dilation })) {
    if (pair.length !== 2 || pair.some((n) => !Number.isInteger(n) || n < 1))
      wrong(`${what} is [${pair.join(', ')}]`, 'it has to be two positive integers');
  }
  const image = [height, width] as const;
  const output = ([0, 1] as const).map((i) => {
    const windows = windowsAlong(image[i], kernel[i], stride[i], dilation[i]);
    const covers = (kernel[i] - 1) * dilation[i] + 1;
    const axis = i === 0 ? 'rows' : 'columns';
    if (windows === 0) wrong(`its kernel covers ${covers} ${axis} of ${image[i]}`, `it may cover ${image[i]} at most`);
    return windows;
  }) as [number, number];
  mustDivide(name, context, 'simd', simd, channels, 'channels');
  if (parallelWindow !== 0 && parallelWindow !== 1) wrong(`parallelWindow is ${parallelWindow}`, 'use 0 or 1');
  if (parallelWindow === 1 && attrs.depthwise === 0 && simd !== channels) {
    wrong(`parallelWindow is 1, but simd is ${simd}`, `a whole window in a cycle needs simd ${channels}`);
  }
  if (pixels !== 1) {
    const axis = width === 1 ? 0 : 1;
    const [columns, windows, step] = [image[axis], output[axis], stride[axis]];
    const legal = legalPixels(attrs, image, output);
    const why = step > 1 ? `its windows are ${step} columns apart` : `rows have ${columns} pixels, ${windows} windows`;
    if (!legal.includes(pixels)) wrong(`pixels is ${pixels}, but ${why}`, `use one of ${legal.join(', ')}`);
    if (parallelWindow !== 1 || simd !== channels) {
      const has = `simd is ${simd} and parallelWindow ${parallelWindow}`;
      wrong(`pixels is ${pixels}, but ${has}`, `set simd to ${channels} and parallelWindow to 1`);
    }
  }
  return { dtype, shape: [1, ...output, kernel[0] * kernel[1] * channels] };
}

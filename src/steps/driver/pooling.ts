import { FLOAT64, int } from '../../ir/datatype.ts';
import type { Node } from '../../ir/graph.ts';
import { sizeOf, type Tensor, tensor } from '../../ir/tensor.ts';
import { flatWindow, windowOf } from '../../onnx/ops/window.ts';
import { number } from './arithmetic.ts';
import type { HostRule } from './program.ts';
import { siteOf } from './site.ts';

interface Windows {
  /** Place in the frame of each position of each window, [N, C, …, kernel]; −1 in the padding. */
  readonly places: Tensor;
  /** Positions of each window that are not padding, broadcast over N and C; all of them with count_include_pad. */
  readonly counts: Tensor;
}

/** The windows of a pool over N×C×W or N×C×H×W. */
function windowsOf(node: Node): Windows {
  const site = siteOf(node);
  const [batch, channels, ...size] = site.shape(0) as [number, number, ...number[]];
  const w = flatWindow(site, size, windowOf(site, size, site.list('kernel_shape')));
  const [height, width] = w.size;
  const kernel = w.kernel[0] * w.kernel[1];
  const whole = site.flag('count_include_pad', false);
  const inside: number[] = [];
  const counts: number[] = [];
  for (let oy = 0; oy < w.output[0]; oy += 1)
    for (let ox = 0; ox < w.output[1]; ox += 1) {
      const first = inside.length;
      for (let ky = 0; ky < w.kernel[0]; ky += 1)
        for (let kx = 0; kx < w.kernel[1]; kx += 1) {
          const y = oy * w.stride[0] + ky * w.dilation[0] - w.begin[0];
          const x = ox * w.stride[1] + kx * w.dilation[1] - w.begin[1];
          inside.push(y >= 0 && y < height && x >= 0 && x < width ? y * width + x : -1);
        }
      counts.push(whole ? kernel : inside.slice(first).filter((place) => place >= 0).length);
    }
  const planes = Array.from({ length: batch * channels }, (_, plane) => plane * height * width);
  const { shape } = node.types[0]!;
  return {
    places: tensor(
      int(32),
      [...shape, kernel],
      planes.flatMap((plane) => inside.map((place) => (place < 0 ? -1 : plane + place))),
    ),
    counts: tensor(FLOAT64, shape.slice(2), counts),
  };
}

/** The greatest element under each window; padding never is. */
export const maxPool: HostRule = (node, [x], writer) => {
  if (x === undefined) return undefined;
  const type = node.types[0]!;
  const { places } = windowsOf(node);
  const under = writer.step('gather', [places, number(-Infinity), x], { dtype: FLOAT64, shape: places.shape });
  return [writer.step('most', [under], type, { axes: [type.shape.length] })];
};

/** The rounded sum under each window by the number of its elements. */
export const averagePool: HostRule = (node, [x], writer) => {
  if (x === undefined) return undefined;
  const type = node.types[0]!;
  const { places, counts } = windowsOf(node);
  const under = writer.step('gather', [places, number(0), x], { dtype: FLOAT64, shape: places.shape });
  const sums = writer.step('sum', [under], type, { axes: [type.shape.length] });
  const same = counts.data.every((n) => n === counts.data[0]) && sizeOf(counts.shape) > 0;
  return [writer.step('div', [sums, same ? number(counts.data[0]!) : counts], type)];
};

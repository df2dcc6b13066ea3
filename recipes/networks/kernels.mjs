/**
 * What layers compute, on frames that calibrate a network while it is built. Images are C×H×W; one dimension is W = 1.
 *
 * @typedef {{ channels: number, height: number, width: number }} Size
 * @typedef {readonly [number, number]} Pair Vertical, horizontal.
 * @typedef {{ kernel: Pair, stride: Pair, pads: readonly [number, number, number, number], dilation: Pair }} Window pads: top, left, bottom, right
 */

/**
 * @param {Size} size
 * @param {Window} window
 * @returns {Pair} Height and width of what a window gives.
 */
export function windowed({ height, width }, { kernel, stride, pads, dilation }) {
  const along = (/** @type {number} */ n, /** @type {0 | 1} */ axis) =>
    Math.floor((n + pads[axis] + pads[axis === 0 ? 2 : 3] - dilation[axis] * (kernel[axis] - 1) - 1) / stride[axis]) +
    1;
  return [along(height, 0), along(width, 1)];
}

/**
 * Calls `visit` for every output position and every element under its window that is not padding.
 * @param {Size} size
 * @param {Window} window
 * @param {(position: number, tap: number, pixel: number) => void} visit
 */
function slide(size, window, visit) {
  const { kernel, stride, pads, dilation } = window;
  const [height, width] = windowed(size, window);
  for (let oy = 0; oy < height; oy += 1)
    for (let ox = 0; ox < width; ox += 1)
      for (let ky = 0; ky < kernel[0]; ky += 1) {
        const y = oy * stride[0] - pads[0] + ky * dilation[0];
        if (y < 0 || y >= size.height) continue;
        for (let kx = 0; kx < kernel[1]; kx += 1) {
          const x = ox * stride[1] - pads[1] + kx * dilation[1];
          if (x >= 0 && x < size.width) visit(oy * width + ox, ky * kernel[1] + kx, y * size.width + x);
        }
      }
}

/**
 * out[o][p] = Σ weights[o][k] · columns[p][k]
 * @param {Float32Array} weights
 * @param {Float32Array} columns
 * @param {number} depth
 * @returns {Float32Array}
 */
export function product(weights, columns, depth) {
  const [rows, positions] = [weights.length / depth, columns.length / depth];
  const out = new Float32Array(rows * positions);
  for (let p = 0; p < positions; p += 1) {
    const column = columns.subarray(p * depth, (p + 1) * depth);
    // Four rows at a time: a column is read a quarter as often.
    for (let o = 0; o < rows; o += 4) {
      const [first = 0, second = 0, third = 0, fourth = 0] = [0, 1, 2, 3].map((i) => Math.min(o + i, rows - 1) * depth);
      let [a, b, c, d] = [0, 0, 0, 0];
      for (let k = 0; k < depth; k += 1) {
        const value = /** @type {number} */ (column[k]);
        a += /** @type {number} */ (weights[first + k]) * value;
        b += /** @type {number} */ (weights[second + k]) * value;
        c += /** @type {number} */ (weights[third + k]) * value;
        d += /** @type {number} */ (weights[fourth + k]) * value;
      }
      for (const [i, sum] of [a, b, c, d].entries()) if (o + i < rows) out[(o + i) * positions + p] = sum;
    }
  }
  return out;
}

/**
 * @param {Float32Array} frame
 * @param {Size} size
 * @param {Float32Array} weights outputs × channels of a group × taps
 * @param {Window} window
 * @param {number} groups
 * @returns {Float32Array}
 */
export function convolve(frame, size, weights, window, groups) {
  const taps = window.kernel[0] * window.kernel[1];
  const channels = size.channels / groups;
  const [height, width] = windowed(size, window);
  const depth = channels * taps;
  const outputs = weights.length / depth / groups;
  const out = new Float32Array(outputs * groups * height * width);
  for (let g = 0; g < groups; g += 1) {
    const columns = new Float32Array(height * width * depth);
    slide(size, window, (position, tap, pixel) => {
      for (let c = 0; c < channels; c += 1)
        columns[position * depth + c * taps + tap] = frame[(g * channels + c) * size.height * size.width + pixel] ?? 0;
    });
    const rows = weights.subarray(g * outputs * depth, (g + 1) * outputs * depth);
    out.set(product(rows, columns, depth), g * outputs * height * width);
  }
  return out;
}

/**
 * @param {Float32Array} frame
 * @param {Size} size
 * @param {Float32Array} weights channels × outputs × taps, as ConvTranspose has them
 * @param {number} outputs
 * @param {Window} window of the convolution that this one turns round
 * @param {Size} outSize
 * @returns {Float32Array}
 */
export function convolveTransposed(frame, size, weights, outputs, window, outSize) {
  const taps = window.kernel[0] * window.kernel[1];
  const pixels = outSize.height * outSize.width;
  const out = new Float32Array(outputs * pixels);
  slide({ ...outSize, channels: outputs }, window, (position, tap, pixel) => {
    for (let c = 0; c < size.channels; c += 1) {
      const value = frame[c * size.height * size.width + position] ?? 0;
      for (let o = 0; o < outputs; o += 1)
        out[o * pixels + pixel] =
          (out[o * pixels + pixel] ?? 0) + value * (weights[(c * outputs + o) * taps + tap] ?? 0);
    }
  });
  return out;
}

/**
 * @param {Float32Array} frame
 * @param {Size} size
 * @param {Window} window
 * @param {'max' | 'sum'} kind
 * @returns {Float32Array}
 */
export function pool(frame, size, window, kind) {
  const [height, width] = windowed(size, window);
  const out = new Float32Array(size.channels * height * width).fill(kind === 'max' ? -Infinity : 0);
  slide(size, window, (position, _, pixel) => {
    for (let c = 0; c < size.channels; c += 1) {
      const at = c * height * width + position;
      const [value, known] = [frame[c * size.height * size.width + pixel] ?? 0, out[at] ?? 0];
      out[at] = kind === 'max' ? Math.max(known, value) : known + value;
    }
  });
  return out;
}

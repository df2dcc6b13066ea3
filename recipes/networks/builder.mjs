import { imageOf, sizeOf } from './graph.mjs';
import { Pools } from './pools.mjs';

/**
 * @typedef {import('./graph.mjs').Value} Value
 * @typedef {import('./quantisers.mjs').WeightSpec} WeightSpec
 */

/** Builds a network node by node, calibrating scales and normalisations on frames as it goes. Equal calls give equal files. */
export class Builder extends Pools {
  /**
   * @param {Value} x
   * @param {Value} y
   * @returns {Value}
   */
  add(x, y) {
    const frames = x.frames.map((frame, i) => frame.map((v, j) => v + /** @type {number} */ (y.frames[i]?.[j])));
    return { name: this.node('Add', [x.name, y.name]), shape: x.shape, at: x.at, frames };
  }

  /**
   * @param {Value} x
   * @param {number} parts along the channels, equal
   * @returns {Value[]}
   */
  split(x, parts) {
    const channels = /** @type {number} */ (x.shape[1]) / parts;
    const name = this.unique('Split');
    const outputs = Array.from({ length: parts }, (_, i) => `${name}_out${i}`);
    const sizes = this.integers(outputs.map(() => channels));
    this.nodes.push({ name, type: 'Split', domain: '', inputs: [x.name, sizes], outputs, attributes: { axis: 1 } });
    const size = channels * sizeOf(x.at.slice(2));
    return outputs.map((output, i) => ({
      ...x,
      name: output,
      shape: [1, channels, ...x.shape.slice(2)],
      at: [1, channels, ...x.at.slice(2)],
      frames: x.frames.map((frame) => frame.slice(i * size, (i + 1) * size)),
    }));
  }

  /**
   * @param {readonly Value[]} values along the channels
   * @returns {Value}
   */
  concat(values) {
    const [first] = values;
    if (!first) throw new Error('nothing to put together');
    const channels = values.reduce((sum, { shape }) => sum + (shape[1] ?? 0), 0);
    const frames = first.frames.map((_, i) => Float32Array.from(values.flatMap((v) => [...(v.frames[i] ?? [])])));
    const name = this.node(
      'Concat',
      values.map((v) => v.name),
      { axis: 1 },
    );
    return { name, shape: [1, channels, ...first.shape.slice(2)], at: [1, channels, ...first.at.slice(2)], frames };
  }

  /**
   * Nearest neighbours, `by` times as high and wide.
   * @param {Value} x
   * @param {number} by
   * @returns {Value}
   */
  enlarge(x, by) {
    const attributes = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
    const scales = this.constant('scales', [4], [1, 1, by, by]);
    const name = this.node('Resize', [x.name, '', scales], attributes);
    const { channels, height, width } = imageOf(x.at);
    const frames = x.frames.map((frame) => {
      const out = new Float32Array(frame.length * by * by);
      for (let i = 0; i < out.length; i += 1) {
        const [column, row] = [i % (width * by), Math.floor(i / (width * by))];
        const [c, y] = [Math.floor(row / (height * by)), row % (height * by)];
        out[i] = frame[(c * height + Math.floor(y / by)) * width + Math.floor(column / by)] ?? 0;
      }
      return out;
    });
    const [, , h = 1, w = 1] = x.shape;
    return { ...x, name, shape: [1, channels, h * by, w * by], at: [1, channels, height * by, width * by], frames };
  }

  /**
   * Rows of a table for indices x [1, length]: [1, length, width].
   * @param {Value} x
   * @param {{ rows: number, width: number, weights: WeightSpec }} spec
   * @returns {Value}
   */
  gather(x, { rows, width, weights }) {
    const table = this.weights([rows, width], weights);
    const name = this.rescaled(this.node('Gather', [table.name, x.name], { axis: 0 }), table.after, 3);
    const frames = x.frames.map((frame) =>
      Float32Array.from([...frame].flatMap((row) => [...table.values.subarray(row * width, (row + 1) * width)])),
    );
    const shape = [1, /** @type {number} */ (x.shape[1]), width];
    const [step] = table.scales;
    return { name, shape, at: shape, frames, ...(step !== undefined && { step }) };
  }

  /**
   * x [1, a, b] as [1, b, a].
   * @param {Value} x
   * @returns {Value}
   */
  turned(x) {
    const [, a = 1, b = 1] = x.at;
    const frames = x.frames.map((frame) => frame.map((_, i) => frame[(i % a) * b + Math.floor(i / a)] ?? 0));
    return {
      ...x,
      name: this.node('Transpose', [x.name], { perm: [0, 2, 1] }),
      shape: [1, b, a],
      at: [1, b, a],
      frames,
    };
  }

  /**
   * Channels to space, as many pixels as by·by channels make (CRD).
   * @param {Value} x
   * @param {number} by
   * @returns {Value}
   */
  depthToSpace(x, by) {
    const { channels, height, width } = imageOf(x.at);
    const out = channels / by / by;
    const frames = x.frames.map((frame) =>
      frame.map((_, i) => {
        const [column, row] = [i % (width * by), Math.floor(i / (width * by))];
        const [c, y] = [Math.floor(row / (height * by)), row % (height * by)];
        const channel = (c * by + (y % by)) * by + (column % by);
        return frame[(channel * height + Math.floor(y / by)) * width + Math.floor(column / by)] ?? 0;
      }),
    );
    const name = this.node('DepthToSpace', [x.name], { blocksize: by, mode: 'CRD' });
    const [, , h = 1, w = 1] = x.shape;
    return { ...x, name, shape: [1, out, h * by, w * by], at: [1, out, height * by, width * by], frames };
  }

  /**
   * @param {Value} x
   * @returns {Value} [1, elements]; the frames must have the network's own size
   */
  flat(x) {
    if (sizeOf(x.at) !== sizeOf(x.shape)) throw new Error('calibrated on smaller images: pool before flattening');
    const shape = [1, sizeOf(x.shape)];
    return { ...x, name: this.node('Reshape', [x.name, this.integers([1, -1])]), shape, at: shape };
  }
}

import { sideBySide, sideBySidePort } from '../hdl/side-by-side.ts';
import type { Attrs } from '../ir/graph.ts';
import { divisors, gcd } from '../util/maths.ts';
import { illegal } from './layer.ts';
import type { Layer, Operator, Schedule } from './operator.ts';

/** What an operator has that works on several pixels in a cycle. */
export interface Pixels extends Attrs {
  /** Pixels in a cycle, each with all of its channels; 1 if left out. FINN's M, or MMV. */
  readonly pixels?: number;
}

const pixelsOf = ({ pixels = 1 }: Pixels): number => pixels;

/**
 * An operator that treats each pixel by itself, on several of them at once: where one pixel a cycle is too slow and all of
 * a pixel's channels are worked on already, whole circuits stand side by side.
 */
export function onPixels<A extends Attrs & Pixels>(op: Operator<A>): Operator<A> {
  /** The layer on one pixel at a time, which is all that `op` knows of. */
  const one = (layer: Layer<A>): Layer<A> =>
    pixelsOf(layer.attrs) === 1 ? layer : { ...layer, op, attrs: { ...layer.attrs, pixels: 1 } };
  const isFull = (layer: Layer<A>): boolean =>
    Object.entries(op.parallel(one(layer))).every(([key, extent]) => layer.attrs[key] === extent);
  /** Beats that every stream of the layer has in a frame on one pixel at a time have this many in common. */
  const most = (layer: Layer<A>): number =>
    op
      .streams(one(layer))
      .map(({ beats }) => beats)
      .reduce(gcd);

  return {
    ...op,
    fields: {
      ...op.fields,
      pixels: { doc: 'pixels in one cycle, where each has all its channels in one', type: 'integer', finn: 'M' },
    },
    infer(inputs, attrs, context) {
      const types = op.infer(inputs, attrs, context);
      const pixels = pixelsOf(attrs);
      if (pixels === 1) return types;
      const layer = { op, inputs, attrs, types, origin: context.origin } as Layer<A>;
      if (!isFull(layer)) {
        const full = Object.entries(op.parallel(one(layer))).map(([key, extent]) => `${key}: ${extent}`);
        illegal(
          'layer/folding',
          op.name,
          context,
          `pixels is ${pixels}, but not all channels are worked on at once`,
          `use pixels: 1, or ${full.join(', ')}`,
        );
      }
      if (!Number.isInteger(pixels) || pixels < 1 || most(layer) % pixels !== 0) {
        const legal = divisors(most(layer)).join(', ');
        illegal(
          'layer/folding',
          op.name,
          context,
          `pixels ${pixels} does not divide its ${most(layer)} pixels`,
          `use one of ${legal}`,
        );
      }
      return types;
    },
    beyond(layer) {
      const own = op.beyond?.(one(layer)) ?? [];
      if (!isFull(layer)) return own;
      return [
        ...own,
        ...divisors(most(layer))
          .slice(1)
          .map((pixels) => ({ pixels })),
      ];
    },
    ...(op.narrow && {
      narrow(layer: Layer<A>): Layer<A> {
        const narrowed = op.narrow!(one(layer));
        return { ...narrowed, attrs: { ...narrowed.attrs, ...layer.attrs, ...changed(one(layer), narrowed) } };
      },
    }),
    streams: (layer) => op.streams(one(layer)).map((port) => sideBySidePort(port, pixelsOf(layer.attrs))),
    cycles: (layer) => op.cycles(one(layer)) / pixelsOf(layer.attrs),
    schedule(layer): Schedule {
      const schedule = op.schedule(one(layer));
      if (pixelsOf(layer.attrs) === 1 || schedule.kind === 'buffered') return schedule;
      return { ...schedule, interval: schedule.interval / pixelsOf(layer.attrs) };
    },
    resources(layer, device) {
      const { lut, ff, bram, uram, dsp } = op.resources(one(layer), device);
      const pixels = pixelsOf(layer.attrs);
      return {
        lut: lut * pixels,
        ...(ff !== undefined && { ff: ff * pixels }),
        bram: bram * pixels,
        ...(uram !== undefined && { uram: uram * pixels }),
        dsp: dsp * pixels,
      };
    },
    rtl(layer, device, top) {
      const pixels = pixelsOf(layer.attrs);
      return pixels === 1
        ? op.rtl(layer, device, top)
        : sideBySide(op.rtl(one(layer), device, `${top}_pixel`), pixels, top);
    },
    samples: () => op.samples().flatMap((layer) => [layer, ...several(layer)]),
  };

  /** The sample on several pixels at once, if it has them and works on all channels at once. */
  function several(layer: Layer<A>): Layer<A>[] {
    const pixels = isFull(layer) ? divisors(most(layer))[1] : undefined;
    return pixels === undefined ? [] : [{ ...layer, attrs: { ...layer.attrs, pixels } }];
  }
}

/** Attributes that differ between two layers, as the second has them. */
const changed = <A extends Attrs>(before: Layer<A>, after: Layer<A>): Partial<A> =>
  Object.fromEntries(Object.entries(after.attrs).filter(([key, value]) => before.attrs[key] !== value)) as Partial<A>;

import { closest, distance } from '../diagnostics/suggest.ts';
import type { Op } from '../ir/graph.ts';
import { QONNX } from './ops/define.ts';

/** Operators by (domain, name). */
export interface Registry {
  /** The operator, or undefined. Quantisers are found under every domain that exporters have given them. */
  find(domain: string, name: string): Op | undefined;
  /** Every operator, in the order they were given. */
  readonly all: readonly Op[];
}

/** Domains under which Brevitas, FINN and QONNX have exported the same operators; '' is how old FINN wrote them. */
const quantiserDomains = new Set(['', QONNX, 'onnx.brevitas', 'finn', 'finn.custom_op.general', 'qonnx']);

/** A registry of the operators of all lists; later lists win. */
export function registryOf(...lists: readonly (readonly Op[])[]): Registry {
  const all = lists.flat();
  const map = new Map(all.map((op) => [`${op.domain}:${op.name}`, op]));
  return {
    all,
    find(domain, name) {
      const own = domain === 'ai.onnx' ? '' : domain;
      return map.get(`${own}:${name}`) ?? (quantiserDomains.has(own) ? map.get(`${QONNX}:${name}`) : undefined);
    },
  };
}

/** The operator whose name this is with a slip or two; other operators of ONNX have names that resemble one another more. */
export function mistyped(written: string, known: readonly string[]): string | undefined {
  const near = closest(
    written,
    known.filter((name) => name !== written),
  );
  return near !== undefined && distance(written, near) <= 2 ? near : undefined;
}

import type { Invocation, Tool } from '../engine/invocation.ts';
import type { Family } from '../hdl/device.ts';
import { ecppackTools, packEcp5 } from './ecppack.ts';
import { icepackTools, packIce40 } from './icepack.ts';
import { nextpnrTools, type PlaceOptions, placeIce40 } from './nextpnr.ts';
import { nextpnrEcp5Tools, placeEcp5 } from './nextpnr-ecp5.ts';
import type { Provider } from './yosys.ts';

/** The way from a family's netlist to its bitstream. */
export interface PlaceAndRoute {
  tools(provider: Provider): readonly Tool[];
  place(netlist: Uint8Array, options: PlaceOptions): Invocation<'layout' | 'report'>;
  pack(provider: Provider, layout: Uint8Array): Invocation<'bitstream'>;
  /** nextpnr's name, in its report, of what holds a LUT. */
  readonly cell: string;
}

/** Families whose bitstreams open tools make. */
export const placeAndRoute: Readonly<Partial<Record<Family, PlaceAndRoute>>> = {
  ice40: {
    tools: (provider) => [nextpnrTools[provider], icepackTools[provider]],
    place: placeIce40,
    pack: packIce40,
    cell: 'ICESTORM_LC',
  },
  ecp5: {
    tools: (provider) => [nextpnrEcp5Tools[provider], ecppackTools[provider]],
    place: placeEcp5,
    pack: packEcp5,
    cell: 'TRELLIS_COMB',
  },
};

import type { Invocation, Tool } from '../engine/invocation.ts';
import type { Provider } from './yosys.ts';

export const icepackTools: Readonly<Record<Provider, Tool>> = {
  npm: { name: 'icepack', program: { kind: 'wasm', package: '@yowasp/nextpnr-ice40', run: 'runIcepack' }, log: [] },
  native: {
    name: 'icepack',
    // icepack has no option that tells its version.
    program: {
      kind: 'native',
      command: 'icepack',
      version: { args: [], pattern: /.*/ },
      install: 'apt-get install fpga-icestorm',
    },
    log: [],
  },
};

/** Layout (.asc) → bitstream of an iCE40. */
export const packIce40 = (provider: Provider, layout: Uint8Array): Invocation<'bitstream'> => ({
  tool: icepackTools[provider],
  args: ['layout.asc', 'bitstream.bin'],
  files: { 'layout.asc': layout },
  outputs: { bitstream: 'bitstream.bin' },
  label: 'bitstream',
});

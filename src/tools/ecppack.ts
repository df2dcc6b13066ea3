import type { Invocation, Tool } from '../engine/invocation.ts';
import { ecp5Install } from './nextpnr-ecp5.ts';
import type { Provider } from './yosys.ts';

const version = { args: ['--version'], pattern: /Version (?<version>\S+)/ };

export const ecppackTools: Readonly<Record<Provider, Tool>> = {
  npm: {
    name: 'ecppack',
    program: { kind: 'native', command: 'yowasp-ecppack', version, install: ecp5Install },
    log: [],
  },
  native: {
    name: 'ecppack',
    program: { kind: 'native', command: 'ecppack', version, install: 'build Project Trellis' },
    log: [],
  },
};

/** Layout (Trellis' text) → compressed bitstream of an ECP5. */
export const packEcp5 = (provider: Provider, layout: Uint8Array): Invocation<'bitstream'> => ({
  tool: ecppackTools[provider],
  args: ['--compress', 'layout.config', 'bitstream.bit'],
  files: { 'layout.config': layout },
  outputs: { bitstream: 'bitstream.bit' },
  label: 'bitstream',
});

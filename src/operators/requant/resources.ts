import type { Device } from '../../hdl/device.ts';
import { memoryFlipFlops, memoryLuts } from '../../hdl/memory.ts';
import { shiftAddLuts } from '../../hdl/shift-add.ts';
import { romBlocks } from '../../hdl/threshold-rom.ts';
import { log2Ceil } from '../../util/maths.ts';
import type { Layer, Resources } from '../operator.ts';
import { planOf, type RequantAttrs } from './layer.ts';

/** A product of variables costs a row of adders a bit, one with a literal a row a signed digit; the rest is small. */
export function requantResources(layer: Layer<RequantAttrs>, device: Device): Resources {
  const { pe, shift } = layer.attrs;
  const { factors, sameFactor, rom, block, sum, below, above } = planOf(layer, device);
  const x = layer.inputs[0]!.type.dtype;
  const output = layer.types[0]!.dtype;
  const lut4 = device.family === 'ice40' || device.family === 'ecp5';
  const clip = below || above ? output.bits + (sum.bits - shift) * (lut4 ? 1.5 : 0.8) : 0;
  let lut = pe * (sum.bits + clip) + 6;
  for (let i = 0; i < pe; i += 1) {
    if (rom && !sameFactor) lut += x.bits * factors.type.bits * (lut4 ? 2 : 1.4);
    else lut += shiftAddLuts([[x.bits, factors.values[factors.values.length === 1 ? 0 : i]!]]);
  }
  let ff = pe * (output.bits + sum.bits - shift) + 2;
  if (!rom) return { lut: Math.ceil(lut), ff, bram: 0, dsp: 0 };
  lut += 2 * log2Ceil(rom.depth);
  ff += pe * x.bits + log2Ceil(rom.depth) + 1;
  const bram = block ? romBlocks(device.family, rom) : 0;
  const held = block ? 0 : memoryFlipFlops(device.family, rom);
  return { lut: Math.ceil(lut + (block ? 0 : memoryLuts(device.family, rom))), ff: ff + held, bram, dsp: 0 };
}

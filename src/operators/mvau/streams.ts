import type { StreamPort } from '../../hdl/design.ts';
import type { Mvau } from './layer.ts';

/** s_axis_0: SIMD inputs a beat, MW/SIMD beats a vector; m_axis_0: PE outputs a beat, MH/PE beats a vector. */
export function streamsOf(m: Mvau): readonly StreamPort[] {
  const { input, output } = m;
  return [
    {
      name: 's_axis_0',
      direction: 'in',
      lanes: m.simd,
      bits: input.bits,
      width: m.simd * input.bits,
      beats: m.sf * m.vectors,
    },
    {
      name: 'm_axis_0',
      direction: 'out',
      lanes: m.pe,
      bits: output.bits,
      width: m.pe * output.bits,
      beats: m.nf * m.vectors,
    },
  ];
}

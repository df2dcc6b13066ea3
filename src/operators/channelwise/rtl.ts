import { binaryFunctions } from '../../hdl/binary-function.ts';
import type { Design, StreamPort } from '../../hdl/design.ts';
import type { Device } from '../../hdl/device.ts';
import { romVerilog } from '../../hdl/memory.ts';
import { declared, extended, operandOf } from '../../hdl/operand.ts';
import { shiftAdd, shiftAddLuts } from '../../hdl/shift-add.ts';
import { counter, pipelineControl, streamModule } from '../../hdl/stream-module.ts';
import { literal } from '../../hdl/threshold-rom.ts';
import { lane, packWords, range } from '../../hdl/verilog.ts';
import { smallest } from '../../ir/datatype.ts';
import { log2Ceil } from '../../util/maths.ts';
import type { Layer } from '../operator.ts';
import { type ChannelwiseAttrs, channelwiseFunctions, planOf } from './functions.ts';

/** Constants of a memory are read while the elements wait in a register; all others are literals beside the elements. */
export function channelwiseRtl(
  layer: Layer<ChannelwiseAttrs>,
  device: Device,
  top: string,
  streams: readonly StreamPort[],
): Design {
  const { pe, function: fn } = layer.attrs;
  const { constants, type, rom, block } = planOf(layer, device);
  const x = layer.inputs[0]!.type.dtype;
  const output = layer.types[0]!.dtype;
  const { binary, reversed } = channelwiseFunctions[fn];
  const { width: widthOf, verilog } = binaryFunctions[binary];
  const width = widthOf(operandOf(x), operandOf(type), output);
  const signed = x.signed || type.signed;
  const memories: Record<string, string> = {};
  const source = streamModule(top, streams, (w) => {
    pipelineControl(w, streams, rom ? 2 : 1);
    w.line(`reg ${range(pe * output.bits)} result;`).line('assign m_axis_0_tdata = result;');
    if (rom) {
      counter(w, 'fold', rom.depth, log2Ceil(rom.depth), 'move & take');
      const words = Array.from({ length: rom.depth }, (_, fold) =>
        packWords(
          Array.from({ length: pe }, (_, i) => BigInt(constants[fold * pe + i]!)),
          type.bits,
        ),
      );
      const shape = { name: 'constants', module: top, width: rom.width, words, target: 'b' };
      w.lines(
        romVerilog(device.family, { ...shape, clock: 'ap_clk', enable: 'move', address: 'fold' }, block, memories),
      );
      w.line(`reg ${range(streams[0]!.width)} a;`).line('always @(posedge ap_clk) if (move) a <= s_axis_0_tdata;');
    }
    for (let i = 0; i < pe; i += 1) {
      const [a, b] = [`a_${i}`, `b_${i}`];
      w.line(declared(a, width, signed, extended(rom ? 'a' : 's_axis_0_tdata', i * x.bits, x, width)));
      let value = reversed ? verilog(b, a, output, width) : verilog(a, b, output, width);
      if (rom) w.line(declared(b, width, signed, extended('b', i * type.bits, type, width)));
      else {
        const constant = constants[constants.length === 1 ? 0 : i]!;
        if (binary === 'Mul') {
          value = shiftAdd([[a, constant]], width);
          if (constant === 0) w.line(`wire unused_${i} = &{1'b0, ${a}};`);
        } else w.line(declared(b, width, signed, literal(BigInt(constant), width)));
      }
      w.line(`always @(posedge ap_clk) if (move) ${lane('result', i, output.bits)} <= ${value};`);
    }
  });
  return { top, sources: { [`${top}.v`]: source }, memories, streams };
}

/** LUTs of a lane; one constant is compared and added in fewer than a number. */
export function laneLuts(layer: Layer<ChannelwiseAttrs>, i: number, device: Device): number {
  const { constants, type, rom } = planOf(layer, device);
  const x = operandOf(layer.inputs[0]!.type.dtype);
  const output = layer.types[0]!.dtype;
  const { binary } = channelwiseFunctions[layer.attrs.function];
  const { luts } = binaryFunctions[binary];
  if (rom) return luts(x, operandOf(type), output, device);
  const constant = constants[constants.length === 1 ? 0 : i]!;
  if (binary === 'Mul') return shiftAddLuts([[x.bits, constant]]) + (constant < 0 ? output.bits : 0);
  return luts(x, operandOf(smallest(constant, constant)), output, device) * (output.bits > 1 ? 0.6 : 0.9);
}

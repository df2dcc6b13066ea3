import type { Design, StreamPort } from '../../hdl/design.ts';
import type { Device } from '../../hdl/device.ts';
import { romVerilog } from '../../hdl/memory.ts';
import { declared, extended } from '../../hdl/operand.ts';
import { shiftAdd } from '../../hdl/shift-add.ts';
import { counter, pipelineControl, streamModule } from '../../hdl/stream-module.ts';
import { literal } from '../../hdl/threshold-rom.ts';
import { lane, packWords, range } from '../../hdl/verilog.ts';
import type { DataType } from '../../ir/datatype.ts';
import { log2Ceil } from '../../util/maths.ts';
import type { Writer } from '../../util/writer.ts';
import type { Layer } from '../operator.ts';
import { planOf, type RequantAttrs, type RequantPlan } from './layer.ts';

/** Registers between input and output: of the memory's words, of the quotients, of the outputs. */
export const depthOf = (layer: Layer<RequantAttrs>): number => (planOf(layer).rom ? 3 : 2);

/** Multiply, add, drop the lower bits; clip. Numbers that do not change from fold to fold are literals, their products shifts. */
export function requantRtl(
  layer: Layer<RequantAttrs>,
  device: Device,
  top: string,
  streams: readonly StreamPort[],
): Design {
  const { pe, shift } = layer.attrs;
  const plan = planOf(layer, device);
  const { factors, offsets, sameFactor, rom, sum } = plan;
  const x = layer.inputs[0]!.type.dtype;
  const output = layer.types[0]!.dtype;
  const memories: Record<string, string> = {};
  const word = offsets.type.bits + (sameFactor ? 0 : factors.type.bits);
  const source = streamModule(top, streams, (w) => {
    pipelineControl(w, streams, depthOf(layer));
    w.line(`reg ${range(pe * output.bits)} result;`).line('assign m_axis_0_tdata = result;');
    if (rom) {
      counter(w, 'fold', rom.depth, log2Ceil(rom.depth), 'move & take');
      memory(w, layer, plan, device, top, memories);
      w.line(`reg ${range(streams[0]!.width)} x;`).line('always @(posedge ap_clk) if (move) x <= s_axis_0_tdata;');
    }
    for (let i = 0; i < pe; i += 1) {
      const [a, n, s, q] = [`x_${i}`, `offset_${i}`, `sum_${i}`, `quotient_${i}`];
      const number = (values: ArrayLike<number>): number => values[values.length === 1 ? 0 : i]!;
      w.line(declared(a, sum.bits, true, extended(rom ? 'x' : 's_axis_0_tdata', i * x.bits, x, sum.bits)));
      const offset = rom
        ? extended('numbers', i * word, offsets.type, sum.bits)
        : literal(BigInt(number(offsets.values)), sum.bits);
      w.line(declared(n, sum.bits, true, offset));
      if (rom && !sameFactor) {
        const factor = extended('numbers', i * word + offsets.type.bits, factors.type, sum.bits);
        w.line(declared(`factor_${i}`, sum.bits, true, factor));
        w.line(`wire ${range(sum.bits)} ${s} = factor_${i} * ${a} + ${n};`);
      } else {
        w.line(`wire ${range(sum.bits)} ${s} = ${n} + ${shiftAdd([[a, number(factors.values)]], sum.bits)};`);
      }
      const bits = sum.bits - shift;
      w.line(`reg signed ${range(bits)} ${q};`);
      w.line(`always @(posedge ap_clk) if (move) ${q} <= ${s}[${sum.bits - 1}:${shift}];`);
      w.line(`wire unused_${i} = &{1'b0, ${a}, ${s}, ${q}};`);
      const value = clipped(layer, q, bits, output, plan);
      w.line(`always @(posedge ap_clk) if (move) ${lane('result', i, output.bits)} <= ${value};`);
    }
  });
  return { top, sources: { [`${top}.v`]: source }, memories, streams };
}

/** The words `numbers` of each fold: of every lane the offset, above it the factor unless that is always the same. */
function memory(
  w: Writer,
  { attrs: { pe } }: Layer<RequantAttrs>,
  { factors, offsets, sameFactor, rom, block }: RequantPlan,
  device: Device,
  top: string,
  memories: Record<string, string>,
): void {
  const { depth, width } = rom!;
  const lanes = (fold: number): bigint[] =>
    Array.from({ length: pe }, (_, i) => {
      const at = fold * pe + i;
      const offset = packWords([BigInt(offsets.values[at]!)], offsets.type.bits);
      if (sameFactor) return offset;
      const factor = packWords([BigInt(factors.values[at]!)], factors.type.bits);
      return (factor << BigInt(offsets.type.bits)) | offset;
    });
  const words = Array.from({ length: depth }, (_, fold) => packWords(lanes(fold), width / pe));
  const shape = { name: 'lines', module: top, width, words, target: 'numbers' };
  w.lines(romVerilog(device.family, { ...shape, clock: 'ap_clk', enable: 'move', address: 'fold' }, block, memories));
}

/** The quotient as an output, between `low` and `high` where it can lie outside. */
function clipped(
  { attrs: { low, high } }: Layer<RequantAttrs>,
  quotient: string,
  bits: number,
  output: DataType,
  plan: RequantPlan,
): string {
  const { below, above } = plan;
  const more = output.bits - bits;
  let value = more > 0 ? `{{${more}{${quotient}[${bits - 1}]}}, ${quotient}}` : `${quotient}[${output.bits - 1}:0]`;
  const number = (v: number, width: number): string => literal(BigInt(v), width);
  if (above) value = `${quotient} > $signed(${number(high, bits)}) ? ${number(high, output.bits)} : ${value}`;
  if (below) value = `${quotient} < $signed(${number(low, bits)}) ? ${number(low, output.bits)} : ${value}`;
  return value;
}

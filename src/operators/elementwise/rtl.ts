import { type BinaryName, binaryFunctions } from '../../hdl/binary-function.ts';
import type { Design, StreamPort } from '../../hdl/design.ts';
import { declared, extended, operandOf } from '../../hdl/operand.ts';
import { shiftAdd } from '../../hdl/shift-add.ts';
import { pipelineControl, streamModule } from '../../hdl/stream-module.ts';
import { lane, range } from '../../hdl/verilog.ts';
import type { Layer } from '../operator.ts';
import type { ElementwiseAttrs } from './factors.ts';

/** Both streams are taken together; the function of each two elements lies in the register that is the output. */
export function elementwiseRtl(
  fn: BinaryName,
  layer: Layer<ElementwiseAttrs>,
  top: string,
  streams: readonly StreamPort[],
): Design {
  const { pe, factors } = layer.attrs;
  const output = layer.types[0]!.dtype;
  const [a, b] = [layer.inputs[0]!.type.dtype, layer.inputs[1]!.type.dtype];
  const { width: widthOf, verilog } = binaryFunctions[fn];
  const width = widthOf(operandOf(a), operandOf(b), output);
  const signed = a.signed || b.signed;
  const source = streamModule(top, streams, (w) => {
    pipelineControl(w, streams, 1);
    w.line(`reg ${range(pe * output.bits)} result;`).line('assign m_axis_0_tdata = result;');
    for (let i = 0; i < pe; i += 1) {
      w.line(declared(`a_${i}`, width, signed, extended('s_axis_0_tdata', i * a.bits, a, width)));
      w.line(declared(`b_${i}`, width, signed, extended('s_axis_1_tdata', i * b.bits, b, width)));
      const value = factors
        ? shiftAdd(
            [
              [`a_${i}`, factors[0]],
              [`b_${i}`, fn === 'Sub' ? -factors[1] : factors[1]],
            ],
            width,
          )
        : verilog(`a_${i}`, `b_${i}`, output, width);
      w.line(`always @(posedge ap_clk) if (move) ${lane('result', i, output.bits)} <= ${value};`);
    }
  });
  return { top, sources: { [`${top}.v`]: source }, memories: {}, streams };
}

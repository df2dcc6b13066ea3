import type { Design, StreamPort } from './design.ts';
import { streamModule } from './stream-module.ts';
import { range } from './verilog.ts';

/** A stream as wide as that of `count` circuits side by side; a beat is one of each. */
export const sideBySidePort = (port: StreamPort, count: number): StreamPort => ({
  ...port,
  lanes: port.lanes * count,
  width: port.width * count,
  beats: port.beats / count,
});

/**
 * Several circuits of one design in lockstep under the streams' common handshake: each takes its share of every beat. They are
 * the same, so what one is ready for all are.
 */
export function sideBySide(one: Design, count: number, top: string): Design {
  const streams = one.streams.map((port) => sideBySidePort(port, count));
  const source = streamModule(top, streams, (w) => {
    for (const { name, direction } of one.streams) {
      const back = direction === 'in' ? 'tready' : 'tvalid';
      w.line(`wire ${range(count)} ${name}_${back}_each;`);
      w.line(`assign ${name}_${back} = ${name}_${back}_each[0];`);
      w.line(`wire unused_${name} = &{1'b0, ${name}_${back}_each};`);
    }
    for (let i = 0; i < count; i += 1) {
      const pins = one.streams.flatMap(({ name, direction, width }) => {
        const [shared, back] = direction === 'in' ? ['tvalid', 'tready'] : ['tready', 'tvalid'];
        return [
          `.${name}_tdata(${name}_tdata[${(i + 1) * width - 1}:${i * width}])`,
          `.${name}_${shared}(${name}_${shared})`,
          `.${name}_${back}(${name}_${back}_each[${i}])`,
        ];
      });
      w.line(`${one.top} part_${i} (.ap_clk(ap_clk), .ap_rst_n(ap_rst_n),`);
      w.line(`  ${pins.join(', ')});`);
    }
  });
  return { top, sources: { ...one.sources, [`${top}.v`]: source }, memories: one.memories, streams };
}

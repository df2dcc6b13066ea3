import type { StreamPort } from '../hdl/design.ts';
import { beatWords, ordered } from './job.ts';

/** How a simulator's C++ holds a circuit. */
export interface Access {
  /** Declaration of the members that hold it. */
  readonly members: string;
  /** Expression for a port, such as 'top.p_ap__clk'. */
  port(name: string): string;
  /** Statements that bring the combinational logic to what the inputs of this cycle lead to, and that end the cycle. */
  readonly settle: string;
  readonly edge: string;
}

/**
 * The struct that harness.h drives for circuit `index`. It relies on four functions over the simulator's ports:
 * set(port, bool), bit(port), load(port, words, width) and store(port, words).
 */
export function circuitStruct(
  index: number,
  ports: readonly StreamPort[],
  { members, port, settle, edge }: Access,
): string {
  const streams = ordered(ports);
  const inputs = streams.filter((s) => s.direction === 'in');
  const outputs = streams.filter((s) => s.direction === 'out');
  const part = (stream: StreamPort, name: string): string => port(`${stream.name}_${name}`);
  const choose = (list: readonly StreamPort[], body: (stream: StreamPort) => string): string =>
    list.map((stream, i) => `      case ${i}: ${body(stream)}`).join('\n');
  return `struct Circuit${index} {
  static constexpr int inputs = ${inputs.length}, outputs = ${outputs.length};
  static constexpr unsigned words[] = {${streams.map((s) => beatWords(s.width)).join(', ')}};
  ${members}
  void present(int i, bool valid, const uint32_t *beat) {
    switch (i) {
${choose(inputs, (s) => `set(${part(s, 'tvalid')}, valid); load(${part(s, 'tdata')}, beat, ${s.width}); break;`)}
    }
  }
  void accept(int o, bool ready) {
    switch (o) {
${choose(outputs, (s) => `set(${part(s, 'tready')}, ready); break;`)}
    }
  }
  void reset(bool active) { set(${port('ap_rst_n')}, !active); }
  void settle() { ${settle} }
  void edge() { ${edge} }
  bool ready(int i) {
    switch (i) {
${choose(inputs, (s) => `return bit(${part(s, 'tready')});`)}
    }
    return false;
  }
  bool valid(int o) {
    switch (o) {
${choose(outputs, (s) => `return bit(${part(s, 'tvalid')});`)}
    }
    return false;
  }
  void data(int o, uint32_t *beat) {
    switch (o) {
${choose(outputs, (s) => `store(${part(s, 'tdata')}, beat); break;`)}
    }
  }
};
constexpr unsigned Circuit${index}::words[];
`;
}

/** settle and edge of a model that follows both levels of its clock. */
export const bothEdges = (clock: string, evaluate: string): Pick<Access, 'settle' | 'edge'> => ({
  settle: `set(${clock}, false); ${evaluate}`,
  edge: `set(${clock}, true); ${evaluate}`,
});

/** The definition of harness.h's dispatch() for `count` circuits. */
export function dispatch(count: number): string {
  const cases = Array.from({ length: count }, (_, i) => `    case ${i}: return run<Circuit${i}>(job, report);`);
  return `const uint32_t *dispatch(uint32_t circuit, const uint32_t *job, Words &report) {
  switch (circuit) {
${cases.join('\n')}
  }
  __builtin_trap();
}`;
}

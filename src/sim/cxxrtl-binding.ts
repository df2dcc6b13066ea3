import type { StreamPort } from '../hdl/design.ts';
import { beatWords, ordered } from './job.ts';

/** A Verilog name as cxxrtl writes it in C++. */
const mangle = (name: string): string => `p_${name.replaceAll('_', '__')}`;

/**
 * The program round the C++ of write_cxxrtl (`design.cc`, one struct for each top): the structs that harness.h drives
 * and the exports that run-wasm.js calls.
 */
export function cxxrtlMain(tops: readonly string[], circuits: readonly (readonly StreamPort[])[]): string {
  const structs = tops.map((top, index) => circuitStruct(top, index, ordered(circuits[index]!)));
  const cases = tops.map((_, index) => `    case ${index}: return run<Circuit${index}>(job, report);`);
  return `#include "design.cc"
#include "harness.h"

namespace finn {

template <size_t N> static void load(cxxrtl::value<N> &port, const uint32_t *words) {
  for (size_t i = 0; i < port.chunks; i++) port.data[i] = words[i];
  port.data[port.chunks - 1] &= port.msb_mask;
}
template <size_t N> static void store(const cxxrtl::value<N> &port, uint32_t *words) {
  for (size_t i = 0; i < port.chunks; i++) words[i] = port.data[i];
}
template <size_t N> static void store(const cxxrtl::wire<N> &port, uint32_t *words) { store(port.curr, words); }
static bool bit(const cxxrtl::value<1> &port) { return port.data[0]; }
static bool bit(const cxxrtl::wire<1> &port) { return port.curr.data[0]; }

${structs.join('\n')}
const uint32_t *dispatch(uint32_t circuit, const uint32_t *job, Words &report) {
  switch (circuit) {
${cases.join('\n')}
  }
  __builtin_trap();
}

} // namespace finn

static finn::Words job, report;
__attribute__((export_name("allocate"))) uint32_t *allocate(size_t words) {
  job.resize(words);
  return job.data();
}
__attribute__((export_name("simulate"))) size_t simulate() {
  finn::runAll(job.data(), report);
  return report.size();
}
__attribute__((export_name("result"))) const uint32_t *result() { return report.data(); }
`;
}

function circuitStruct(top: string, index: number, streams: readonly StreamPort[]): string {
  const inputs = streams.filter((s) => s.direction === 'in');
  const outputs = streams.filter((s) => s.direction === 'out');
  const port = (stream: StreamPort, part: string): string => `top.${mangle(`${stream.name}_${part}`)}`;
  const choose = (list: readonly StreamPort[], body: (stream: StreamPort) => string): string =>
    list.map((stream, i) => `      case ${i}: ${body(stream)}`).join('\n');
  return `struct Circuit${index} {
  static constexpr int inputs = ${inputs.length}, outputs = ${outputs.length};
  static constexpr unsigned words[] = {${streams.map((s) => beatWords(s.width)).join(', ')}};
  cxxrtl_design::${mangle(top)} top;
  void present(int i, bool valid, const uint32_t *beat) {
    switch (i) {
${choose(inputs, (s) => `${port(s, 'tvalid')}.data[0] = valid; load(${port(s, 'tdata')}, beat); break;`)}
    }
  }
  void accept(int o, bool ready) {
    switch (o) {
${choose(outputs, (s) => `${port(s, 'tready')}.data[0] = ready; break;`)}
    }
  }
  void reset(bool active) { top.${mangle('ap_rst_n')}.data[0] = !active; }
  void settle() {
    top.${mangle('ap_clk')}.data[0] = 0;
    top.step();
  }
  void edge() {
    top.${mangle('ap_clk')}.data[0] = 1;
    top.step();
  }
  bool ready(int i) {
    switch (i) {
${choose(inputs, (s) => `return bit(${port(s, 'tready')});`)}
    }
    return false;
  }
  bool valid(int o) {
    switch (o) {
${choose(outputs, (s) => `return bit(${port(s, 'tvalid')});`)}
    }
    return false;
  }
  void data(int o, uint32_t *beat) {
    switch (o) {
${choose(outputs, (s) => `store(${port(s, 'tdata')}, beat); break;`)}
    }
  }
};
constexpr unsigned Circuit${index}::words[];
`;
}

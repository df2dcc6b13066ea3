import type { StreamPort } from '../hdl/design.ts';
import { circuitStruct, dispatch } from './binding.ts';
import { concatSupport } from './flatten-concats.ts';

/** A Verilog name as cxxrtl writes it in C++. */
const mangle = (name: string): string => `p_${name.replaceAll('_', '__')}`;

/**
 * The program round the C++ of write_cxxrtl (`design.cc`, one struct for each top): the structs that harness.h drives
 * and the exports that run-wasm.js calls.
 */
export function cxxrtlMain(tops: readonly string[], circuits: readonly (readonly StreamPort[])[]): string {
  const structs = tops.map((top, index) =>
    circuitStruct(index, circuits[index]!, {
      members: `cxxrtl_design::${mangle(top)} top;`,
      port: (name) => `top.${mangle(name)}`,
      step: 'top.step();',
    }),
  );
  return `#include "cxxrtl/cxxrtl.h"
${concatSupport}#include "design.cc"
#include "harness.h"

namespace finn {

static void set(cxxrtl::value<1> &port, bool bit) { port.data[0] = bit; }
static bool bit(const cxxrtl::value<1> &port) { return port.data[0]; }
static bool bit(const cxxrtl::wire<1> &port) { return port.curr.data[0]; }
template <size_t N> static void load(cxxrtl::value<N> &port, const uint32_t *words, unsigned) {
  for (size_t i = 0; i < port.chunks; i++) port.data[i] = words[i];
  port.data[port.chunks - 1] &= port.msb_mask;
}
template <size_t N> static void store(const cxxrtl::value<N> &port, uint32_t *words) {
  for (size_t i = 0; i < port.chunks; i++) words[i] = port.data[i];
}
template <size_t N> static void store(const cxxrtl::wire<N> &port, uint32_t *words) { store(port.curr, words); }

${structs.join('\n')}
${dispatch(tops.length)}

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

import type { StreamPort } from '../hdl/design.ts';
import { bothEdges, circuitStruct, dispatch } from './binding.ts';
import { cxxrtlSupport } from './flatten-concats.ts';

/** A Verilog name as cxxrtl writes it in C++. */
const mangle = (name: string): string => `p_${name.replaceAll('_', '__')}`;

/**
 * One evaluation a cycle: with the clock risen it gives the outputs of this cycle, from registers as they still are, and
 * the registers' next values; the commit ends the cycle.
 */
const oneEvaluation = {
  settle: 'top.prev_p_ap__clk = cxxrtl::value<1>{0u}; set(top.p_ap__clk, true); top.eval();',
  edge: 'top.commit();',
};

/** Does ap_clk clock everything, by its rising edge, and is the logic free of loops that take several evaluations? */
function settlesAtOnce(code: string): boolean {
  const edges = new Set([...code.matchAll(/\b((?:pos|neg)edge_\w+)/g)].map(([, name]) => name));
  return [...edges].every((name) => name === 'posedge_p_ap__clk') && !/converged = (?!true)/.test(code);
}

/**
 * The program round the C++ of write_cxxrtl (`design.cc`, one struct for each top): the structs that harness.h drives
 * and the exports that run-wasm.js calls.
 */
export function cxxrtlMain(
  tops: readonly string[],
  circuits: readonly (readonly StreamPort[])[],
  code: string,
): string {
  const once = settlesAtOnce(code);
  const structs = tops.map((top, index) =>
    circuitStruct(index, circuits[index]!, {
      members: `cxxrtl_design::${mangle(top)} top;`,
      port: (name) => `top.${mangle(name)}`,
      ...(once ? oneEvaluation : bothEdges('top.p_ap__clk', 'top.step();')),
    }),
  );
  return `#include "cxxrtl/cxxrtl.h"
${cxxrtlSupport}#include "design.cc"
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

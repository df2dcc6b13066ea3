import type { StreamPort } from '../hdl/design.ts';
import { benchPort, benchTop } from './bench.ts';
import { bothEdges, circuitStruct, dispatch } from './binding.ts';

/**
 * The program round Verilator's model of the bench: the structs that harness.h drives, and a main that reads job.bin
 * and writes report.bin.
 */
export function verilatorMain(circuits: readonly (readonly StreamPort[])[]): string {
  const structs = circuits.map((streams, index) =>
    circuitStruct(index, streams, {
      members: 'Model model;',
      port: (name) => `model.top.${benchPort(index, name)}`,
      ...bothEdges(`model.top.${benchPort(index, 'ap_clk')}`, 'model.top.eval();'),
    }),
  );
  return `#include "V${benchTop}.h"
#include "verilated.h"
#include "harness.h"
#include <cstdio>

namespace finn {

template <class Port> static void set(Port &port, bool bit) { port = bit; }
template <class Port> static bool bit(const Port &port) { return port; }
template <class Port> static void load(Port &port, const uint32_t *words, unsigned width) {
  uint64_t value = words[0];
  if (sizeof(Port) > 4) value |= (uint64_t)words[1] << 32;
  if (width < 64) value &= ((uint64_t)1 << width) - 1;
  port = (Port)value;
}
template <std::size_t N> static void load(VlWide<N> &port, const uint32_t *words, unsigned width) {
  for (std::size_t i = 0; i < N; i++) port[i] = words[i];
  if (width % 32) port[N - 1] &= ((uint32_t)1 << width % 32) - 1;
}
template <class Port> static void store(const Port &port, uint32_t *words) {
  words[0] = (uint32_t)port;
  if (sizeof(Port) > 4) words[1] = (uint32_t)((uint64_t)port >> 32);
}
template <std::size_t N> static void store(const VlWide<N> &port, uint32_t *words) {
  for (std::size_t i = 0; i < N; i++) words[i] = port[i];
}

/** A model of its own for each run; the other circuits in it are never clocked. */
struct Model {
  VerilatedContext context;
  V${benchTop} top;
  Model() : top(&context) {}
  ~Model() { top.final(); }
};

${structs.join('\n')}
${dispatch(circuits.length)}

} // namespace finn

int main() {
  finn::Words job, report;
  FILE *file = std::fopen("job.bin", "rb");
  if (!file) return 2;
  uint32_t buffer[4096];
  for (size_t read; (read = std::fread(buffer, 4, 4096, file)) > 0;) job.insert(job.end(), buffer, buffer + read);
  std::fclose(file);
  finn::runAll(job.data(), report);
  file = std::fopen("report.bin", "wb");
  if (!file || std::fwrite(report.data(), 4, report.size(), file) != report.size()) return 2;
  return std::fclose(file) ? 2 : 0;
}
`;
}

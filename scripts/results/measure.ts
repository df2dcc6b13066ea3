import type { Design } from '../../src/hdl/design.ts';
import type { Family } from '../../src/hdl/device.ts';
import { testCall } from '../../src/sim/direct.ts';
import { type CellCounts, parseStat } from '../../src/tools/stat.ts';
import { synthesize } from '../../src/tools/synthesis.ts';
import type { Provider } from '../../src/tools/yosys.ts';

/** What Yosys maps a design to, out of context and without DSP blocks; remembered by the content of the sources. */
export async function measure(design: Design, family: Family, provider: Provider): Promise<CellCounts> {
  const { stat } = await testCall()(synthesize(design, design.top, { provider, family, outOfContext: true }));
  return parseStat(stat, family);
}

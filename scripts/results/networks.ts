// `npm run results:networks`: published networks built by the recipes, beside what was published. docs/results.md has what came out.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { toolVersion } from './measure.ts';
import { type NetworkResult, runNetwork } from './network-run.ts';
import { tables } from './network-tables.ts';
import { type Network, networks } from './published-networks.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    simulate: { type: 'boolean', default: false },
    synthesize: { type: 'boolean', default: false },
    npm: { type: 'boolean', default: false },
    without: { type: 'string', default: '' },
    print: { type: 'boolean', default: false },
  },
});
const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, 'build/results');
const unknown = positionals.find((name) => !networks.some((one) => one.name === name));
if (unknown !== undefined)
  throw new Error(`no network is called ${unknown}; there are ${networks.map(({ name }) => name).join(', ')}`);
const provider = values.npm ? 'npm' : 'native';
const fileOf = ({ name }: Network): string => join(folder, `${name}.json`);
const read = (network: Network): NetworkResult | undefined =>
  existsSync(fileOf(network)) ? (JSON.parse(readFileSync(fileOf(network), 'utf8')) as NetworkResult) : undefined;

mkdirSync(folder, { recursive: true });
for (const network of values.print ? [] : networks) {
  if (positionals.length > 0 && !positionals.includes(network.name)) continue;
  console.error(network.name);
  const all = !network.estimateOnly;
  const result = await runNetwork(network, {
    root,
    simulate: values.simulate && all,
    ...(values.synthesize && all && { synthesize: provider }),
    version: values.synthesize ? await toolVersion(provider) : '',
    without: new Set(values.without.split(',')),
    say: (line) => console.error(line),
  });
  // What an earlier run has found of the same pace stays.
  const before = read(network);
  const same = before?.interval === result.interval && before.latency === result.latency;
  writeFileSync(fileOf(network), `${JSON.stringify({ ...(same && before), ...result }, null, 2)}\n`);
}
const found = networks.flatMap((network) => {
  const result = read(network);
  return result ? [{ network, result }] : [];
});
console.log(tables(found).join('\n'));

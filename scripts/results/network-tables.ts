import type { NetworkResult } from './network-run.ts';
import { type Network, type Publication, type Source, sources } from './published-networks.ts';

interface Found {
  readonly network: Network;
  readonly result: NetworkResult;
}

const grouped = (n: number): string => Math.round(n).toLocaleString('en-US');
const short = (n: number | undefined): string => (n === undefined ? '–' : grouped(n));
const microseconds = (us: number): string => (us < 100 ? us.toFixed(2) : grouped(us));
const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const head = (cells: readonly string[]): string[] => [row(cells), `|${'---|'.repeat(cells.length)}`];

/** The tables of docs/results.md, as Markdown: pace, resources, sources. */
export function tables(found: readonly Found[]): string[] {
  const used = new Set(found.flatMap(({ network }) => network.published.map(({ by }) => by)));
  return [
    ...head([
      'network',
      'folding',
      'published',
      'interval',
      'latency',
      'frames/s',
      'our interval',
      'our latency',
      'in µs',
      'our frames/s',
      'frames simulated',
    ]),
    ...found.flatMap(({ network, result }) => network.published.map((one, i) => pace(network, result, one, i === 0))),
    '',
    ...head([
      'network',
      'published by',
      'LUT',
      'FF',
      'BRAM36',
      'DSP',
      'our LUT (+ through), mapped',
      'FF',
      'RAMB18',
      'our LUT, estimated',
      'RAMB18',
    ]),
    ...found.flatMap(({ network, result }) => resources(network, result)),
    '',
    ...(Object.keys(sources) as Source[]).filter((by) => used.has(by)).map((by) => `- ${by}: ${sources[by]}.`),
  ];
}

function pace(network: Network, result: NetworkResult, one: Publication, first: boolean): string {
  const { clockMhz } = one;
  const { simulated } = result;
  return row([
    first ? network.name : '',
    first ? network.folding : '',
    `${one.by}, ${one.board}, ${Number(clockMhz.toFixed(1))} MHz`,
    short(one.interval),
    one.latency !== undefined ? grouped(one.latency) : one.latencyUs !== undefined ? `${one.latencyUs} µs` : '–',
    short(one.fps),
    grouped(result.interval),
    grouped(result.latency),
    microseconds(result.latency / clockMhz),
    grouped((clockMhz * 1e6) / result.interval),
    simulated ? `${simulated.frames}${differing(result, simulated)}` : 'not simulated',
  ]);
}

/** What the circuit did otherwise than the schedules say; nothing, as it should be. */
const differing = ({ interval, latency }: NetworkResult, simulated: NonNullable<NetworkResult['simulated']>): string =>
  interval === simulated.interval && latency === simulated.latency
    ? ''
    : `, interval ${grouped(simulated.interval)}, latency ${grouped(simulated.latency)}`;

function resources({ name, published }: Network, { mapped, estimated }: NetworkResult): string[] {
  const counted = published.filter(({ lut }) => lut !== undefined);
  const all: readonly (Publication | undefined)[] = counted.length > 0 ? counted : [undefined];
  return all.map((one, i) =>
    row([
      i === 0 ? name : '',
      one ? `${one.by}${one.note ? ` (${one.note})` : ''}` : 'no figure found',
      short(one?.lut),
      short(one?.ff),
      one?.bram === undefined ? '–' : String(one.bram),
      short(one?.dsp),
      mapped
        ? `${grouped(mapped.lut)} (+ ${grouped(mapped.through)})${mapped.left.length > 0 ? ` without ${mapped.left.join(', ')}` : ''}`
        : 'not mapped',
      short(mapped?.ff),
      short(mapped?.bram),
      grouped(estimated.lut),
      grouped(estimated.bram),
    ]),
  );
}

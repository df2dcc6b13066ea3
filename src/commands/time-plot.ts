/** One bar of a time plot: what took how many seconds, in the order in which it is stacked. */
export interface Bar {
  readonly name: string;
  readonly parts: readonly (readonly [kind: string, seconds: number])[];
}

// Okabe and Ito's colours, which the colour-blind can tell apart, and lighter ones of the same hues.
const colours = [
  ...['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#f0e442', '#666666'],
  ...['#7fb8d8', '#f2cf7f', '#7fcebc', '#e5bcd3', '#aad9f4', '#eaae7f', '#f7f1a0', '#b2b2b2'],
];
const size = { width: 760, bar: 26, gap: 12, margin: 10, axis: 34, row: 18, letter: 6.6 };

/** Seconds by kind of step ('synthesize' of 'synthesize/MVAU_0'), in the order of time_per_step.json. */
export function byKind(times: Readonly<Record<string, number>>): [string, number][] {
  const sums = new Map<string, number>();
  for (const [name, seconds] of Object.entries(times)) {
    // FINN's name of what the simulators took, which is part of other steps.
    if (name === 'RUNTIME_S') continue;
    const kind = name.split('/')[0]!;
    sums.set(kind, (sums.get(kind) ?? 0) + seconds);
  }
  return [...sums];
}

/** Stacked bars of seconds as an SVG picture. */
export function timePlot(title: string, bars: readonly Bar[]): string {
  const kinds = [...new Set(bars.flatMap(({ parts }) => parts.map(([kind]) => kind)))];
  const colour = (kind: string): string => colours[kinds.indexOf(kind) % colours.length]!;
  const totals = bars.map(({ parts }) => parts.reduce((sum, [, seconds]) => sum + seconds, 0));
  const label = Math.max(0, ...bars.map(({ name }) => [...name].length)) * size.letter + size.margin;
  const left = size.margin + label;
  // Room for the total behind the longest bar.
  const scale = (size.width - left - 70) / Math.max(...totals, 1e-3);
  const top = size.margin + size.row;
  const barTop = (i: number): number => top + i * (size.bar + size.gap);
  const axisTop = barTop(bars.length);
  const perRow = Math.max(
    1,
    Math.floor((size.width - 2 * size.margin) / (Math.max(1, ...kinds.map((kind) => kind.length)) * size.letter + 30)),
  );
  const height = axisTop + size.axis + Math.ceil(kinds.length / perRow) * size.row + size.margin;
  const drawn = bars.flatMap(({ name, parts }, i) => {
    let x = left;
    const boxes = parts.map(([kind, seconds]) => {
      const width = seconds * scale;
      const box = `<rect x="${round(x)}" y="${round(barTop(i))}" width="${round(width)}" height="${size.bar}" fill="${colour(kind)}"><title>${escaped(kind)}: ${seconds.toFixed(1)} s</title></rect>`;
      x += width;
      return box;
    });
    const middle = round(barTop(i) + size.bar / 2 + 4);
    return [
      `<text x="${round(left - size.margin)}" y="${middle}" text-anchor="end">${escaped(name)}</text>`,
      ...boxes,
      `<text x="${round(x + 6)}" y="${middle}">${totals[i]!.toFixed(1)} s</text>`,
    ];
  });
  const step = tick(Math.max(...totals, 1e-3));
  const ticks = Array.from({ length: Math.floor(Math.max(...totals, 0) / step) + 1 }, (_, i) => {
    const x = round(left + i * step * scale);
    return `<path d="M${x} ${round(top - 4)}V${round(axisTop)}" stroke="#ddd"/><text x="${x}" y="${round(axisTop + 12)}" text-anchor="middle" fill="#555" font-size="10">${Number((i * step).toPrecision(6))} s</text>`;
  });
  const column = (size.width - 2 * size.margin) / perRow;
  const legend = kinds.map((kind, i) => {
    const x = size.margin + (i % perRow) * column;
    const y = axisTop + size.axis + Math.floor(i / perRow) * size.row;
    return `<rect x="${round(x)}" y="${round(y - 9)}" width="10" height="10" fill="${colour(kind)}"/><text x="${round(x + 15)}" y="${round(y)}">${escaped(kind)}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${round(height)}" viewBox="0 0 ${size.width} ${round(height)}" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    '<rect width="100%" height="100%" fill="#fff"/>',
    `<text x="${size.margin}" y="${size.margin + 8}" font-weight="bold">${escaped(title)}</text>`,
    ...ticks,
    ...drawn,
    ...legend,
    '</svg>',
  ].join('\n');
}

/** A round number of seconds of which at most eight are in the longest bar. */
function tick(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most / 8));
  return power * ([1, 2, 5, 10].find((factor) => most / (power * factor) <= 8) ?? 10);
}

const round = (value: number): number => Math.round(value * 10) / 10;
const escaped = (text: string): string => text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);

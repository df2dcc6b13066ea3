import type { Arrow, Box, Diagram } from './diagram.ts';

const letter = 7.2;
const lineHeight = 16;
const padding = 10;
const gap = { across: 28, down: 46 };

interface Placed extends Box {
  readonly width: number;
  readonly height: number;
  rank: number;
  x: number;
  y: number;
}

/**
 * As an SVG picture. Layered: a box stands below all that point to it; within a layer boxes are ordered by where
 * their neighbours stand (Sugiyama's method without bends: an arrow that skips layers is drawn straight).
 */
export function toSvg({ name, boxes, arrows }: Diagram): string {
  const placed = new Map(boxes.map((box) => [box.id, sized(box)]));
  rank(placed, arrows);
  const ranks = Math.max(-1, ...[...placed.values()].map((box) => box.rank)) + 1;
  const layers = Array.from({ length: ranks }, (_, i) => [...placed.values()].filter((box) => box.rank === i));
  for (let sweep = 0; sweep < 4; sweep += 1) order(layers, arrows, placed, sweep % 2 === 0);
  const width = Math.max(0, ...layers.map(widthOf)) + 2 * padding;
  let y = padding;
  for (const layer of layers) {
    let x = (width - widthOf(layer)) / 2;
    for (const box of layer) {
      box.x = x;
      box.y = y;
      x += box.width + gap.across;
    }
    y += Math.max(...layer.map(({ height }) => height)) + gap.down;
  }
  const height = Math.max(2 * padding, y - gap.down + padding);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${number(width)}" height="${number(height)}" viewBox="0 0 ${number(width)} ${number(height)}" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(name)}</title>`,
    '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="#555"/></marker></defs>',
    '<rect width="100%" height="100%" fill="#fff"/>',
    ...arrows.map((arrow) => drawArrow(placed.get(arrow.from)!, placed.get(arrow.to)!, arrow.label)),
    ...[...placed.values()].map(drawBox),
    '</svg>',
  ].join('\n');
}

function sized(box: Box): Placed {
  const longest = Math.max(...box.lines.map((line) => [...line].length));
  return {
    ...box,
    width: longest * letter + 2 * padding,
    height: box.lines.length * lineHeight + padding,
    rank: 0,
    x: 0,
    y: 0,
  };
}

/** Longest way from a box that nothing points to. Arrows make no circle. */
function rank(placed: ReadonlyMap<string, Placed>, arrows: readonly Arrow[]): void {
  for (let changed = true, rounds = 0; changed && rounds <= placed.size; rounds += 1) {
    changed = false;
    for (const { from, to } of arrows) {
      const least = placed.get(from)!.rank + 1;
      if (placed.get(to)!.rank >= least) continue;
      placed.get(to)!.rank = least;
      changed = true;
    }
  }
}

/** Sorts each layer by the mean place of the neighbours in front of it, or behind it. */
function order(layers: Placed[][], arrows: readonly Arrow[], placed: ReadonlyMap<string, Placed>, down: boolean): void {
  const neighbours = new Map<Placed, Placed[]>();
  for (const { from, to } of arrows) {
    const [own, other] = down ? [placed.get(to)!, placed.get(from)!] : [placed.get(from)!, placed.get(to)!];
    neighbours.set(own, [...(neighbours.get(own) ?? []), other]);
  }
  const place = new Map<Placed, number>();
  const note = (layer: readonly Placed[]): void => {
    for (const [i, box] of layer.entries()) place.set(box, (i + 0.5) / layer.length);
  };
  for (const layer of layers) note(layer);
  for (const layer of down ? layers : [...layers].reverse()) {
    const mean = (box: Placed): number => {
      const list = neighbours.get(box) ?? [];
      return list.length === 0 ? place.get(box)! : list.reduce((sum, one) => sum + place.get(one)!, 0) / list.length;
    };
    const wanted = new Map(layer.map((box) => [box, mean(box)]));
    layer.sort((a, b) => wanted.get(a)! - wanted.get(b)!);
    note(layer);
  }
}

const widthOf = (layer: readonly Placed[]): number =>
  layer.reduce((sum, { width }) => sum + width, 0) + gap.across * (layer.length - 1);

function drawBox({ x, y, width, height, lines, round }: Placed): string {
  const text = lines.map(
    (line, i) =>
      `<text x="${number(x + width / 2)}" y="${number(y + padding / 2 + (i + 0.75) * lineHeight)}" text-anchor="middle"${i > 0 ? ' fill="#555"' : ''}>${escaped(line)}</text>`,
  );
  const corner = round ? 10 : 2;
  return `<rect x="${number(x)}" y="${number(y)}" width="${number(width)}" height="${number(height)}" rx="${corner}" fill="#f4f6fa" stroke="#456"/>${text.join('')}`;
}

function drawArrow(from: Placed, to: Placed, label: string | undefined): string {
  const [x1, y1, x2, y2] = [from.x + from.width / 2, from.y + from.height, to.x + to.width / 2, to.y];
  const line = `<path d="M${number(x1)} ${number(y1)}L${number(x2)} ${number(y2)}" stroke="#555" fill="none" marker-end="url(#head)"/>`;
  if (label === undefined) return line;
  const at = `x="${number((x1 + x2) / 2 + 6)}" y="${number((y1 + y2) / 2 + 4)}"`;
  return `${line}<text ${at} font-size="10" fill="#555">${escaped(label)}</text>`;
}

const number = (value: number): string => String(Math.round(value * 10) / 10);
const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`).replace(/\p{Cc}/gu, ' ');

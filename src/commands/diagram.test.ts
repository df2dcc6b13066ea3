import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Diagram, toDot, toMermaid } from './diagram.ts';
import { toSvg } from './diagram-svg.ts';

const small: Diagram = {
  name: 'a "net"',
  boxes: [
    { id: 'x', lines: ['x'], round: true },
    { id: 'n', lines: ['MatMul', 'fc<1>'] },
  ],
  arrows: [{ from: 'x', to: 'n', label: 'UINT2 1×4' }],
};

it('is written as Graphviz reads it', () => {
  expect(toDot(small)).toBe(`digraph "a \\"net\\"" {
  node [shape=box, fontname="sans-serif"];
  edge [fontname="sans-serif", fontsize=10];
  "x" [label="x", shape=box, style=rounded];
  "n" [label="MatMul\\nfc<1>"];
  "x" -> "n" [label="UINT2 1×4"];
}`);
});

it('is written as Mermaid reads it', () => {
  expect(toMermaid(small)).toBe(`flowchart TD
  n0("x")
  n1["MatMul<br>fc#60;1#62;"]
  n0 -->|"UINT2 1×4"| n1`);
});

const rectangles = (svg: string): { x: number; y: number; width: number; height: number }[] =>
  [...svg.matchAll(/<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/g)].map((match) => {
    const [x, y, width, height] = match.slice(1).map(Number) as [number, number, number, number];
    return { x, y, width, height };
  });

it('is drawn with every box once, none over another, every arrow downwards', () => {
  const dag = fc.integer({ min: 1, max: 12 }).chain((n) =>
    fc.record({
      words: fc.array(fc.string({ minLength: 1, maxLength: 20 }), { minLength: n, maxLength: n }),
      pairs: fc.array(fc.tuple(fc.nat(n - 1), fc.nat(n - 1)), { maxLength: 20 }),
    }),
  );
  fc.assert(
    fc.property(dag, ({ words, pairs }) => {
      const svg = toSvg({
        name: 'random',
        boxes: words.map((word, i) => ({ id: String(i), lines: [word] })),
        arrows: pairs.filter(([a, b]) => a < b).map(([a, b]) => ({ from: String(a), to: String(b) })),
      });
      const boxes = rectangles(svg);
      expect(boxes).toHaveLength(words.length);
      for (const [i, a] of boxes.entries())
        for (const b of boxes.slice(i + 1)) {
          const apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
          expect(apart).toBe(true);
        }
      for (const [, from, to] of svg.matchAll(/<path d="M[\d.]+ ([\d.]+)L[\d.]+ ([\d.]+)" /g))
        expect(Number(to)).toBeGreaterThan(Number(from));
    }),
  );
});

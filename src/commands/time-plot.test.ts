import { expect, test } from 'vitest';
import { byKind, timePlot } from './time-plot.ts';

test('times of a step’s layers are added up, the simulators’ are part of others', () => {
  expect(byKind({ fetch: 0.5, 'synthesize/MVAU_0': 2, 'synthesize/MVAU_1': 3, RUNTIME_S: 9 })).toEqual([
    ['fetch', 0.5],
    ['synthesize', 5],
  ]);
});

test('bars are as long as what they stand for, one beside the other', () => {
  const svg = timePlot('a <b>', [
    {
      name: 'one',
      parts: [
        ['codegen', 2],
        ['synthesize', 8],
      ],
    },
    { name: 'two', parts: [['synthesize', 5]] },
  ]);
  expect(svg).toContain('<title>a &#60;b&#62;</title>');
  const boxes = [...svg.matchAll(/<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="26"/g)].map((found) =>
    found.slice(1).map(Number),
  );
  const [codegen, first, second] = boxes as [number[], number[], number[]];
  expect(first[2]! / codegen[2]!).toBeCloseTo(4, 2);
  expect(first[2]! / second[2]!).toBeCloseTo(1.6, 2);
  expect(first[0]).toBeCloseTo(codegen[0]! + codegen[2]!, 0);
  expect(second[0]).toBe(codegen[0]);
  expect(second[1]).toBeGreaterThan(first[1]!);
  expect(svg).toContain('>10.0 s</text>');
  expect(svg).toContain('>5.0 s</text>');
});

test('a build that took no time is drawn', () => {
  expect(timePlot('nothing', [{ name: 'idle', parts: [['fetch', 0]] }])).not.toContain('NaN');
});

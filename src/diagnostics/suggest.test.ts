import { expect, test } from 'vitest';
import { closest, didYouMean, distance } from './suggest.ts';

test('an inserted, lost, changed or swapped letter is one edit, another case half of one', () => {
  expect(distance('board', 'boards')).toBe(1);
  expect(distance('boards', 'board')).toBe(1);
  expect(distance('bxard', 'board')).toBe(1);
  expect(distance('baord', 'board')).toBe(1);
  expect(distance('Board', 'board')).toBe(0.5);
  expect(distance('', 'abc')).toBe(3);
});

test('only what is near is meant', () => {
  expect(closest('inptu', ['model', 'input', 'output'])).toBe('input');
  expect(closest('standaloneThresholds', ['standalone_thresholds', 'prefer'])).toBe('standalone_thresholds');
  expect(closest('x', ['model', 'input'])).toBeUndefined();
  expect(closest('something', [])).toBeUndefined();
  expect(closest('a'.repeat(1000), ['a'.repeat(999)])).toBeUndefined();
});

test('the hint lists what is legal, not endlessly', () => {
  expect(didYouMean('pee', ['pe', 'simd'], 'legal keys')).toBe('did you mean `pe`? legal keys: pe, simd');
  expect(didYouMean('zzz', [])).toBe('legal: none');
  const many = Array.from({ length: 30 }, (_, i) => `layer_${i}`);
  expect(didYouMean('zzz', many)).toMatch(/layer_19, … \(30 in all\)$/);
});

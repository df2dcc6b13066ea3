import { expect, test } from 'vitest';
import { error, inNetwork, type Location, warning } from './diagnostic.ts';
import { render } from './render.ts';

const text = 'finn: 1\nfolding:\n  hand: { layers: { fc2: { pe: 8 } } }\n';
const readText = (path: string): string | undefined => (path === 'r.yaml' ? text : undefined);
const at = (part: string): Location => {
  const start = text.indexOf(part);
  return { in: 'file', path: 'r.yaml', start, end: start + part.length };
};
const show = (diagnostic: Parameters<typeof render>[0]): string => render(diagnostic, { color: false, readText });

test('place, squiggle, the node it is about, and the hint', () => {
  const diagnostic = error('config/wrong-value', '`fc2` has 10 channels; `pe: 8` does not divide 10', {
    at: at('8'),
    also: [
      { message: 'the layer', at: inNetwork(['fc2']) },
      { message: 'its settings', at: at('fc2') },
    ],
    hint: 'use 1, 2, 5 or 10',
  });
  expect(show(diagnostic)).toBe(
    `r.yaml:3:32: error: \`fc2\` has 10 channels; \`pe: 8\` does not divide 10 [config/wrong-value]
  3 |   hand: { layers: { fc2: { pe: 8 } } }
    |                                ~
  network node fc2: note: the layer
  r.yaml:3:21: note: its settings
    3 |   hand: { layers: { fc2: { pe: 8 } } }
      |                     ~~~
  hint: use 1, 2, 5 or 10`,
  );
});

test('nodes of a network, lines of logs, and no place at all', () => {
  expect(show(error('internal/bug', 'x', { at: inNetwork(['a', 'b']) }))).toBe(
    'network nodes a, b: error: x [internal/bug]',
  );
  expect(show(warning('internal/bug', 'x', { at: { in: 'log', path: 'r.yaml', line: 2 } }))).toBe(
    'r.yaml:2: warning: x [internal/bug]\n  2 | folding:',
  );
  expect(show(error('internal/bug', 'x'))).toBe('error: x [internal/bug]');
});

test('a pointer into the recipe becomes a place where someone knows the recipe', () => {
  const diagnostic = error('internal/bug', 'x', { at: { in: 'recipe', pointer: '/folding' } });
  expect(show(diagnostic)).toBe('the recipe, /folding: error: x [internal/bug]');
  expect(render(diagnostic, { color: false, readText, locate: () => at('folding') })).toBe(
    'r.yaml:2:1: error: x [internal/bug]\n  2 | folding:\n    | ~~~~~~~',
  );
});

test('a file that is gone still has its name', () => {
  const gone: Location = { in: 'file', path: 'gone.yaml', start: 3, end: 4 };
  expect(show(error('internal/bug', 'x', { at: gone }))).toBe('gone.yaml: error: x [internal/bug]');
});

test('what spans lines is underlined to the end of its first', () => {
  expect(show(error('internal/bug', 'x', { at: at('folding:\n  hand') }))).toBe(
    'r.yaml:2:1: error: x [internal/bug]\n  2 | folding:\n    | ~~~~~~~~',
  );
});

test('tabs, control characters and endless lines do not break the picture', () => {
  const long = `${'x'.repeat(500)}\tbad\u001b[31m`;
  const start = long.indexOf('bad');
  const shown = render(error('internal/bug', 'x', { at: { in: 'file', path: 'l', start, end: start + 3 } }), {
    color: false,
    readText: () => long,
  }).split('\n');
  expect(shown[1]).toMatch(/ bad\ufffd\[31m$/);
  expect(shown[1]!.length).toBeLessThan(180);
  expect(shown[2]!.indexOf('~~~')).toBe(shown[1]!.indexOf('bad'));
});

test('colour is in the text only where it is wanted', () => {
  expect(render(error('internal/bug', 'x', { at: at('8') }), { color: true, readText })).toContain('\u001b[1;31m~');
  expect(show(error('internal/bug', 'x', { at: at('8') }))).not.toContain('\u001b');
});

import { describe, expect, it } from 'vitest';
import { differences, digest, type Fingerprint } from './fingerprint.ts';

const base: Fingerprint = {
  format: 1,
  step: 'fold',
  needs: {
    network: 'a'.repeat(64),
    netlists: [
      ['MVAU_0', '1'],
      ['MVAU_1', '2'],
    ],
  },
  sources: { 'folding file': '3' },
  tools: { yosys: '0.23' },
  config: { layers: { MVAU_1: { pe: 8 } }, fps: [1, 2], name: 'two words' },
  finn: '4',
};

describe('a fingerprint', () => {
  it('is the same in any order of keys, and differs in any part', () => {
    expect(digest({ ...base, config: { name: 'two words', fps: [1, 2], layers: { MVAU_1: { pe: 8 } } } })).toBe(
      digest(base),
    );
    const others: Partial<Fingerprint>[] = [
      { step: 'other' },
      { needs: { ...base.needs, network: 'b' } },
      {
        needs: {
          ...base.needs,
          netlists: [
            ['MVAU_1', '2'],
            ['MVAU_0', '1'],
          ],
        },
      },
      { sources: {} },
      { tools: { yosys: '0.24' } },
      { config: null },
      { finn: '5' },
    ];
    expect(new Set([base, ...others.map((other) => ({ ...base, ...other }))].map(digest)).size).toBe(8);
  });

  it.each<[string, Partial<Fingerprint>, string[]]>([
    ['nothing', {}, []],
    [
      'a value',
      { config: { ...(base.config as object), layers: { MVAU_1: { pe: 16 } } } },
      ['config.layers.MVAU_1.pe: 8 → 16'],
    ],
    ['a value that came', { config: { ...(base.config as object), seed: 1 } }, ['config.seed: unset → 1']],
    [
      'a part that went, and another that came,',
      { config: { ...(base.config as object), layers: undefined, choose: { fps: 2, by: 'fps' } } },
      ['config.choose.by: unset → fps', 'config.choose.fps: unset → 2', 'config.layers.MVAU_1.pe: 8 → unset'],
    ],
    ['a part without values', { config: { ...(base.config as object), extra: {} } }, ['config.extra: unset → {}']],
    ['an element', { config: { ...(base.config as object), fps: [1, 3] } }, ['config.fps[1]: 2 → 3']],
    ['a list', { config: { ...(base.config as object), fps: [1] } }, ['config.fps: [1,2] → [1]']],
    ['words', { config: { ...(base.config as object), name: 'x' } }, ['config.name: "two words" → x']],
    ['an input', { needs: { ...base.needs, network: 'b' } }, ['needs.network: changed']],
    [
      'an item',
      {
        needs: {
          ...base.needs,
          netlists: [
            ['MVAU_0', '1'],
            ['MVAU_1', '9'],
          ],
        },
      },
      ['needs.netlists.MVAU_1: changed'],
    ],
    [
      'items',
      {
        needs: {
          ...base.needs,
          netlists: [
            ['MVAU_0', '1'],
            ['FIFO_0', '9'],
          ],
        },
      },
      ['needs.netlists.FIFO_0: new', 'needs.netlists.MVAU_1: gone'],
    ],
    [
      'the order',
      {
        needs: {
          ...base.needs,
          netlists: [
            ['MVAU_1', '2'],
            ['MVAU_0', '1'],
          ],
        },
      },
      ['needs.netlists: order changed'],
    ],
    ['a file', { sources: { 'folding file': '5' } }, ['sources.folding file: changed']],
    ['a tool', { tools: { yosys: '0.55' } }, ['tools.yosys: 0.23 → 0.55']],
    ['finn', { finn: 'x' }, ['finn’s own code changed']],
  ])('says in words that %s changed', (_, change, lines) => {
    expect(differences(base, { ...base, ...change })).toEqual(lines);
  });

  it.each([
    ['own', 'own+a', 'there are plug-ins now'],
    ['own+a', 'own+b', 'a plug-in changed'],
    ['own+b', 'own', 'there are no plug-ins any more'],
    ['own+a', 'new+b', 'finn’s own code changed'],
  ])('tells plug-ins from finn itself: %s → %s', (before, after, line) => {
    expect(differences({ ...base, finn: before }, { ...base, finn: after })).toEqual([line]);
  });
});

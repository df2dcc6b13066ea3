import { describe, expect, it } from 'vitest';
import { memoryFor } from './stream-memory.ts';

describe('memories', () => {
  it('lie where they cost least, and are of a power of two where that is free', () => {
    expect(memoryFor({ family: 'xc7' }, 235, 32, 'auto')).toEqual({ style: 'block', depth: 256, width: 32 });
    expect(memoryFor({ family: 'xc7' }, 70, 8, 'auto')).toEqual({ style: 'distributed', depth: 128, width: 8 });
    expect(memoryFor({ family: 'xc7' }, 140, 4, 'auto')).toEqual({ style: 'distributed', depth: 140, width: 4 });
    expect(memoryFor({ family: 'ice40' }, 13, 4, 'auto')).toEqual({ style: 'logic', depth: 13, width: 4 });
    expect(memoryFor({ family: 'ice40' }, 300, 32, 'auto')).toEqual({ style: 'block', depth: 512, width: 32 });
  });
});

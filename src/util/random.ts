/** Seeded numbers: the same seed gives the same sequence on every machine. */
export interface Random {
  /** An integer of 0 … 2^32−1. */
  uint32(): number;
  /** An integer of min … max, both included, each equally likely. */
  int(min: number, max: number): number;
  /** A binary64 of [0, 1). */
  float(): number;
  /** True with the given probability (half, if none is given). */
  chance(probability?: number): boolean;
  /** One of the elements; the list must not be empty. */
  pick<T>(list: readonly T[]): T;
  /** A shuffled copy. */
  shuffle<T>(list: readonly T[]): T[];
}

/**
 * xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2018), its state filled from
 * the seed by SplitMix32. Seeds are integers; text seeds are hashed by FNV-1a.
 */
export function random(seed: number | string): Random {
  let filler = typeof seed === 'number' ? seed >>> 0 : fnv1a(seed);
  const fill = (): number => {
    filler = (filler + 0x9e3779b9) >>> 0;
    let z = filler;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  let a = fill();
  let b = fill();
  let c = fill();
  let d = fill();
  if ((a | b | c | d) === 0) a = 1;

  const uint32 = (): number => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotate(d, 11);
    return result;
  };
  const float = (): number => ((uint32() >>> 5) * 2 ** 26 + (uint32() >>> 6)) / 2 ** 53;
  const int = (min: number, max: number): number => {
    const span = max - min + 1;
    if (!(Number.isSafeInteger(min) && Number.isSafeInteger(max) && span >= 1 && span <= 2 ** 53)) {
      throw new RangeError(`no integers between ${min} and ${max}`);
    }
    // Draws beyond the last whole multiple of the span are thrown away, so that no value is favoured.
    const small = span <= 2 ** 32;
    const range = small ? 2 ** 32 : 2 ** 53;
    const limit = range - (range % span);
    for (;;) {
      const draw = small ? uint32() : (uint32() >>> 11) * 2 ** 32 + uint32();
      if (draw < limit) return min + (draw % span);
    }
  };
  return {
    uint32,
    int,
    float,
    chance: (probability = 0.5) => float() < probability,
    pick: (list) => list[int(0, list.length - 1)]!,
    shuffle: (list) => {
      const copy = [...list];
      for (let i = copy.length - 1; i > 0; i -= 1) {
        const j = int(0, i);
        [copy[i], copy[j]] = [copy[j]!, copy[i]!];
      }
      return copy;
    },
  };
}

const rotate = (x: number, bits: number): number => (x << bits) | (x >>> (32 - bits));

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

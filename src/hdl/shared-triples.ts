/** Something that is added: number `item`, as it is (1) or inverted (−1). */
export interface Summand {
  readonly item: number;
  readonly sign: 1 | -1;
}

/** Three items, the second and third inverted or not beside the first, and the sums that have them, with the first's sign in each. */
export interface Triple {
  readonly items: readonly [Summand, Summand, Summand];
  readonly sums: readonly { readonly sum: number; readonly sign: 1 | -1 }[];
}

/** Sums with what is common to several taken out: one full adder for a triple, whose inverted outputs are those of inverted inputs. */
export interface Shared {
  readonly triples: readonly Triple[];
  /** What is left of each sum. */
  readonly rest: readonly (readonly Summand[])[];
}

/** Fewer users than this, and a full adder of two LUTs saves nothing. */
const leastUsers = 3;

/** Second items that are tried for each first one, those with the most sums in common. */
const tried = 12;

const count = (n: number): number => {
  let v = n - ((n >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
};

/**
 * Takes triples with equal relative signs out of sums, those that most sums share first (circuits.md, rule 9). Greedy: for each first item only the
 * likeliest second ones are tried.
 */
export function shareTriples(sums: readonly (readonly Summand[])[], items: number): Shared {
  const words = Math.ceil(sums.length / 32);
  // Bit s of an item: is it in sum s, as it is or inverted?
  const plus = new Uint32Array(items * words);
  const minus = new Uint32Array(items * words);
  sums.forEach((sum, s) => {
    for (const { item, sign } of sum) (sign > 0 ? plus : minus)[item * words + (s >> 5)]! |= 1 << (s & 31);
  });
  // Of one first item: the sums that it shares with each other item, with the same sign and then with opposite ones, and how many.
  const common = new Uint32Array(items * 2 * words);
  const many = new Uint32Array(items * 2);
  const compare = (a: number): void => {
    many.fill(0);
    for (let b = a + 1; b < items; b += 1) {
      for (let w = 0; w < words; w += 1) {
        const [p, q] = [plus[a * words + w]!, minus[a * words + w]!];
        const [r, t] = [plus[b * words + w]!, minus[b * words + w]!];
        const same = (p & r) | (q & t);
        const opposite = (p & t) | (q & r);
        common[2 * b * words + w] = same;
        common[(2 * b + 1) * words + w] = opposite;
        many[2 * b]! += count(same);
        many[2 * b + 1]! += count(opposite);
      }
    }
  };
  /** Item and relative sign of an entry of `common`. */
  const summand = (entry: number): Summand => ({ item: entry >> 1, sign: (entry & 1) === 0 ? 1 : -1 });
  const triples: Triple[] = [];
  let most = sums.length;
  /** Takes the triple of `a` and two entries out of all sums that have it. */
  const take = (a: number, second: number, third: number): void => {
    const having: { sum: number; sign: 1 | -1 }[] = [];
    for (let sum = 0; sum < sums.length; sum += 1) {
      const [w, bit] = [sum >> 5, 1 << (sum & 31)];
      if ((common[second * words + w]! & common[third * words + w]! & bit) === 0) continue;
      having.push({ sum, sign: (plus[a * words + w]! & bit) !== 0 ? 1 : -1 });
      for (const item of [a, second >> 1, third >> 1]) {
        plus[item * words + w]! &= ~bit;
        minus[item * words + w]! &= ~bit;
      }
    }
    triples.push({ items: [{ item: a, sign: 1 }, summand(second), summand(third)], sums: having });
  };
  /** Takes one triple of `users` sums that begins with `a`, if there is one; notes the most that others have. */
  const search = (a: number, users: number): boolean => {
    compare(a);
    const seconds: number[] = [];
    for (let entry = 2 * a + 2; entry < 2 * items; entry += 1) if (many[entry]! >= leastUsers) seconds.push(entry);
    seconds.sort((x, y) => many[y]! - many[x]! || x - y);
    for (const second of seconds.slice(0, tried)) {
      let third = -1;
      let best = leastUsers - 1;
      for (const entry of seconds) {
        if (many[entry]! <= best) break;
        if (entry >> 1 === second >> 1) continue;
        let n = 0;
        for (let w = 0; w < words; w += 1) n += count(common[second * words + w]! & common[entry * words + w]!);
        if (n > best) [best, third] = [n, entry];
      }
      if (third < 0) continue;
      if (best < users) most = Math.max(most, best);
      else {
        take(a, second, third);
        return true;
      }
    }
    return false;
  };
  for (let users = most; users >= leastUsers; users = Math.min(users - 1, most)) {
    most = 0;
    for (let a = 0; a < items; a += 1) while (search(a, users));
  }
  const rest = sums.map((sum, s) =>
    sum.filter(
      ({ item }) => ((plus[item * words + (s >> 5)]! | minus[item * words + (s >> 5)]!) & (1 << (s & 31))) !== 0,
    ),
  );
  return { triples, rest };
}

/**
 * Bits of a sum that count for the same power of two, in every lane: `expression` is a vector of count · lanes bits, the
 * lanes of one bit side by side.
 */
export interface HeapBits {
  readonly expression: string;
  readonly count: number;
  readonly column: number;
  /** Registers that the bits have passed; only where there are some behind every counter. 0 if left out. */
  readonly level?: number;
}

/**
 * 3:2 is smallest where LUTs have four inputs, 6:3 for plain bits where they have six; 3:2+6:3 begins with one level of 3:2, which
 * takes products of two variables in (circuits.md rules 3 and 4).
 */
export type Counter = '3:2' | '6:3' | '3:2+6:3';

export interface HeapOptions {
  /** Names of the wires begin with this. */
  readonly prefix: string;
  readonly counter: Counter;
  /** Bits of each sum; what lies above is dropped (sums are taken modulo 2^width). */
  readonly width: number;
  /** Sums of the same form side by side: neurons that differ in nothing but the values of their bits. */
  readonly lanes: number;
  /** Registers (ports clk and en of the module around) behind this many counters, on every way: one cycle more. None if left out. */
  readonly cut?: number;
  /** Registers behind every counter instead, of one lane: `levels` cycles more. */
  readonly every?: boolean;
}

/** Sums as Verilog: declarations with assignments, and the expression of each lane's sum. */
export interface Heap {
  readonly lines: readonly string[];
  readonly sums: readonly string[];
  /** Counters on the longest way, and registers where they are behind every counter. */
  readonly levels: number;
}

/** Some of a wire's bits, in every lane. */
interface Run {
  readonly wire: string;
  /** How many bits (a lane) the wire has in all. */
  readonly of: number;
  readonly first: number;
  readonly count: number;
  /** Counters on the longest way to it. */
  readonly level: number;
}

const lengthOf = (runs: readonly Run[]): number => runs.reduce((n, { count }) => n + count, 0);

/** Removes the `count` bits of a list that are there first. */
function take(runs: Run[], count: number): Run[] {
  runs.sort((a, b) => a.level - b.level);
  const taken: Run[] = [];
  for (let left = count; left > 0; ) {
    const run = runs.shift()!;
    const part = Math.min(left, run.count);
    taken.push({ ...run, count: part });
    if (part < run.count) runs.unshift({ ...run, first: run.first + part, count: run.count - part });
    left -= part;
  }
  return taken;
}

/** How many groups of `size` bits to add at once: all that the earliest level has, or one with later bits in it. */
function groups(runs: readonly Run[], size: number): number {
  if (lengthOf(runs) < size) return 0;
  const earliest = Math.min(...runs.map(({ level }) => level));
  return Math.max(1, Math.floor(lengthOf(runs.filter(({ level }) => level === earliest)) / size));
}

/**
 * The sums of weighted bits and a constant ≥ 0 modulo 2^width, as full-adder equations: column by column, in each the earliest bits
 * first, until two rows are left, then one carry chain a lane. All adders of a level and column, over all lanes, are one equation of
 * vectors: the same gates as bit by bit, but a simulator has hundreds of equations where it would have tens of thousands.
 */
export function heap(bits: readonly HeapBits[], constant: bigint, options: HeapOptions): Heap {
  const { prefix, width, lanes, counter, cut = Number.POSITIVE_INFINITY, every = false } = options;
  const lines: string[] = [];
  const columns: Run[][] = Array.from({ length: width }, () => []);
  let next = 0;

  const declare = (expression: string, count: number, registered: boolean): string => {
    const wire = `${prefix}${next}`;
    next += 1;
    const range = count * lanes > 1 ? `[${count * lanes - 1}:0] ` : '';
    if (registered) lines.push(`reg ${range}${wire};`, `always @(posedge clk) if (en) ${wire} <= ${expression};`);
    else lines.push(`wire ${range}${wire} = ${expression};`);
    return wire;
  };
  const slice = ({ wire, of, first, count }: Run): string => {
    if (count === of) return wire;
    const [low, high] = [first * lanes, (first + count) * lanes - 1];
    return low === high ? `${wire}[${low}]` : `${wire}[${high}:${low}]`;
  };
  const one: Run = { wire: lanes > 1 ? `{${lanes}{1'b1}}` : "1'b1", of: 1, first: 0, count: 1, level: 0 };
  /** The bits behind the registers in front of a counter that makes bits of `level`. */
  const delayed = (run: Run, level: number): Run => {
    if (run.wire === one.wire) return run;
    const to = every ? level - 1 : level > cut ? cut : 0;
    let now = run;
    while (now.level < to) {
      const wire = declare(slice(now), now.count, true);
      now = { ...now, wire, of: now.count, first: 0, level: every ? now.level + 1 : cut };
    }
    return now;
  };
  /** Takes `size` vectors of `count` bits from a column, all on the same side of the registers, and the level of what a counter makes of them. */
  const operands = (size: number, count: number, column: number): { texts: string[]; level: number } => {
    const taken = Array.from({ length: size }, () => take(columns[column]!, count));
    const level = Math.max(...taken.flat().map((run) => run.level)) + 1;
    const texts = taken.map((runs) => {
      const there = runs.map((run) => delayed(run, level));
      if (there.length === 1) return slice(there[0]!);
      return declare(`{${[...there].reverse().map(slice).join(', ')}}`, count, false);
    });
    return { texts, level };
  };
  const parity = (three: readonly string[]): string => three.join(' ^ ');
  const majority = ([a, b, c]: readonly string[]): string => `(${a} & ${b}) | (${a} & ${c}) | (${b} & ${c})`;
  const push = (expression: string, count: number, column: number, level: number): void => {
    if (column >= width) return;
    const wire = declare(expression, count, level > 0 && (every || level === cut));
    columns[column]!.push({ wire, of: count, first: 0, count, level });
  };
  /** `count` times three bits of a column become one there and one in the next, if that counts. */
  const fullAdders = (count: number, column: number): void => {
    const { texts, level } = operands(3, count, column);
    push(parity(texts), count, column, level);
    push(majority(texts), count, column + 1, level);
  };
  /** `count` times six bits of a column become one there, in the next and in the next but one: a table of six inputs each. */
  const sixToThree = (count: number, column: number): void => {
    const { texts, level } = operands(6, count, column);
    const halves = [texts.slice(0, 3), texts.slice(3)];
    const [p, q] = halves.map((half) => declare(parity(half), count, false));
    push(`${p} ^ ${q}`, count, column, level);
    if (column + 1 >= width) return;
    const carries = [...halves.map(majority), `${p} & ${q}`].map((carry) => declare(carry, count, false));
    push(parity(carries), count, column + 1, level);
    push(majority(carries), count, column + 2, level);
  };

  for (const { expression, count, column, level = 0 } of bits) {
    if (count === 0 || column >= width) continue;
    columns[column]!.push({ wire: declare(expression, count, false), of: count, first: 0, count, level });
  }
  if (counter === '3:2+6:3') {
    // Only what was there before: the carries come too late for this level.
    const raw = columns.map((column) => Math.floor(lengthOf(column) / 3));
    raw.forEach((count, column) => {
      if (count > 0) fullAdders(count, column);
    });
  }
  /** Column by column, until two rows are left; then the constant. */
  const reduce = (): void => {
    columns.forEach((column, place) => {
      const sixes = (): number => (counter === '3:2' ? 0 : groups(column, 6));
      for (let count = sixes(); count > 0; count = sixes()) sixToThree(count, place);
      for (let count = groups(column, 3); count > 0; count = groups(column, 3)) fullAdders(count, place);
    });

    // The constant's bits take free places of the two rows; where there are none, full adders make one.
    for (let place = 0; place < width; place += 1) {
      if (((constant >> BigInt(place)) & 1n) === 0n) continue;
      columns[place]!.push(one);
      for (let column = place; column < width && lengthOf(columns[column]!) > 2; column += 1) fullAdders(1, column);
    }
  };
  if (every) {
    for (let place = 0; place < width; place += 1)
      if (((constant >> BigInt(place)) & 1n) === 1n) columns[place]!.push(one);
    // Level by level, so that no carry waits for another of its level. Few bits of a large column may wait for company.
    for (let level = 0; columns.some((column) => lengthOf(column) > 4); level += 1) {
      const there = columns.map((column) => lengthOf(column.filter((run) => run.level <= level)));
      there.forEach((count, place) => {
        const sixes = counter === '3:2' ? 0 : Math.floor(count / 6);
        if (sixes > 0) sixToThree(sixes, place);
        const threes = Math.floor((count - 6 * sixes) / 3);
        if (threes > 0 && (counter === '3:2' || count <= 8)) fullAdders(threes, place);
      });
    }
    // Two carry chains make two rows of four: a LUT for each bit that goes, where full adders take two and hand carries from column to column.
    if (columns.some((column) => lengthOf(column) > 2)) {
      const level = Math.max(...columns.flat().map((run) => run.level)) + 1;
      const rows = columns.map((column) => column.map((run) => delayed(run, level)));
      const pairs = [0, 2].map((first) => {
        const [a, b] = [first, first + 1].map((index) => rowOf(rows, index, 0, width, 0, lanes));
        return declare(`${a} + ${b}`, width, true);
      });
      columns.forEach((column, place) => {
        column.length = 0;
        for (const wire of pairs) column.push({ wire, of: width, first: place, count: 1, level });
      });
    }
  } else reduce();
  const levels = Math.max(0, ...columns.flat().map(({ level }) => level));
  const last = every ? levels + 1 : cut === Number.POSITIVE_INFINITY ? 0 : cut + 1;
  const rows = columns.map((column) => column.map((run) => delayed(run, last)));
  return { lines, sums: Array.from({ length: lanes }, (_, lane) => total(rows, lane, options, lines)), levels };
}

/** Bit `index` of every column from … to − 1 of one lane, as one number. */
function rowOf(
  columns: readonly (readonly Run[])[],
  index: number,
  from: number,
  to: number,
  lane: number,
  lanes: number,
): string {
  const cells = columns.slice(from, to).map((column) => {
    let at = index;
    for (const { wire, of, first, count } of column) {
      if (at >= count) {
        at -= count;
        continue;
      }
      if (wire.includes("1'b1")) return "1'b1";
      return of * lanes === 1 ? wire : `${wire}[${(first + at) * lanes + lane}]`;
    }
    return "1'b0";
  });
  return cells.length === 1 ? cells[0]! : `{${cells.reverse().join(', ')}}`;
}

/** The sum of the two rows that are left, for one lane: a carry chain from the first column with two bits on. */
function total(
  columns: readonly (readonly Run[])[],
  lane: number,
  { width, lanes, prefix }: HeapOptions,
  lines: string[],
): string {
  const row = (index: number, from: number, to: number): string => rowOf(columns, index, from, to, lane, lanes);
  let low = 0;
  while (low < width && lengthOf(columns[low]!) <= 1) low += 1;
  if (low === width) return columns.some((column) => column.length > 0) ? row(0, 0, width) : `${width}'d0`;
  const name = `${prefix}sum${lanes > 1 ? `_${lane}` : ''}`;
  lines.push(`wire [${width - low - 1}:0] ${name} = ${row(0, low, width)} + ${row(1, low, width)};`);
  return low === 0 ? name : `{${name}, ${row(0, 0, low)}}`;
}

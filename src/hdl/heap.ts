/** One bit of a sum: a Verilog expression and the power of two it counts for. */
export interface HeapBit {
  readonly bit: string;
  readonly column: number;
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
  /** Bits of the sum; what lies above is dropped (the sum is taken modulo 2^width). */
  readonly width: number;
  /** A register follows every so many levels of counters; none if undefined. */
  readonly every?: number | undefined;
}

/** A sum as Verilog: declarations and assignments, the expression of the sum, and the enabled cycles it takes. */
export interface Heap {
  readonly lines: readonly string[];
  readonly sum: string;
  readonly depth: number;
}

interface Wire {
  readonly name: string;
  readonly stage: number;
  readonly level: number;
}

const one: Wire = { name: "1'b1", stage: 0, level: 0 };

/**
 * The sum of weighted bits and a constant ≥ 0 modulo 2^width, as full-adder equations, column by column until two rows are left, then
 * one carry chain. With `every`, registers (ports clk and en of the module around) follow and `depth` says how many.
 */
export function heap(bits: readonly HeapBit[], constant: bigint, options: HeapOptions): Heap {
  const { prefix, width, every } = options;
  const lines: string[] = [];
  const columns: Wire[][] = Array.from({ length: width }, () => []);
  let next = 0;

  const fresh = (expression: string, stage: number, level: number): Wire => {
    const name = `${prefix}${next}`;
    next += 1;
    if (every !== undefined && level >= every) {
      lines.push(`reg ${name};`, `always @(posedge clk) if (en) ${name} <= ${expression};`);
      return { name, stage: stage + 1, level: 0 };
    }
    lines.push(`wire ${name} = ${expression};`);
    return { name, stage, level };
  };
  const delayed = new Map<string, Wire>();
  /** The wire as it is at a later stage. */
  const at = (wire: Wire, stage: number): Wire => {
    let now = wire;
    if (wire === one) return one;
    while (now.stage < stage) {
      const known = delayed.get(now.name);
      if (known) {
        now = known;
        continue;
      }
      const name = `${prefix}${next}`;
      next += 1;
      lines.push(`reg ${name};`, `always @(posedge clk) if (en) ${name} <= ${now.name};`);
      const later = { name, stage: now.stage + 1, level: 0 };
      delayed.set(now.name, later);
      now = later;
    }
    return now;
  };
  const push = (wire: Wire, column: number): void => {
    if (column < width) columns[column]!.push(wire);
  };
  const earliest = (list: Wire[], count: number): Wire[] => {
    list.sort((a, b) => a.stage - b.stage || a.level - b.level);
    return list.splice(0, count);
  };
  /** Sum and carry of three bits, as wires. */
  const fullAdder = (three: readonly Wire[], levels = 1): [Wire, Wire] => {
    const stage = Math.max(...three.map((w) => w.stage));
    const [a, b, c] = three.map((w) => at(w, stage));
    const level = Math.max(a!.level, b!.level, c!.level) + levels;
    const [x, y, z] = [a!.name, b!.name, c!.name];
    return [
      fresh(`${x} ^ ${y} ^ ${z}`, stage, level),
      fresh(`(${x} & ${y}) | (${x} & ${z}) | (${y} & ${z})`, stage, level),
    ];
  };

  for (const { bit, column } of bits) {
    if (column < width) push(fresh(bit, 0, 0), column);
  }
  const ones: number[] = [];
  for (let column = 0; column < width; column += 1) {
    if (((constant >> BigInt(column)) & 1n) === 1n) ones.push(column);
  }

  if (options.counter === '3:2+6:3') {
    const raw = columns.map((list) => list.splice(0));
    raw.forEach((list, column) => {
      while (list.length >= 3) {
        const [s, c] = fullAdder(list.splice(0, 3));
        push(s, column);
        push(c, column + 1);
      }
      for (const wire of list) push(wire, column);
    });
  }
  for (let column = 0; column < width; column += 1) {
    const list = columns[column]!;
    while (options.counter !== '3:2' && list.length >= 6) {
      const six = earliest(list, 6);
      const [s1, c1] = fullAdder(six.slice(0, 3), 0);
      const [s2, c2] = fullAdder(six.slice(3), 0);
      const stage = Math.max(s1.stage, s2.stage);
      const [p, q] = [at(s1, stage), at(s2, stage)];
      const level = Math.max(p.level, q.level);
      push(fresh(`${p.name} ^ ${q.name}`, stage, level + 1), column);
      const c3 = fresh(`${p.name} & ${q.name}`, stage, level);
      const [two, four] = fullAdder([c1, c2, c3]);
      push(two, column + 1);
      push(four, column + 2);
    }
    while (list.length >= 3) {
      const [s, c] = fullAdder(earliest(list, 3));
      push(s, column);
      push(c, column + 1);
    }
  }

  // The constant's bits take free places of the two rows; where there are none, a full adder makes one.
  for (const column of ones) {
    let carry = one;
    for (let place = column; place < width; place += 1) {
      const list = columns[place]!;
      if (list.length < 2) {
        list.push(carry);
        break;
      }
      const [s, c] = fullAdder([...list.splice(0), carry]);
      list.push(s);
      carry = c;
    }
  }

  const depth = Math.max(0, ...columns.flat().map((w) => w.stage));
  let low = 0;
  while (low < width && columns[low]!.length <= 1) low += 1;
  const row = (index: number, from: number, to: number): string => {
    const cells = columns.slice(from, to).map((list) => (list[index] ? at(list[index]!, depth).name : "1'b0"));
    return `{${cells.reverse().join(', ')}}`;
  };
  const used = columns.reduce((most, list, i) => (list.length > 0 ? i + 1 : most), 0);
  if (used === 0) return { lines, sum: `${width}'d0`, depth };
  const parts: string[] = [];
  if (low < width) {
    lines.push(`wire [${width - low - 1}:0] ${prefix}sum = ${row(0, low, width)} + ${row(1, low, width)};`);
    parts.push(`${prefix}sum`);
  }
  if (low > 0) parts.push(row(0, 0, low));
  return { lines, sum: parts.length === 1 ? parts[0]! : `{${parts.join(', ')}}`, depth };
}

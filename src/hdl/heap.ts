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
  const parity = (three: readonly Wire[], stage: number, level: number): Wire =>
    fresh(three.map((wire) => wire.name).join(' ^ '), stage, level);
  const majority = ([a, b, c]: readonly Wire[], stage: number, level: number): Wire =>
    fresh(`(${a!.name} & ${b!.name}) | (${a!.name} & ${c!.name}) | (${b!.name} & ${c!.name})`, stage, level);
  /** The wires at the stage of the latest of them, and the level that is reached after `levels` more. */
  const together = (wires: readonly Wire[], levels: number): [Wire[], number, number] => {
    const stage = Math.max(...wires.map((wire) => wire.stage));
    const aligned = wires.map((wire) => at(wire, stage));
    return [aligned, stage, Math.max(...aligned.map((wire) => wire.level)) + levels];
  };
  /** Three bits of a column become one there and one in the next, if that counts. */
  const fullAdder = (three: readonly Wire[], column: number): void => {
    const [aligned, stage, level] = together(three, 1);
    push(parity(aligned, stage, level), column);
    if (column + 1 < width) push(majority(aligned, stage, level), column + 1);
  };
  /** Six bits of a column become one there, in the next and in the next but one: a table of six inputs each. */
  const sixToThree = (six: readonly Wire[], column: number): void => {
    const [aligned, stage, level] = together(six, 1);
    const halves = [aligned.slice(0, 3), aligned.slice(3)];
    const [p, q] = halves.map((half) => parity(half, stage, level - 1)) as [Wire, Wire];
    push(fresh(`${p.name} ^ ${q.name}`, stage, level), column);
    if (column + 1 >= width) return;
    const carries = halves.map((half) => majority(half, stage, level - 1));
    carries.push(fresh(`${p.name} & ${q.name}`, stage, level - 1));
    push(parity(carries, stage, level), column + 1);
    if (column + 2 < width) push(majority(carries, stage, level), column + 2);
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
      while (list.length >= 3) fullAdder(list.splice(0, 3), column);
      for (const wire of list) push(wire, column);
    });
  }
  for (let column = 0; column < width; column += 1) {
    const list = columns[column]!;
    while (options.counter !== '3:2' && list.length >= 6) sixToThree(earliest(list, 6), column);
    while (list.length >= 3) fullAdder(earliest(list, 3), column);
  }

  // The constant's bits take free places of the two rows; where there are none, full adders make one.
  for (const place of ones) {
    columns[place]!.push(one);
    for (let column = place; column < width && columns[column]!.length > 2; column += 1) {
      fullAdder(columns[column]!.splice(0), column);
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

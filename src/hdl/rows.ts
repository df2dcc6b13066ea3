/** One summand: `bits` is an expression of `width` bits ≥ 0 that count from `column` on; `carry` is a plain signal, one more unit of that column. */
export interface Row {
  readonly bits: string;
  readonly width: number;
  readonly column: number;
  readonly carry?: string;
}

export interface RowOptions {
  /** Names of the wires begin with this. */
  readonly prefix: string;
  /** Bits of the sum; it is taken modulo 2^width. */
  readonly width: number;
  /** Rows that are added one behind the other before sums are joined in a tree. */
  readonly group: number;
  /** Registers (ports clk and en of the module around) between the groups and the tree: one cycle more. */
  readonly cut: boolean;
}

/** A partial sum: a wire's name with the bits that it lies in, and the greatest value that it can have. */
interface Partial {
  readonly text: string;
  readonly bits: number;
  readonly most: number;
}

/**
 * The sum of rows and a constant, modulo 2^width, for LUTs of six inputs with a carry chain behind them: a row of any functions of five
 * signals is added to a plain sum with one LUT a bit, where compressors take one for the function and one to add it. Declarations
 * with assignments, and the expression of the sum.
 *
 * Every sum is written a − ~b − 1, one bit lower than its operands: so Yosys takes a, not b, for the carry chain's direct input, which would
 * otherwise need a LUT of its own, has room for a carry in, and does not join sums to larger ones.
 */
export function rowSum(rows: readonly Row[], constant: bigint, o: RowOptions): { lines: string[]; sum: string } {
  const { prefix, width, group, cut } = o;
  const lines: string[] = [];
  const unused: string[] = [];
  let next = 0;
  const name = (): string => `${prefix}${next++}`;
  const bitsOf = (most: number): number => Math.min(width, Math.max(1, Math.floor(Math.log2(most)) + 1));
  const slice = ({ text, bits }: Partial, from: number): string =>
    from === 0 ? text : bits - from === 1 ? `${text}[${from}]` : `${text}[${bits - 1}:${from}]`;
  const widened = (text: string, from: number, to: number): string => (to > from ? `{${to - from}'d0, ${text}}` : text);

  /** a + b · 2^column + carry · 2^column; b is an expression of bBits bits. */
  const add = (
    a: Partial,
    b: string,
    bBits: number,
    column: number,
    carry: string | undefined,
    most: number,
  ): Partial => {
    const bits = Math.max(bitsOf(most), Math.min(width, column + 1));
    const high = bits - column;
    const plain = a.bits > column ? widened(slice(a, column), a.bits - column, high) : `${high}'d0`;
    // The operands are cut to the bits that count.
    let summand = widened(b, bBits, high);
    if (bBits > high) {
      const whole = name();
      lines.push(`wire [${bBits - 1}:0] ${whole} = ${b};`);
      unused.push(`${whole}[${bBits - 1}:${high}]`);
      summand = `${whole}[${high - 1}:0]`;
    }
    const sum = name();
    const low = carry === undefined ? "1'b1" : `~${carry}`;
    lines.push(`wire [${high}:0] ${sum} = {${plain}, 1'b0} - {~${summand}, ${low}};`);
    unused.push(`${sum}[0]`);
    const upper = `${sum}[${high}:1]`;
    const whole = name();
    const part = a.bits > column ? `${a.text}[${column - 1}:0]` : a.text;
    const kept = a.bits === 0 ? `${column}'d0` : widened(part, Math.min(a.bits, column), column);
    const below = column === 0 ? '' : `, ${kept}`;
    lines.push(`wire [${bits - 1}:0] ${whole} = ${below ? `{${upper}${below}}` : upper};`);
    return { text: whole, bits, most };
  };

  let level: Partial[] = [];
  for (let from = 0; from < rows.length; from += group) {
    const begin = from === 0 ? constant : 0n;
    let sum: Partial | undefined;
    if (begin > 0n) {
      const text = name();
      lines.push(`wire [${width - 1}:0] ${text} = ${width}'d${begin};`);
      sum = { text, bits: width, most: Number(begin) };
    }
    for (const { bits, width: n, column, carry } of rows.slice(from, from + group)) {
      if (column >= width) continue;
      const most = (sum?.most ?? 0) + 2 ** column * (2 ** n - 1 + (carry === undefined ? 0 : 1));
      if (sum === undefined && column === 0 && carry === undefined && n <= width) {
        const text = name();
        lines.push(`wire [${n - 1}:0] ${text} = ${bits};`);
        sum = { text, bits: n, most };
      } else sum = add(sum ?? { text: "1'b0", bits: 0, most: 0 }, bits, n, column, carry, most);
    }
    if (sum === undefined) continue;
    if (cut) {
      const text = name();
      lines.push(`reg [${sum.bits - 1}:0] ${text};`, `always @(posedge clk) if (en) ${text} <= ${sum.text};`);
      sum = { ...sum, text };
    }
    level.push(sum);
  }
  while (level.length > 1) {
    const joined: Partial[] = [];
    for (let i = 0; i + 1 < level.length; i += 2) {
      const [a, b] = [level[i]!, level[i + 1]!];
      joined.push(add(a, b.text, b.bits, 0, undefined, a.most + b.most));
    }
    if (level.length % 2 === 1) joined.push(level.at(-1)!);
    level = joined;
  }
  const [last] = level;
  if (unused.length > 0) lines.push(`wire ${prefix}unused = &{1'b0, ${unused.join(', ')}};`);
  return { lines, sum: last ? widened(last.text, last.bits, width) : `${width}'d${constant}` };
}

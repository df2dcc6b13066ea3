/** A Verilog vector: its bits as a number, and how many they are. */
export interface Vector {
  readonly value: bigint;
  readonly bits: number;
}

const token = /\s*(\d+'[bdh][0-9a-f]+|\w+|[{}()[\]:,~^&|+])/y;

/**
 * The value of a Verilog expression of names, slices, concatenations, replications, literals and ~ & ^ | +. A sum carries as far as
 * `bits` says, the width of what it is assigned to. Throws for anything else, unknown names and slices beyond a vector included.
 */
export function evaluate(text: string, names: ReadonlyMap<string, Vector>, bits = 0): Vector {
  const tokens: string[] = [];
  token.lastIndex = 0;
  while (token.lastIndex < text.trimEnd().length) {
    const match = token.exec(text);
    if (!match) throw new Error(`not understood: ${text}`);
    tokens.push(match[1]!);
  }
  let at = 0;
  const want = (what: string): void => {
    if (tokens[at] !== what) throw new Error(`${what} is wanted at ${at}, not ${tokens[at]}: ${text}`);
    at += 1;
  };
  const integer = (): number => Number(tokens[at++]);

  const atom = (): Vector => {
    const first = tokens[at++]!;
    if (first === '~') {
      const { value, bits: width } = atom();
      return { value: BigInt.asUintN(width, ~value), bits: width };
    }
    if (first === '(') {
      const inner = binary(0);
      want(')');
      return inner;
    }
    if (first === '{') {
      const braces = tokens[at + 1] === '{' ? integer() : undefined;
      if (braces !== undefined) at += 1;
      let all = binary(0);
      while (tokens[at] === ',') {
        at += 1;
        const low = binary(0);
        all = { value: (all.value << BigInt(low.bits)) | low.value, bits: all.bits + low.bits };
      }
      want('}');
      if (braces === undefined) return all;
      want('}');
      let value = 0n;
      for (let i = 0; i < braces; i += 1) value = (value << BigInt(all.bits)) | all.value;
      return { value, bits: braces * all.bits };
    }
    const literal = /^(\d+)'([bdh])(\w+)$/.exec(first);
    if (literal) {
      const prefix = { b: '0b', d: '', h: '0x' }[literal[2] as 'b' | 'd' | 'h'];
      return { value: BigInt(prefix + literal[3]!), bits: Number(literal[1]) };
    }
    const whole = names.get(first);
    if (!whole) throw new Error(`${first} is read before it is set: ${text}`);
    if (tokens[at] !== '[') return whole;
    at += 1;
    const high = integer();
    const isRange = tokens[at] === ':';
    if (isRange) at += 1;
    const low = isRange ? integer() : high;
    want(']');
    if (!(low >= 0 && low <= high && high < whole.bits)) throw new Error(`${first} has ${whole.bits} bits: ${text}`);
    return { value: BigInt.asUintN(high - low + 1, whole.value >> BigInt(low)), bits: high - low + 1 };
  };
  const levels = ['|', '^', '&', '+'] as const;
  const binary = (level: number): Vector => {
    if (level === levels.length) return atom();
    let left = binary(level + 1);
    while (tokens[at] === levels[level]) {
      at += 1;
      const right = binary(level + 1);
      if (level < 3 && left.bits !== right.bits) throw new Error(`${left.bits} and ${right.bits} bits: ${text}`);
      const width = Math.max(left.bits, right.bits, level === 3 ? bits : 0);
      const [a, b] = [left.value, right.value];
      const value = level === 0 ? a | b : level === 1 ? a ^ b : level === 2 ? a & b : BigInt.asUintN(width, a + b);
      left = { value, bits: width };
    }
    return left;
  };
  const result = binary(0);
  if (at < tokens.length) throw new Error(`${tokens[at]} is left over: ${text}`);
  return result;
}

/**
 * One cycle: sets the names that declarations `wire [n:0] name = expression;` declare, and those of registers (`reg [n:0] name;`) to what
 * `registers` has for them, 0 in the first cycle. Returns what registers have in the next. Throws where widths are not equal.
 */
export function cycle(
  lines: readonly string[],
  names: Map<string, Vector>,
  registers: ReadonlyMap<string, Vector> = new Map(),
): ReadonlyMap<string, Vector> {
  const next = new Map<string, Vector>();
  const set = (into: Map<string, Vector>, name: string, bits: number, text: string, line: string): void => {
    const vector = evaluate(text, names, bits);
    if (vector.bits !== bits) throw new Error(`${vector.bits} bits: ${line}`);
    if (into.has(name)) throw new Error(`twice: ${line}`);
    into.set(name, vector);
  };
  for (const line of lines) {
    const assignment = /^always @\(posedge clk\) if \(en\) (\w+) <= (.*);$/.exec(line);
    if (assignment) {
      const [, name, text] = assignment as unknown as [string, string, string];
      set(next, name, names.get(name)!.bits, text, line);
      continue;
    }
    const declaration = /^(wire|reg) (?:\[(\d+):0\] )?(\w+)(?: = (.*))?;$/.exec(line);
    if (!declaration) throw new Error(`not understood: ${line}`);
    const [, kind, top, name, text] = declaration as unknown as [string, string, string?, string?, string?];
    const bits = Number(top ?? 0) + 1;
    if (kind === 'reg') names.set(name!, registers.get(name!) ?? { value: 0n, bits });
    else set(names, name!, bits, text!, line);
  }
  return next;
}

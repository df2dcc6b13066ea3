import { log2Ceil } from '../util/maths.ts';
import { writer } from '../util/writer.ts';
import { encode, placementOf, sharedCounts, type ThresholdOptions, thresholdPlan } from './threshold-plan.ts';
import { inBlock, literal, romText } from './threshold-rom.ts';
import { countOf } from './threshold-table.ts';

/** A circuit that turns accumulators into outputs. */
export interface ThresholdUnit {
  /** Verilog of one module. */
  readonly source: string;
  /** Memory images by file name. */
  readonly memories: Readonly<Record<string, string>>;
  /** Enabled cycles from acc and fold to out. */
  readonly depth: number;
}

/**
 * A module `name` with ports clk, en, fold [max(1, ⌈log2 folds⌉)], start (1 with every accumulator; only of a serial unit), acc [pe × accBits] and out [pe × output bits]: `depth` enabled cycles
 * after acc and fold, lane p of out is scale · count + bias of lane p of acc, by the thresholds of channel fold · pe + p.
 */
export function thresholdUnit(name: string, o: ThresholdOptions): ThresholdUnit {
  const p = thresholdPlan(o);
  const { pe, accBits, table } = o;
  const memories: Record<string, string> = {};
  const foldBits = log2Ceil(p.folds);
  const w = writer();

  // A comparison is acc > step − 1, so that "never" is the type's greatest value and needs no further bit. On ice40, `>` costs an inverter
  // per bit in front of the carry chain; there the complement is stored, and the carry of the sum is the answer.
  const adds = o.device.family === 'ice40' && p.form !== 'constant';
  const most = p.signed ? 2 ** (p.width - 1) - 1 : 2 ** p.width - 1;
  const mask = (1n << BigInt(p.width)) - 1n;
  const bound = (channel: number, i: number): bigint => {
    const step = table.steps[channel]![i];
    const least = BigInt(step === undefined ? most : step - 1);
    return (adds ? BigInt(most) - least : least) & mask;
  };
  const greater = (a: string, b: string): string => (p.signed ? `($signed(${a}) > $signed(${b}))` : `(${a} > ${b})`);
  /** Sets `hit` (a declared bit) to the comparison of an accumulator with a word of `bound`. */
  const compare = (hit: string, a: string, b: string, tag: string): void => {
    if (!adds) {
      w.line(`assign ${hit} = ${greater(a, b)};`);
    } else {
      w.line(`wire [${p.width - 1}:0] unused_${tag};`);
      w.line(`assign {${hit}, unused_${tag}} = {1'b0, ${a}} + {1'b0, ${b}};`);
    }
  };
  const lane = (text: string, i: number): string => `${text}[${i * p.width} +: ${p.width}]`;
  const rom = (rom: string, width: number, words: readonly bigint[], address: string, target: string): void => {
    if (words.length === 1) {
      w.line(`always @(posedge clk) if (en) ${target} <= ${literal(words[0]!, width)};`);
      return;
    }
    const block = inBlock(o.device.family, { depth: words.length, width }, placementOf(o, p));
    w.lines(romText(rom, `${name}_${rom}.hex`, width, words, block, memories));
    w.line(`always @(posedge clk) if (en) ${target} <= ${rom}[${address}];`);
  };
  const all = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));
  const packed = (parts: readonly bigint[], width: number): bigint =>
    parts.reduceRight((word, part) => (word << BigInt(width)) | part, 0n);
  const join = (...parts: (string | false)[]): string => {
    const there = parts.filter((part) => part !== false);
    return there.length === 1 ? there[0]! : `{${there.join(', ')}}`;
  };

  /** The output register of every lane, from the interval's number `index(lane)` and the fold at that time. */
  const finish = (index: (lane: number) => string | false, fold: string | false): void => {
    const bits = o.output.bits;
    for (let i = 0; i < pe; i += 1) {
      const number = index(i);
      w.line(`reg [${bits - 1}:0] value_${i};`);
      w.line(`assign out[${i * bits} +: ${bits}] = value_${i};`);
      if (p.encoding === 'direct') {
        const pad = bits - p.bits;
        w.line(`always @(posedge clk) if (en) value_${i} <= ${join(pad > 0 && `${pad}'d0`, number)};`);
        continue;
      }
      if (p.encoding === 'logic') {
        const counts = sharedCounts(table) ?? table.counts[i]!;
        if (p.bits === 0) {
          w.line(`always @(posedge clk) if (en) value_${i} <= ${literal(encode(o, counts[0]!), bits)};`);
          continue;
        }
        w.block('always @(posedge clk)', '', () => {
          w.block('if (en)', '', () => {
            w.block(`case (${number})`, 'endcase', () => {
              counts.slice(0, -1).forEach((count, k) => {
                w.line(`${p.bits}'d${k}: value_${i} <= ${literal(encode(o, count), bits)};`);
              });
              w.line(`default: value_${i} <= ${literal(encode(o, counts.at(-1)!), bits)};`);
            });
          });
        });
        continue;
      }
      const words = all(p.folds, (f) => {
        const counts = table.counts[f * pe + i]!;
        return all(2 ** p.bits, (k) => encode(o, counts[Math.min(k, counts.length - 1)]!));
      });
      rom(`values_${i}`, bits, words.flat(), join(fold, number), `value_${i}`);
    }
  };

  /** Binary number of the lane's interval from the comparisons hit_<lane>[levels]. */
  const number = (i: number): void => {
    const levels = 2 ** p.bits - 1;
    for (let k = 0; k < p.bits; k += 1) {
      const size = 2 ** k;
      const terms: string[] = [];
      for (let from = size - 1; from < levels; from += 2 * size) {
        const to = from + size;
        terms.push(to < levels ? `hit_${i}[${from}] & ~hit_${i}[${to}]` : `hit_${i}[${from}]`);
      }
      w.line(`assign index_${i}[${k}] = ${terms.join(' | ')};`);
    }
  };

  const constant = (): void => {
    const levels = 2 ** p.bits - 1;
    for (let i = 0; i < pe && levels > 0; i += 1) {
      const least = p.signed ? -(2 ** (accBits - 1)) : 0;
      w.line(`wire [${accBits - 1}:0] acc_${i} = ${lane('acc', i)};`);
      w.line(`wire [${levels - 1}:0] hit_${i};`).line(`wire [${p.bits - 1}:0] index_${i};`);
      if (!table.steps[i]!.some((step) => step > least)) w.line(`wire unused_${i} = &{1'b0, acc_${i}};`);
      for (let k = 0; k < levels; k += 1) {
        const step = table.steps[i]![k];
        const hit =
          step === undefined
            ? "1'b0"
            : step <= least
              ? "1'b1"
              : greater(`acc_${i}`, literal(BigInt(step - 1), accBits));
        w.line(`assign hit_${i}[${k}] = ${hit};`);
      }
      number(i);
    }
    finish((i) => p.bits > 0 && `index_${i}`, foldBits > 0 && 'fold');
  };

  /** acc_<stage>, sign-extended to the comparison's width, and fold_<stage> if something reads it. */
  const delay = (stage: number): void => {
    const last = p.form === 'search' ? p.bits : 1;
    w.line(`reg [${pe * p.width - 1}:0] acc_${stage};`);
    w.line(`always @(posedge clk) if (en) acc_${stage} <= acc_${stage - 1};`);
    if (foldBits === 0 || (stage === last && p.encoding !== 'rom')) return;
    w.line(`reg [${foldBits - 1}:0] fold_${stage};`);
    w.line(`always @(posedge clk) if (en) fold_${stage} <= fold_${stage - 1};`);
  };
  const begin = (): void => {
    w.line(`wire [${pe * p.width - 1}:0] acc_0;`);
    for (let i = 0; i < pe; i += 1) {
      // With its sign inverted, a two's complement number is ordered like an unsigned one.
      const sign = o.accSigned ? `acc[${(i + 1) * accBits - 1}]` : "1'b0";
      const flip = adds && p.signed ? '~' : '';
      const extended = p.width > accBits;
      const rest = extended ? accBits : accBits - 1;
      const low = rest > 0 && `acc[${i * accBits} +: ${rest}]`;
      const top = extended ? sign : `acc[${(i + 1) * accBits - 1}]`;
      w.line(`assign ${lane('acc_0', i)} = ${join(`${flip}${top}`, low)};`);
    }
    if (foldBits > 0) w.line(`wire [${foldBits - 1}:0] fold_0 = fold;`);
  };

  const parallel = (): void => {
    const levels = 2 ** p.bits - 1;
    begin();
    delay(1);
    w.line(`reg [${pe * levels * p.width - 1}:0] steps_q;`);
    const words = all(p.folds, (f) =>
      packed(
        all(pe * levels, (k) => bound(f * pe + Math.floor(k / levels), k % levels)),
        p.width,
      ),
    );
    rom('steps', pe * levels * p.width, words, 'fold_0', 'steps_q');
    for (let i = 0; i < pe; i += 1) {
      w.line(`wire [${levels - 1}:0] hit_${i};`).line(`wire [${p.bits - 1}:0] index_${i};`);
      for (let k = 0; k < levels; k += 1) {
        compare(`hit_${i}[${k}]`, lane('acc_1', i), lane('steps_q', i * levels + k), `${i}_${k}`);
      }
      number(i);
    }
    finish((i) => `index_${i}`, foldBits > 0 && 'fold_1');
  };

  const search = (): void => {
    begin();
    for (let stage = 0; stage < p.bits; stage += 1) {
      // Lane i knows the upper `stage` bits of its number; the next is the comparison with the middle of what is left.
      const half = 2 ** (p.bits - stage - 1);
      delay(stage + 1);
      w.line(`reg [${pe * p.width - 1}:0] step_${stage};`);
      if (stage === 0) {
        const words = all(p.folds, (f) =>
          packed(
            all(pe, (i) => bound(f * pe + i, half - 1)),
            p.width,
          ),
        );
        rom('steps_0', pe * p.width, words, 'fold_0', 'step_0');
      }
      for (let i = 0; i < pe; i += 1) {
        if (stage > 0) {
          const known = `number_${stage - 1}_${i}`;
          const words = all(p.folds, (f) => all(2 ** stage, (k) => bound(f * pe + i, (2 * k + 1) * half - 1)));
          const address = join(foldBits > 0 && `fold_${stage}`, known);
          rom(`steps_${stage}_${i}`, p.width, words.flat(), address, lane(`step_${stage}`, i));
          w.line(`reg [${stage - 1}:0] prefix_${stage}_${i};`);
          w.line(`always @(posedge clk) if (en) prefix_${stage}_${i} <= ${known};`);
        }
        w.line(`wire hit_${stage}_${i};`);
        compare(`hit_${stage}_${i}`, lane(`acc_${stage + 1}`, i), lane(`step_${stage}`, i), `${stage}_${i}`);
        const bits = join(stage > 0 && `prefix_${stage}_${i}`, `hit_${stage}_${i}`);
        w.line(`wire [${stage}:0] number_${stage}_${i} = ${bits};`);
      }
    }
    finish((i) => `number_${p.bits - 1}_${i}`, foldBits > 0 && `fold_${p.bits}`);
  };

  const serial = (): void => {
    begin();
    const first = 2 ** (p.bits - 1);
    w.line(`reg [${pe * p.width - 1}:0] acc_1;`).line(`wire [${pe * p.width - 1}:0] step;`);
    w.line('always @(posedge clk) if (en & start) acc_1 <= acc_0;');
    w.line(`reg [${foldBits - 1}:0] fold_1;`).line('always @(posedge clk) if (en & start) fold_1 <= fold_0;');
    w.line(`wire [${foldBits - 1}:0] fold_now = start ? fold_0 : fold_1;`);
    for (let i = 0; i < pe; i += 1) {
      // A 1 and then the bits that are known: the number of a node in the tree of comparisons.
      w.line(`reg [${p.bits - 2}:0] node_${i};`)
        .line(`wire hit_${i};`)
        .line(`reg [${p.width - 1}:0] step_${i};`);
      w.line(`assign ${lane('step', i)} = step_${i};`);
      compare(`hit_${i}`, lane('acc_1', i), lane('step', i), `${i}`);
      w.line(`wire [${p.bits - 1}:0] number_${i} = {node_${i}, hit_${i}};`);
      w.line(`wire [${p.bits - 1}:0] next_${i} = start ? ${p.bits}'d1 : number_${i};`);
      w.line(`always @(posedge clk) if (en) node_${i} <= next_${i}[${p.bits - 2}:0];`);
      const words = all(p.folds, (f) =>
        all(2 ** p.bits, (node) => {
          if (node === 0) return 0n;
          const level = Math.floor(Math.log2(node));
          const half = first / 2 ** level;
          return bound(f * pe + i, (2 * (node - 2 ** level) + 1) * half - 1);
        }),
      );
      rom(`steps_${i}`, p.width, words.flat(), `{fold_now, next_${i}}`, `step_${i}`);
    }
    finish((i) => `number_${i}`, 'fold_1');
  };

  const byTable = (): void => {
    for (let i = 0; i < pe; i += 1) {
      w.line(`reg [${o.output.bits - 1}:0] value_${i};`);
      w.line(`assign out[${i * o.output.bits} +: ${o.output.bits}] = value_${i};`);
      const words = all(2 ** accBits, (code) => {
        const sum = p.signed && code >= 2 ** (accBits - 1) ? code - 2 ** accBits : code;
        return encode(o, countOf(table, i, sum));
      });
      rom(`values_${i}`, o.output.bits, words, `acc[${i * accBits} +: ${accBits}]`, `value_${i}`);
    }
  };

  w.line(`module ${name} (`).indent(() => {
    w.line('input wire clk,')
      .line('input wire en,')
      .line(`input wire [${Math.max(1, foldBits) - 1}:0] fold,`);
    if (p.form === 'serial') w.line('input wire start,');
    w.line(`input wire [${pe * accBits - 1}:0] acc,`).line(`output wire [${pe * o.output.bits - 1}:0] out`);
  });
  w.line(');').indent(() => {
    const used = p.bits > 0 ? (foldBits > 0 ? [] : ['fold']) : p.encoding === 'rom' ? ['acc'] : ['acc', 'fold'];
    if (used.length > 0) w.line(`wire unused = &{1'b0, ${used.join(', ')}};`);
    if (p.form === 'constant' || p.bits === 0) constant();
    else if (p.form === 'parallel') parallel();
    else if (p.form === 'serial') serial();
    else if (p.form === 'table') byTable();
    else search();
  });
  w.line('endmodule');
  return { source: w.toString(), memories, depth: p.depth };
}

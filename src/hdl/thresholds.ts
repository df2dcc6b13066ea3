import { bug } from '../diagnostics/diagnostic.ts';
import { admits, BIPOLAR, type DataType } from '../ir/datatype.ts';
import { log2Ceil } from '../util/maths.ts';
import { writer } from '../util/writer.ts';
import type { Device } from './device.ts';
import { inBlock, literal, type Placement, type RomShape, romBlocks, romLuts, romText } from './threshold-rom.ts';
import type { ThresholdTable } from './threshold-table.ts';

export interface ThresholdOptions {
  readonly table: ThresholdTable;
  /** Channels in one cycle; divides the channels. */
  readonly pe: number;
  readonly accBits: number;
  readonly accSigned: boolean;
  /** Type of scale · count + bias; its bits are the output's. */
  readonly output: DataType;
  readonly scale: number;
  readonly bias: number;
  readonly device: Device;
  /** Where tables lie that are not constants in logic. */
  readonly memory?: Placement;
}

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
 * constant: every threshold is a constant in logic (one fold). parallel: all thresholds of a channel are read and
 * compared at once. search: binary search, one pipeline stage and one memory for each bit. (Choice: circuits.md rules 7, 8.)
 */
type Form = 'constant' | 'parallel' | 'search';

/** How the interval's number becomes the output: as it is, by a function in logic, or by a memory per PE. */
type Encoding = 'direct' | 'logic' | 'rom';

interface Plan {
  readonly form: Form;
  readonly encoding: Encoding;
  readonly folds: number;
  readonly bits: number;
  /** Bits and sign of a comparison: one bit more than the accumulator if a step lies at its type's least value. */
  readonly width: number;
  readonly signed: boolean;
  readonly depth: number;
  /** Memories with the number of each: of the thresholds, by stage, and of the values. */
  readonly roms: readonly (RomShape & { readonly copies: number })[];
}

function plan(o: ThresholdOptions): Plan {
  const { table, pe, accBits, accSigned } = o;
  if (table.channels % pe !== 0) bug(`${pe} PEs for ${table.channels} channels`);
  const folds = table.channels / pe;
  const bits = table.bits;
  const form: Form = folds === 1 && bits <= 4 ? 'constant' : bits <= 2 ? 'parallel' : 'search';
  const least = accSigned ? -(2 ** (accBits - 1)) : 0;
  const extended = form !== 'constant' && table.steps.some((list) => list.length > 0 && list[0]! <= least);
  const width = extended ? accBits + 1 : accBits;
  const encoding = encodingOf(o, folds, bits);

  const roms: (RomShape & { copies: number })[] = [];
  if (form === 'parallel' && bits > 0) roms.push({ depth: folds, width: pe * (2 ** bits - 1) * width, copies: 1 });
  if (form === 'search') {
    for (let stage = 0; stage < bits; stage += 1) {
      roms.push(
        stage === 0 ? { depth: folds, width: pe * width, copies: 1 } : { depth: folds * 2 ** stage, width, copies: pe },
      );
    }
  }
  if (encoding === 'rom') roms.push({ depth: folds * 2 ** bits, width: o.output.bits, copies: pe });
  const depth = form === 'constant' || bits === 0 ? 1 : form === 'parallel' ? 2 : bits + 1;
  return { form, encoding, folds, bits, width, signed: accSigned || extended, depth, roms };
}

function encodingOf(o: ThresholdOptions, folds: number, bits: number): Encoding {
  const { table } = o;
  if (table.base !== undefined && bits > 0) {
    const code = (i: number): number => {
      const value = o.scale * (table.base! + i) + o.bias;
      return o.output === BIPOLAR ? (value + 1) / 2 : value;
    };
    if (code(0) === 0 && code(1) === 1) return 'direct';
  }
  const shared = sharedCounts(table) !== undefined;
  return bits <= 6 && (folds === 1 || shared) ? 'logic' : 'rom';
}

/** Count by interval, if it is the same in all channels that have the interval. */
function sharedCounts(table: ThresholdTable): readonly number[] | undefined {
  const longest = table.counts.reduce((a, b) => (b.length > a.length ? b : a));
  return table.counts.every((list) => list.every((count, i) => count === longest[i])) ? longest : undefined;
}

/** Bits of an output value. */
function encode(o: ThresholdOptions, count: number): bigint {
  const value = o.scale * count + o.bias;
  if (!admits(o.output, value)) bug(`threshold output ${value} is not ${o.output.name}`);
  return BigInt(o.output === BIPOLAR ? (value + 1) / 2 : value);
}

/** Enabled cycles through the unit, on every family: 1 for constants in logic, 2 for parallel comparators, one more than bits for a search. */
export const thresholdDepth = (options: ThresholdOptions): number => plan(options).depth;

/** LUTs, registers and block memories of the unit (rules 7, 8 and 10 of circuits.md; E4 is met within a factor of 1.5). */
export function thresholdCost(o: ThresholdOptions): { lut: number; ff: number; bram: number } {
  const p = plan(o);
  const { family } = o.device;
  const lut4 = family === 'ice40' || family === 'ecp5';
  const levels = 2 ** p.bits - 1;
  let lut = 0;
  let ff = o.pe * o.output.bits;
  let bram = 0;
  // A bit of a carry chain; two bits in the LUTs of the larger families.
  const compare = p.width * (lut4 ? 1 : 0.6);
  if (p.form === 'constant') {
    const steps = o.table.steps.reduce((n, list) => n + list.length, 0);
    lut += steps * (p.width * (lut4 ? 0.55 : 0.28)) + o.pe * levels * 0.3;
  } else if (p.form === 'parallel') {
    lut += o.pe * (levels * compare + (p.bits > 1 ? p.bits : 0));
    ff += o.pe * p.width;
  } else {
    lut += o.pe * p.bits * compare;
    ff += p.bits * (o.pe * p.width + log2Ceil(p.folds)) + (o.pe * p.bits * (p.bits - 1)) / 2;
  }
  if (p.encoding === 'logic') lut += o.pe * o.output.bits * Math.max(1, 2 ** p.bits / (lut4 ? 16 : 64));
  for (const rom of p.roms) {
    if (inBlock(family, rom, o.memory ?? 'auto')) {
      bram += rom.copies * romBlocks(family, rom);
    } else {
      lut += rom.copies * romLuts(family, rom);
      if (rom.depth > 1) ff += rom.copies * rom.width;
    }
  }
  return { lut: Math.ceil(lut), ff: Math.ceil(ff), bram };
}

/**
 * A module `name` with ports clk, en, fold [max(1, ⌈log2 folds⌉)], acc [pe × accBits] and out [pe × output bits]: `depth` enabled cycles
 * after acc and fold, lane p of out is scale · count + bias of lane p of acc, by the thresholds of channel fold · pe + p.
 */
export function thresholdUnit(name: string, o: ThresholdOptions): ThresholdUnit {
  const p = plan(o);
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
    const block = inBlock(o.device.family, { depth: words.length, width }, o.memory ?? 'auto');
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

  w.line(`module ${name} (`).indent(() => {
    w.line('input wire clk,')
      .line('input wire en,')
      .line(`input wire [${Math.max(1, foldBits) - 1}:0] fold,`);
    w.line(`input wire [${pe * accBits - 1}:0] acc,`).line(`output wire [${pe * o.output.bits - 1}:0] out`);
  });
  w.line(');').indent(() => {
    const used = p.bits > 0 ? (foldBits > 0 ? [] : ['fold']) : p.encoding === 'rom' ? ['acc'] : ['acc', 'fold'];
    if (used.length > 0) w.line(`wire unused = &{1'b0, ${used.join(', ')}};`);
    if (p.form === 'constant' || p.bits === 0) constant();
    else if (p.form === 'parallel') parallel();
    else search();
  });
  w.line('endmodule');
  return { source: w.toString(), memories, depth: p.depth };
}

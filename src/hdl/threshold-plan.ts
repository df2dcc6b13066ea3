import { bug } from '../diagnostics/diagnostic.ts';
import { admits, BIPOLAR, type DataType } from '../ir/datatype.ts';
import { log2Ceil } from '../util/maths.ts';
import type { Device } from './device.ts';
import { inBlock, type Placement, type RomShape, romBlocks, romLuts } from './threshold-rom.ts';
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
  /** Enabled cycles from one accumulator to the next, at least; 1 if left out. */
  readonly interval?: number;
}

/**
 * constant: every threshold is a constant in logic (one fold). parallel: all thresholds of a channel are read and
 * compared at once. search: binary search, one pipeline stage and one memory for each bit. serial: binary search with one comparator and
 * one memory, a bit in each cycle. table: the output by the accumulator itself (one fold). (Choice: circuits.md rules 7, 8.)
 */
export type Form = 'constant' | 'parallel' | 'search' | 'serial' | 'table';

/** Accumulators of more bits are compared, not looked up. */
const tableBits = 8;

/** How the interval's number becomes the output: as it is, by a function in logic, or by a memory per PE. */
export type Encoding = 'direct' | 'logic' | 'rom';

export interface ThresholdPlan {
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

/**
 * The unit's form and what follows from it. Where a comparator has time for all bits of an accumulator it is taken if that costs less on
 * ice40, a block memory counting as many LUTs as the device has for each, or a quarter of that where memory 'block' says that there
 * are some to spare. The rule is the same on every family, so that the depth is too.
 */
export function thresholdPlan(o: ThresholdOptions): ThresholdPlan {
  const { table, pe, interval = 1 } = o;
  if (table.channels % pe !== 0) bug(`${pe} PEs for ${table.channels} channels`);
  const folds = table.channels / pe;
  const { bits } = table;
  if (folds === 1 && bits > 4 && o.accBits <= tableBits) return planAs(o, 'table');
  const usual = planAs(o, folds === 1 && bits <= 4 ? 'constant' : bits <= 2 ? 'parallel' : 'search');
  if (folds === 1 || bits < 2 || interval < bits) return usual;
  const serial = planAs(o, 'serial');
  // With its address computed in the same cycle, a table in LUTs takes several times as many as otherwise.
  if (!inBlock('ice40', serial.roms[0]!, placementOf(o, serial))) return usual;
  const price = (p: ThresholdPlan): number => {
    const { lut, bram } = costAs({ ...o, device: { family: 'ice40' } }, p);
    return lut + bram * (o.memory === 'block' ? 50 : 200);
  };
  return price(serial) < price(usual) ? serial : usual;
}

function planAs(o: ThresholdOptions, form: Form): ThresholdPlan {
  const { table, pe, accBits, accSigned } = o;
  const folds = table.channels / pe;
  const { bits } = table;
  const least = accSigned ? -(2 ** (accBits - 1)) : 0;
  const extended =
    form !== 'constant' && form !== 'table' && table.steps.some((list) => list.length > 0 && list[0]! <= least);
  const width = extended ? accBits + 1 : accBits;
  const encoding = form === 'table' ? 'direct' : encodingOf(o, folds, bits);
  const roms: (RomShape & { copies: number })[] = [];
  if (form === 'parallel' && bits > 0) roms.push({ depth: folds, width: pe * (2 ** bits - 1) * width, copies: 1 });
  if (form === 'search') {
    for (let stage = 0; stage < bits; stage += 1) {
      roms.push(
        stage === 0 ? { depth: folds, width: pe * width, copies: 1 } : { depth: folds * 2 ** stage, width, copies: pe },
      );
    }
  }
  if (form === 'table') roms.push({ depth: 2 ** accBits, width: o.output.bits, copies: pe });
  if (form === 'serial') roms.push({ depth: folds * 2 ** bits, width, copies: pe });
  if (encoding === 'rom') roms.push({ depth: folds * 2 ** bits, width: o.output.bits, copies: pe });
  const depth = form === 'constant' || form === 'table' || bits === 0 ? 1 : form === 'parallel' ? 2 : bits + 1;
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
export function sharedCounts(table: ThresholdTable): readonly number[] | undefined {
  const longest = table.counts.reduce((a, b) => (b.length > a.length ? b : a));
  return table.counts.every((list) => list.every((count, i) => count === longest[i])) ? longest : undefined;
}

/** Bits of an output value. */
export function encode(o: ThresholdOptions, count: number): bigint {
  const value = o.scale * count + o.bias;
  if (!admits(o.output, value)) bug(`threshold output ${value} is not ${o.output.name}`);
  return BigInt(o.output === BIPOLAR ? (value + 1) / 2 : value);
}

/** Enabled cycles through the unit, on every family: 1 for constants in logic, 2 for parallel comparators, one more than bits for a search. */
export const thresholdDepth = (options: ThresholdOptions): number => thresholdPlan(options).depth;

/** Where the unit's tables lie. Where a form was to be chosen, only one memory of all steps was meant by 'block'. */
export const placementOf = (o: ThresholdOptions, p: ThresholdPlan): Placement =>
  o.interval !== undefined && p.form !== 'serial' ? 'auto' : (o.memory ?? 'auto');

/** LUTs, registers and block memories of the unit (rules 7, 8 and 10 of circuits.md; E4 is met within a factor of 1.5). */
export function thresholdCost(o: ThresholdOptions): { lut: number; ff: number; bram: number } {
  return costAs(o, thresholdPlan(o));
}

function costAs(o: ThresholdOptions, p: ThresholdPlan): { lut: number; ff: number; bram: number } {
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
  } else if (p.form === 'serial') {
    lut += o.pe * (compare + 2 * p.bits) + log2Ceil(p.folds);
    ff += o.pe * (p.width + p.bits) + log2Ceil(p.folds);
  } else if (p.form === 'search') {
    lut += o.pe * p.bits * compare;
    ff += p.bits * (o.pe * p.width + log2Ceil(p.folds)) + (o.pe * p.bits * (p.bits - 1)) / 2;
  }
  if (p.encoding === 'logic') lut += o.pe * o.output.bits * Math.max(1, 2 ** p.bits / (lut4 ? 16 : 64));
  // Steps that are the same in all folds are constants, in the table and in the comparator.
  const moving = p.form === 'parallel' ? movingSteps(o, p) / (o.pe * levels || 1) : 1;
  if (p.form === 'parallel') lut -= o.pe * levels * compare * (1 - moving) * 0.5;
  for (const rom of p.roms) {
    if (inBlock(family, rom, placementOf(o, p))) {
      bram += rom.copies * romBlocks(family, rom);
    } else {
      const width = rom === p.roms[0] ? Math.ceil(rom.width * moving) : rom.width;
      // A serial search computes its next address in front of the table: in LUTs the two melt together (circuits.md rule 7).
      const searched = p.form === 'serial' && rom === p.roms[0] ? 2.5 : 1;
      lut += rom.copies * romLuts(family, { depth: rom.depth, width }) * searched;
      if (rom.depth > 1 && p.form !== 'table') ff += rom.copies * width;
    }
  }
  return { lut: Math.ceil(lut), ff: Math.ceil(ff), bram };
}

/** Steps of a cycle's lanes that are not the same in every fold. */
function movingSteps({ table, pe }: ThresholdOptions, { bits, folds }: ThresholdPlan): number {
  let moving = 0;
  for (let lane = 0; lane < pe; lane += 1) {
    for (let k = 0; k < 2 ** bits - 1; k += 1) {
      const first = table.steps[lane]![k];
      for (let fold = 1; fold < folds; fold += 1) {
        if (table.steps[fold * pe + lane]![k] === first) continue;
        moving += 1;
        break;
      }
    }
  }
  return moving;
}

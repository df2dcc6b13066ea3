import type { Board } from '../config/board.ts';
import { planClock } from '../config/clock.ts';
import type { PllPlan } from '../config/pll.ts';
import { bug } from '../diagnostics/diagnostic.ts';
import type { Design } from '../hdl/design.ts';
import type { Family } from '../hdl/device.ts';
import type { UartShell } from '../shells/uart/shell.ts';
import { canonicalJson, sha256 } from '../util/hash.ts';
import { formatRational, parseRational } from '../util/rational.ts';
import type { BuildSettings } from './settings.ts';

/** What of the board and the recipe the shell is made of: plain JSON, for keys. */
export interface ShellConfig {
  readonly clockMhz: string;
  readonly divide: number;
  readonly pll?: PllPlan | undefined;
  readonly family: Family;
  readonly baud: number;
  readonly led: boolean;
  readonly ties: Readonly<Record<string, 0 | 1>>;
}

/** Does the board have a shell of ours, and a clock that reaches the target's rate? */
export const hasShell = ({ shell, clock }: Board): boolean => shell !== undefined && clock !== undefined;

export function shellConfig({ build, recipe }: BuildSettings): ShellConfig {
  const { board, clockMhz } = build.target;
  const plan =
    planClock(board.clock ?? bug(`${board.id} has no clock`), clockMhz) ??
    bug(`${board.id}: a clock that validation let through`);
  return {
    clockMhz: formatRational(plan.mhz),
    divide: plan.divide,
    pll: plan.pll,
    family: board.family,
    baud: recipe.steps.bitfile.baud,
    led: board.pins?.ports.has('led') ?? false,
    ties: Object.fromEntries(board.ties),
  };
}

/** The shell around an accelerator. Its identity is a hash of the circuit and of the shell's settings. */
export function shellOf(accelerator: Design, config: ShellConfig): UartShell {
  const digest = sha256(canonicalJson({ ...accelerator, config }));
  return {
    accelerator,
    clock: {
      mhz: parseRational(config.clockMhz) ?? bug(config.clockMhz),
      divide: config.divide,
      ...(config.pll && { pll: config.pll }),
    },
    family: config.family,
    baud: config.baud,
    id: Number.parseInt(digest.slice(0, 8), 16),
    led: config.led,
    ties: config.ties,
  };
}

import type { Made } from './artifact.ts';
import type { Content } from './content.ts';
import type { StoredInputs } from './make.ts';
import type { Objects } from './objects.ts';
import type { AnyStep, Context } from './step.ts';

/** Where steps that say `aside` run: what they compute holds up neither displays nor interrupts nor other steps. */
export interface Aside {
  /**
   * As `make`, with inputs and results in `objects`. When the context's signal aborts, the computation is ended wherever it is;
   * the promise rejects with the signal's reason when the calls that it had made have ended, too.
   */
  make(
    step: AnyStep,
    inputs: StoredInputs,
    context: Context<unknown>,
    objects: Objects,
  ): Promise<Record<string, Content>>;
  /**
   * Is a step worth it? `bytes` is what it reads, from the store and as sources; `seconds` is how long it took the last time, where
   * that is known.
   */
  isWorth(bytes: number, seconds: number | undefined): boolean;
  /** Is anything kept in memory from one step to the next? */
  readonly holds: boolean;
  /** Nobody will want the value of this content. */
  release(handle: Made, content: Content): void;
  /** Nobody will want anything of what is in memory. */
  clear(): void;
}

import type { Diagnostic } from '../diagnostics/diagnostic.ts';

/** An instance of a step: 'codegen' in ['tfc-w1a1', 'tfc-w1a1-icebreaker-fast', 'MVAU_0']. */
export interface InstanceId {
  readonly step: string;
  readonly scope: readonly string[];
}

/** All the engine ever says, in order. Displays are `(event) => void`. `because` is text for people. */
export type EngineEvent =
  /** What there is to do, as far as it is known; said again when a family's keys become known. */
  | {
      readonly type: 'planned';
      readonly instances: number;
      readonly fresh: number;
      /** In order. `open`: there will be more, when a family is known. */
      readonly steps: readonly { readonly step: string; readonly instances: number; readonly open: boolean }[];
    }
  | { readonly type: 'started'; readonly id: InstanceId; readonly because: string }
  | { readonly type: 'note'; readonly id: InstanceId; readonly text: string }
  | {
      readonly type: 'call';
      readonly id: InstanceId;
      readonly tool: string;
      readonly label: string;
      readonly outcome: 'started' | 'ran' | 'restored' | 'failed';
      readonly seconds?: number;
    }
  /** A line of a running tool's log. */
  | { readonly type: 'line'; readonly id: InstanceId; readonly tool: string; readonly text: string }
  | { readonly type: 'diagnostic'; readonly id?: InstanceId; readonly diagnostic: Diagnostic }
  /** fresh: as the last time; restored: as some earlier time, found by its key. */
  | {
      readonly type: 'finished';
      readonly id: InstanceId;
      readonly how: 'ran' | 'fresh' | 'restored';
      readonly seconds: number;
    }
  | { readonly type: 'failed'; readonly id: InstanceId; readonly diagnostics: readonly Diagnostic[] }
  | { readonly type: 'skipped'; readonly id: InstanceId; readonly because: string }
  | {
      readonly type: 'done';
      readonly ok: boolean;
      readonly ran: number;
      readonly fresh: number;
      readonly failed: number;
      readonly seconds: number;
    };

export type Display = (event: EngineEvent) => void;

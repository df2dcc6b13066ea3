import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { Display, EngineEvent, InstanceId } from '../engine/events.ts';

/** A display that has something to finish when the run is over. */
export interface Screen {
  readonly display: Display;
  /** Shows what is still to be shown. Call it once, after the last event. */
  close(): Promise<void>;
}

export interface ScreenOptions {
  /** Where lines go; the end of line is added. */
  readonly write: (line: string) => void;
  /** A diagnostic as text, of one line or more. */
  readonly render: (diagnostic: Diagnostic) => string;
}

/** 'synthesize tfc/fast/MVAU_0'. */
export const nameOf = ({ step, scope }: InstanceId): string => `${step} ${scope.join('/')}`;

/** '0.25 s', '12 s', '3 min 20 s': two figures that matter. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(seconds < 1 ? 2 : 1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** The last line of a run. */
export function summary({ ok, ran, fresh, failed, seconds }: Extract<EngineEvent, { type: 'done' }>): string {
  const parts = [`${ran} ran`, `${fresh} fresh`];
  if (failed > 0) parts.push(`${failed} failed`);
  return `${ok ? 'done' : failed > 0 ? 'failed' : 'stopped'}: ${parts.join(', ')}, in ${duration(seconds)}`;
}

import type { Outcome } from '../engine/scheduler.ts';
import type { Store } from '../engine/store.ts';

/** Calls that run a simulation, of any simulator. */
const simulations = new Set(['cxxrtl-run', 'verilator-run', 'vvp']);

/** 'fetch', or 'synthesize/MVAU_0' for a layer's step. */
const nameOf = ({ id }: Outcome): string => [id.step, ...id.scope.slice(2)].join('/');

/** Seconds by step, and the simulators' as FINN's RUNTIME_S: when they ran, now or earlier. */
export function timePerStep(outcomes: readonly Outcome[]): Record<string, number> {
  const ran = outcomes.filter(({ result }) => result);
  const calls = ran.flatMap(({ result }) => result!.record.calls).filter(({ tool }) => simulations.has(tool));
  return {
    ...Object.fromEntries(ran.map((outcome) => [nameOf(outcome), outcome.result!.record.seconds])),
    ...(calls.length > 0 && { RUNTIME_S: calls.reduce((sum, { seconds }) => sum + seconds, 0) }),
  };
}

/** What the build did, a line a step and a tool's call, as text. */
function journal(outcomes: readonly Outcome[]): string {
  const lines = outcomes.flatMap((outcome) => [
    `${nameOf(outcome)}: ${(outcome.result?.record.seconds ?? 0).toFixed(3)} s`,
    ...(outcome.result?.record.calls ?? []).map(
      ({ tool, version, label, seconds }) => `  ${tool} ${version}, ${label}: ${seconds.toFixed(3)} s`,
    ),
    ...(outcome.result?.record.diagnostics ?? []).map(
      ({ severity, code, message }) => `  ${severity} [${code}]: ${message}`,
    ),
  ]);
  return `${lines.join('\n')}\n`;
}

/**
 * log/build_dataflow.log, which tells of the steps, and what the tools said, one file a call: log/synthesize/MVAU_0/1-yosys.log. The cache's folder is named `.finn` in them,
 * wherever it lies.
 */
export function logFiles(outcomes: readonly Outcome[], store: Store): Record<string, Uint8Array> {
  const utf8 = new TextEncoder();
  const files: Record<string, Uint8Array> = { 'log/build_dataflow.log': utf8.encode(journal(outcomes)) };
  for (const outcome of outcomes)
    for (const [i, { key, tool }] of (outcome.result?.record.calls ?? []).entries()) {
      const stored = store.records.readCall(key)?.log;
      const log = stored && store.objects.read(stored);
      if (log === undefined || log.length === 0) continue;
      const path = `log/${nameOf(outcome)}/${i + 1}-${tool.replaceAll(/[^\w.-]/g, '_')}.log`;
      files[path] = utf8.encode(new TextDecoder().decode(log).replaceAll(store.folder, '.finn'));
    }
  return files;
}

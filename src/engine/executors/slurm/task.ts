import { fileURLToPath } from 'node:url';
import type { Invocation } from '../../invocation.ts';
import type { LocalExecutor } from '../local.ts';
import { environment } from '../tool-environment.ts';
import type { Task } from './script.ts';

const runner = fileURLToPath(new URL('./run-call.js', import.meta.url));

/**
 * What a job has to do for a call. Native tools run as they are; others in a Node of the same path, with finn's own files,
 * which the nodes see where this machine sees them.
 */
export function taskOf(
  { tool: { program }, args }: Invocation,
  directory: string,
  setup: readonly string[],
  local: LocalExecutor,
  limit: number | undefined,
): Task {
  const shared = { directory, environment, setup, limit };
  if (program.kind !== 'native') {
    return { ...shared, command: [process.execPath, runner], files: false, version: undefined };
  }
  const command = local.command(program.command);
  const asks = program.version.args;
  return {
    ...shared,
    command: [command, ...args],
    files: true,
    version: asks.length === 0 ? { hashOf: command } : [command, ...asks],
  };
}

import { loadProject } from '../config/project.ts';
import { FinnError } from '../diagnostics/diagnostic.ts';
import { LocalExecutor } from '../engine/executors/local.ts';
import { doctor as examine } from '../tools/doctor.ts';
import type { Io } from './session.ts';
import { table } from './table.ts';

export interface DoctorOptions {
  readonly json?: boolean | undefined;
}

/** `finn doctor`: which tools are here, and what each is for; 3 if one that every build needs is missing, else 0. */
export async function doctor({ json }: DoctorOptions, io: Io): Promise<number> {
  const { project, diagnostics } = loadProject('finn.config.yaml');
  if (diagnostics.length > 0) throw new FinnError(...diagnostics);
  const executor = new LocalExecutor({ paths: Object.fromEntries(project.tools) });
  const found = await examine(executor);
  await executor.close();
  const lacking = found.filter(({ needed, version }) => needed && version === undefined);
  if (json) {
    const tools = found.map(({ tool, provider, purpose, needed, version, problem, hint }) => ({
      tool: tool.name,
      provider,
      purpose,
      needed,
      ...(version === undefined ? { problem, hint } : { version }),
    }));
    io.out(JSON.stringify({ ok: lacking.length === 0, node: process.versions.node, tools }));
  } else {
    const rows = found.map(({ tool, provider, purpose, needed, version }) => [
      version === undefined ? (needed ? 'MISSING' : 'not here') : 'ok',
      tool.name,
      provider,
      version ?? '',
      purpose,
    ]);
    rows.unshift(['ok', 'node', '', process.versions.node, 'finn itself']);
    for (const line of table(['', 'TOOL', 'FROM', 'VERSION', 'FOR'], rows)) io.out(line);
    for (const { problem, hint } of found.filter((one) => one.problem !== undefined))
      io.out(`${problem}${hint === undefined ? '' : ` (${hint})`}`);
    io.out(lacking.length === 0 ? 'everything that finn needs is here' : 'finn cannot build without what is MISSING');
  }
  return lacking.length === 0 ? 0 : 3;
}

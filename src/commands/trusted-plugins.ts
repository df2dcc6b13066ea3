import { loadProject } from '../config/project.ts';
import { FinnError } from '../diagnostics/diagnostic.ts';
import { render } from '../diagnostics/render.ts';
import { loadPlugins } from '../plugins/load.ts';
import type { Io } from './session.ts';

/**
 * For commands that look at a model or at finn itself, and can do so without plug-ins: those of the finn.config.yaml near a path,
 * if they are trusted. Why they cannot be loaded is a warning.
 */
export function useTrustedPlugins(near: string, io: Io): void {
  const { project } = loadProject(near);
  try {
    loadPlugins(project, { mayRun: false });
  } catch (cause) {
    if (!(cause instanceof FinnError)) throw cause;
    for (const one of cause.diagnostics) io.err(render({ ...one, severity: 'warning' }, { color: io.color }));
  }
}

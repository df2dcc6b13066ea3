import { fail } from '../diagnostics/diagnostic.ts';
import { type HttpRemote, httpRemote } from '../engine/remote/http.ts';
import type { Traffic } from '../engine/remote/traffic.ts';
import type { Io, Session } from './session.ts';
import { bytesText, plural } from './table.ts';

export interface RemoteCacheOptions {
  readonly build?: readonly string[] | undefined;
  readonly until?: string | undefined;
  readonly json?: boolean | undefined;
}

/** The remote cache of a session. Its warnings are printed. FinnError where finn.config.yaml names none. */
export function remoteOf({ project, store, render }: Session, io: Io): HttpRemote {
  if (!project.remote)
    fail('config/missing-key', 'finn.config.yaml names no remote cache', {
      hint: 'cache: { remote: { url: https://…, mode: read-write } }; docs/remote-cache.md says more',
    });
  const warn = (diagnostic: Parameters<Session['render']>[0]): void => io.err(render(diagnostic));
  return httpRemote({ ...project.remote, store, warn, signal: io.signal });
}

/** '34 files, 4.5 MB'. */
export const trafficText = ({ objects, bytes }: Traffic): string => `${plural(objects, 'file')}, ${bytesText(bytes)}`;

import type { Remote } from '../remote.ts';
import type { Store } from '../store.ts';
import { Puller } from './pull.ts';
import { Pusher } from './push.ts';
import { Server, type ServerOptions } from './server.ts';
import type { Seen, Traffic } from './traffic.ts';

export interface HttpRemoteOptions extends ServerOptions {
  /** `read`: nothing is ever sent. */
  readonly mode: 'read' | 'read-write';
  readonly store: Store;
}

/** A remote cache that says how it is and what it did. */
export interface HttpRemote extends Remote {
  /** Name and port of the server. */
  readonly host: string;
  readonly pulled: Traffic;
  readonly pushed: Traffic;
  /** False after trouble: it is not asked any more. */
  readonly readable: boolean;
  /** False in mode `read`, and after trouble. */
  readonly writable: boolean;
}

/**
 * A cache behind a server that speaks the protocol of Bazel's HTTP remote cache: GET, HEAD and PUT of /ac/<sha256> and
 * /cas/<sha256>. A record and all files that it names lie under /cas, and are sent before the ActionResult that names
 * them, under /ac. What comes is checked before it is stored.
 */
export function httpRemote(options: HttpRemoteOptions): HttpRemote {
  const { store } = options;
  const server = new Server(options, options.mode === 'read-write');
  const seen: Seen = { there: new Set(), bad: new Set() };
  const warn: HttpRemoteOptions['warn'] = (diagnostic) => options.warn(diagnostic);
  const puller = new Puller(server, store, seen, warn);
  const pusher = new Pusher(server, store, seen, warn);
  return {
    host: server.host,
    get pulled() {
      return puller.meter.sum;
    },
    get pushed() {
      return pusher.meter.sum;
    },
    get readable() {
      return server.readable;
    },
    get writable() {
      return server.writable;
    },
    pullStep: (step, key) => puller.pull({ kind: 'step', step, key }, `of step '${step}'`),
    pullCall: (key) => puller.pull({ kind: 'call', key }, `of the call ${key.slice(0, 12)}…`),
    pushStep: (step, key) => pusher.push({ kind: 'step', step, key }),
    pushCall: (key) => pusher.push({ kind: 'call', key }),
    settled: () => pusher.settled(),
  };
}

import { createHash } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import protobuf from 'protobufjs';

/** The messages as Bazel's remote execution API numbers them, written down a second time so that tests check ours. */
const proto = `
  syntax = "proto3";
  package build.bazel.remote.execution.v2;
  message Digest { string hash = 1; int64 size_bytes = 2; }
  message OutputFile { string path = 1; Digest digest = 2; bool is_executable = 4; bytes contents = 5; }
  message ExecutedActionMetadata { string worker = 1; }
  message ActionResult {
    repeated OutputFile output_files = 2;
    int32 exit_code = 4;
    bytes stdout_raw = 5;
    Digest stdout_digest = 6;
    bytes stderr_raw = 7;
    Digest stderr_digest = 8;
    ExecutedActionMetadata execution_metadata = 9;
  }`;

export interface Digest {
  readonly hash: string;
  readonly size_bytes: number;
}
export interface ActionMessage {
  readonly output_files: readonly { readonly path: string; readonly digest: Digest }[];
  readonly exit_code: number;
  readonly stdout_digest: Digest | null;
  readonly execution_metadata: { readonly worker: string } | null;
}

const actionResult = protobuf.parse(proto, { keepCase: true }).root.lookupType('ActionResult');

/** Reads an ActionResult by the real field numbers. Throws where it is none. */
export const readAction = (bytes: Uint8Array): ActionMessage =>
  actionResult.toObject(actionResult.decode(bytes), { longs: Number, defaults: true }) as ActionMessage;
/** Writes one. */
export const writeAction = (message: object): Uint8Array => actionResult.encode(message).finish();

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A request as the fake saw it. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

/**
 * A fake of a bazel-remote server, in this process, with its checks: names are SHA-256, what goes to /cas has that hash,
 * what goes to /ac is an ActionResult whose digests lie in /cas, and nothing goes without credentials where it has some.
 */
export class FakeBazelRemote {
  readonly cas = new Map<string, Uint8Array>();
  readonly ac = new Map<string, Uint8Array>();
  readonly seen: Seen[] = [];
  /** The Authorization that it demands: of all, or of those who write. */
  authorization: string | undefined;
  publicReads = false;
  /** Answers in the fake's place where it returns true. */
  intercept: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  #port = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  /** In front of /ac and /cas. */
  readonly prefix: string;

  constructor(prefix = '') {
    this.prefix = prefix;
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  /** Where it is, or was. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}${this.prefix}`;
  }

  /** Ends it and all its connections. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** What came, as 'PUT /cas', since the last time this was asked. */
  take(): string[] {
    return this.seen
      .splice(0)
      .map(({ method, path }) => `${method} ${path.slice(this.prefix.length).replace(/\/[0-9a-f]+$/, '')}`);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers } = request;
    this.seen.push({ method, path, headers });
    if (this.intercept?.(request, response)) return;
    const parts: Uint8Array[] = [];
    try {
      for await (const part of request) parts.push(part as Uint8Array);
    } catch {
      return;
    }
    const [status, body] = this.#answer(method, path, headers, Buffer.concat(parts));
    response.writeHead(status, body && { 'Content-Length': body.length });
    response.end(method === 'HEAD' ? undefined : body);
  }

  #answer(method: string, path: string, headers: IncomingHttpHeaders, body: Buffer): [number, Uint8Array?] {
    const open = this.authorization === undefined || (this.publicReads && method !== 'PUT');
    if (!open && headers.authorization !== this.authorization) return [401];
    const [, kind, name] = /^\/(ac|cas)\/([0-9a-f]{64})$/.exec(path.slice(this.prefix.length)) ?? [];
    if (!path.startsWith(this.prefix) || !kind || !name) return [400];
    if (method === 'GET' || method === 'HEAD') {
      const found = kind === 'ac' ? this.#validAction(name) : this.cas.get(name);
      return found ? [200, found] : [404];
    }
    if (method !== 'PUT') return [405];
    if (headers['content-length'] === undefined) return [400];
    if (kind === 'cas') {
      if (sha256(body) !== name) return [400];
      this.cas.set(name, body);
      return [200];
    }
    if (!this.#complete(body)) return [400];
    this.ac.set(name, body);
    return [200];
  }

  #validAction(name: string): Uint8Array | undefined {
    const found = this.ac.get(name);
    return found && this.#complete(found) ? found : undefined;
  }

  #complete(bytes: Uint8Array): boolean {
    if (bytes.length === 0) return false;
    let message: ActionMessage;
    try {
      message = readAction(bytes);
    } catch {
      return false;
    }
    const digests = [...message.output_files.map(({ digest }) => digest), message.stdout_digest];
    return digests.every((digest) => {
      if (!digest || digest.size_bytes === 0) return true;
      return this.cas.get(digest.hash)?.length === digest.size_bytes;
    });
  }
}

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

/** The least recently used goes first; sizes count as blocks of a file system. */
const blockBytes = 4096;
const blocks = (bytes: Uint8Array): number => Math.ceil(bytes.length / blockBytes) * blockBytes;
const emptyObject = sha256(new Uint8Array());

/**
 * A fake of a bazel-remote server, in this process, that does what the source of bazel-remote 2 does with a request: names
 * are SHA-256; what goes to /cas has that hash (else 500) and is not too large (else 400); what goes to /ac is an
 * ActionResult of sound digests (else 400), whose files are looked for when it is asked for; the object of no bytes is
 * always there; nothing goes without credentials where it has some; least recently used files go first.
 */
export class FakeBazelRemote {
  readonly cas = new Map<string, Uint8Array>();
  readonly ac = new Map<string, Uint8Array>();
  readonly seen: Seen[] = [];
  /** The Authorization that it demands: of all, or, with `--allow_unauthenticated_reads`, of those who write. */
  authorization: string | undefined;
  publicReads = false;
  /** False: `--disable_http_ac_validation`. */
  validates = true;
  /** `--max_blob_size`, and `--max_size` in bytes. */
  maxBlobBytes = Number.POSITIVE_INFINITY;
  maxBytes = Number.POSITIVE_INFINITY;
  /** Entries that came before the files which they name, which it takes. */
  readonly early: string[] = [];
  /** Objects of which only its index knows: their files are gone. */
  readonly lost = new Set<string>();
  /** Answers in the fake's place where it returns true. */
  intercept: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  #used: { readonly entries: Map<string, Uint8Array>; readonly name: string }[] = [];
  #host = '';
  #port = 0;
  readonly #sockets = new Set<Socket>();
  /** For what cannot be done by `intercept`. */
  readonly server = createServer((request, response) => void this.#serve(request, response));
  /** In front of /ac and /cas. */
  readonly prefix: string;

  constructor(prefix = '') {
    this.prefix = prefix;
    this.server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  async start(host = '127.0.0.1'): Promise<this> {
    this.#host = host.includes(':') ? `[${host}]` : host;
    await new Promise<void>((resolve) => this.server.listen(0, host, resolve));
    this.#port = (this.server.address() as AddressInfo).port;
    return this;
  }

  /** Where it is, or was. */
  get url(): string {
    return `http://${this.#host}:${this.#port}${this.prefix}`;
  }

  /** Ends it and all its connections. */
  async stop(): Promise<void> {
    if (!this.server.listening) return;
    const closed = new Promise((resolve) => this.server.close(resolve));
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
    const answer = ([status, body]: Answer): void => {
      const told = body ?? Buffer.from(status === 200 ? '' : 'Not found\n');
      response.writeHead(status, {
        'Content-Length': told.length,
        ...(status === 401 && { 'WWW-Authenticate': 'Basic realm=""' }),
      });
      response.end(method === 'HEAD' ? undefined : told);
    };
    const refusal = this.#refusal(method, path, headers);
    if (refusal !== undefined) {
      // As Go's server: a long body that nobody wants is not read to its end.
      if (Number(headers['content-length'] ?? 0) > 1 << 18) response.setHeader('Connection', 'close');
      else request.resume();
      return answer([refusal]);
    }
    const parts: Uint8Array[] = [];
    try {
      for await (const part of request) parts.push(part as Uint8Array);
    } catch {
      return;
    }
    answer(this.#answer(method, path, Buffer.concat(parts)));
  }

  #named(path: string): readonly [kind: string, name: string] | undefined {
    if (!path.startsWith(this.prefix) || path.includes('//')) return undefined;
    const below = path.slice(this.prefix.length);
    const [, kind, name] = /^\/(?:.+\/)?(ac|cas)\/([0-9a-f]{64})$/.exec(below) ?? [];
    return kind !== undefined && name !== undefined ? [kind, name] : undefined;
  }

  /** The status of what is refused before its body is looked at. */
  #refusal(method: string, path: string, headers: IncomingHttpHeaders): number | undefined {
    const open = this.authorization === undefined || (this.publicReads && method !== 'PUT');
    if (!open && headers.authorization !== this.authorization) return 401;
    const named = this.#named(path);
    if (!named) return 400;
    if (method === 'GET' || method === 'HEAD') return undefined;
    if (method !== 'PUT') return 405;
    const length = Number(headers['content-length'] ?? Number.NaN);
    if (Number.isNaN(length) || length > this.maxBlobBytes) return 400;
    if (length === 0 && named[0] === 'cas' && named[1] !== emptyObject) return 400;
    return length > this.maxBytes ? 500 : undefined;
  }

  #answer(method: string, path: string, body: Buffer): Answer {
    const [kind, name] = this.#named(path)!;
    if (method !== 'PUT') {
      if (kind === 'ac') return this.#action(name);
      const found = this.#object(name);
      return found && !(method === 'GET' && this.lost.has(name)) ? [200, found] : [404];
    }
    if (kind === 'cas') {
      if (sha256(body) !== name) return [500];
      this.lost.delete(name);
      this.#keep(this.cas, name, body);
      return [200];
    }
    const message = this.validates ? stamped(body) : body;
    if (!message) return [400];
    if (this.validates && !this.#complete(message)) this.early.push(name);
    this.#keep(this.ac, name, message);
    return [200];
  }

  #action(name: string): Answer {
    const found = this.ac.get(name);
    if (!found || (this.validates && !this.#complete(found))) return [404];
    this.#keep(this.ac, name, found);
    return [200, found];
  }

  /** Are all files there that it names? These are then in use too. */
  #complete(bytes: Uint8Array): boolean {
    const { output_files, stdout_digest } = readAction(bytes);
    const digests = [...output_files.map(({ digest }) => digest), ...(stdout_digest ? [stdout_digest] : [])];
    return digests.every(({ hash, size_bytes }) => this.#object(hash)?.length === size_bytes);
  }

  #object(name: string): Uint8Array | undefined {
    if (name === emptyObject) return new Uint8Array();
    const found = this.cas.get(name);
    if (found) this.#keep(this.cas, name, found);
    return found;
  }

  /** Makes an entry the one that was used last, and room for it. */
  #keep(entries: Map<string, Uint8Array>, name: string, bytes: Uint8Array): void {
    entries.delete(name);
    entries.set(name, bytes);
    this.#used = this.#used.filter((one) => one.entries !== entries || one.name !== name);
    this.#used.push({ entries, name });
    if (this.maxBytes === Number.POSITIVE_INFINITY) return;
    const total = (): number => [...this.cas.values(), ...this.ac.values()].reduce((sum, one) => sum + blocks(one), 0);
    while (total() > this.maxBytes) {
      const oldest = this.#used.shift();
      oldest?.entries.delete(oldest.name);
    }
  }
}

type Answer = readonly [status: number, body?: Uint8Array];

/** An ActionResult with a worker in it; undefined where it is none, or has a path or a digest that cannot be. */
function stamped(bytes: Uint8Array): Uint8Array | undefined {
  let message: ActionMessage;
  try {
    message = readAction(bytes);
  } catch {
    return undefined;
  }
  const sound = ({ hash, size_bytes }: Digest): boolean => size_bytes >= 0 && /^[0-9a-f]{64}$/.test(hash);
  const { output_files, stdout_digest, execution_metadata } = message;
  const right = output_files.every(
    ({ path, digest }) => path !== '' && !path.startsWith('/') && digest && sound(digest),
  );
  if (!right || (stdout_digest && !sound(stdout_digest))) return undefined;
  return writeAction(execution_metadata?.worker ? message : { ...message, execution_metadata: { worker: 'someone' } });
}

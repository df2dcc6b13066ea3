import { type Diagnostic, FinnError, warning } from '../../diagnostics/diagnostic.ts';
import { contentHash } from '../../util/hash.ts';
import { type Pool, pool } from '../../util/pool.ts';
import type { Stored } from '../content.ts';
import type { CallRecord, StepRecord } from '../records.ts';
import type { Remote } from '../remote.ts';
import type { Store } from '../store.ts';
import { decodeActionResult, encodeActionResult } from './action-result.ts';
import { WrongSize } from './request.ts';
import { connections, Server, type ServerOptions } from './server.ts';
import {
  actionName,
  decodeRecord,
  encodeRecord,
  type Owner,
  objectOf,
  objectsOf,
  recordPath,
} from './shared-record.ts';

export interface HttpRemoteOptions extends ServerOptions {
  /** `read`: nothing is ever sent. */
  readonly mode: 'read' | 'read-write';
  readonly store: Store;
}

/** What went to and fro so far. */
export interface Traffic {
  /** Records of steps and calls. */
  readonly records: number;
  /** Files and records that were carried. */
  readonly objects: number;
  /** Their bytes. */
  readonly bytes: number;
}

/** A remote cache that counts what it does. */
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

/** MB in memory at once, either way. */
const inMemory = 1000;
/** The most that an ActionResult or a record may have: ten times what the largest network takes. */
const largestMessage = 64_000_000;
/** Of one kind of refusal, so many are told one by one. */
const mostWarnings = 5;

/**
 * A cache behind a server that speaks the protocol of Bazel's HTTP remote cache: GET, HEAD and PUT of /ac/<sha256> and
 * /cas/<sha256>. A record and all files that it names lie under /cas, and are sent before the ActionResult that names
 * them, under /ac. What comes is checked before it is stored.
 */
export function httpRemote(options: HttpRemoteOptions): HttpRemote {
  return new OverHttp(options);
}

class OverHttp implements HttpRemote {
  readonly #server: Server;
  readonly #store: Store;
  readonly #warn: (diagnostic: Diagnostic) => void;
  readonly #pullPool: Pool = pool({ threads: connections.pull, memory: inMemory });
  readonly #pushPool: Pool = pool({ threads: connections.push, memory: inMemory });
  /** Objects on their way here. */
  readonly #coming = new Map<string, Promise<boolean>>();
  /** Objects on their way there, or known to be there. */
  readonly #going = new Map<string, Promise<boolean>>();
  /** Objects that the server has wrong: they are sent again, whatever it says that it has. */
  readonly #bad = new Set<string>();
  /** Actions that are or were sent in this run. */
  readonly #sent = new Map<string, Promise<void>>();
  readonly #told = new Map<string, number>();
  /** The store could not be written. */
  #full = false;
  #pulled: Traffic = { records: 0, objects: 0, bytes: 0 };
  #pushed: Traffic = { records: 0, objects: 0, bytes: 0 };

  constructor(options: HttpRemoteOptions) {
    this.#server = new Server(options, options.mode === 'read-write');
    this.#store = options.store;
    this.#warn = (diagnostic) => options.warn(diagnostic);
  }

  get host(): string {
    return this.#server.host;
  }
  get readable(): boolean {
    return this.#server.readable;
  }
  get writable(): boolean {
    return this.#server.writable;
  }
  get pulled(): Traffic {
    return this.#pulled;
  }
  get pushed(): Traffic {
    return this.#pushed;
  }

  async pullStep(step: string, key: string): Promise<boolean> {
    return this.#pull({ kind: 'step', step, key }, `of step '${step}'`, (record) =>
      this.#store.records.writeStep(step, key, record as StepRecord),
    );
  }

  async pullCall(key: string): Promise<boolean> {
    return this.#pull({ kind: 'call', key }, `of the call ${key.slice(0, 12)}`, (record) =>
      this.#store.records.writeCall(key, record as CallRecord),
    );
  }

  pushStep(step: string, key: string): void {
    this.#push({ kind: 'step', step, key }, () => this.#store.records.readStep(step, key));
  }

  pushCall(key: string): void {
    this.#push({ kind: 'call', key }, () => this.#store.records.readCall(key));
  }

  async settled(): Promise<void> {
    // What is sent may be joined by more meanwhile.
    for (let before = -1; before !== this.#sent.size; ) {
      before = this.#sent.size;
      await Promise.all(this.#sent.values());
    }
  }

  async #pull(owner: Owner, what: string, write: (record: StepRecord | CallRecord) => void): Promise<boolean> {
    if (!this.readable || this.#full) return false;
    const record = await this.#fetchRecord(owner, what);
    if (!record || !this.#stored(() => write(record))) return false;
    this.#pulled = { ...this.#pulled, records: this.#pulled.records + 1 };
    return true;
  }

  /** A record, once everything that it names is in the store. */
  async #fetchRecord(owner: Owner, what: string): Promise<StepRecord | CallRecord | undefined> {
    const name = `ac/${actionName(owner)}`;
    const wrong = (why: string): undefined => this.#refuse('cache/remote-record', `the record ${what}`, why);
    let action: Uint8Array | undefined;
    try {
      action = await this.#get(name, largestMessage, false);
    } catch (cause) {
      if (cause instanceof WrongSize) return wrong(cause.message);
      throw cause;
    }
    if (!action) return undefined;
    const result = decodeActionResult(action);
    const stored = result?.files.find(({ path }) => path === recordPath)?.stored;
    if (!result || !stored || stored[1] > largestMessage) return wrong('it is no ActionResult with a record of finn’s');
    // What the ActionResult names is fetched beside the record; what the record names is what counts.
    const beside = result.files.filter(({ path }) => path !== recordPath).map((file) => this.#fetch(file.stored));
    const [bytes] = await Promise.all([this.#object(stored), ...beside]);
    if (!bytes) return undefined;
    try {
      const record = decodeRecord(owner, bytes);
      const there = await Promise.all(objectsOf(record).map((object) => this.#fetch(object)));
      return there.every((one) => one) ? record : undefined;
    } catch (cause) {
      return wrong((cause as Error).message);
    }
  }

  /** Brings an object into the store, unless it is there. */
  #fetch(stored: Stored): Promise<boolean> {
    const { objects } = this.#store;
    if (objects.has(stored)) return Promise.resolve(true);
    const name = stored.join(' ');
    const already = this.#coming.get(name);
    if (already) return already;
    const coming = this.#object(stored).then((bytes) => {
      this.#coming.delete(name);
      return bytes !== undefined && this.#stored(() => objects.write(bytes));
    });
    this.#coming.set(name, coming);
    return coming;
  }

  /** Did the store take it? A cache that cannot be written is told of by the step that then runs. */
  #stored(write: () => void): boolean {
    if (this.#full) return false;
    try {
      write();
      return true;
    } catch (cause) {
      if (!(cause instanceof FinnError)) throw cause;
      this.#full = true;
      return false;
    }
  }

  /** An object of /cas that is what its name says. */
  async #object(stored: Stored): Promise<Uint8Array | undefined> {
    const [object, size] = stored;
    if (size === 0) return new Uint8Array();
    let why: string;
    try {
      const bytes = await this.#get(`cas/${object}`, size, true);
      if (!bytes) return undefined;
      const found = contentHash(bytes);
      if (found === object) {
        this.#going.set(object, Promise.resolve(true));
        return bytes;
      }
      why = `its contents have the hash ${found.slice(0, 12)}…`;
    } catch (cause) {
      if (!(cause instanceof WrongSize)) throw cause;
      why = cause.message;
    }
    this.#bad.add(object);
    return this.#refuse('cache/remote-object', `the file ${object.slice(0, 12)}…`, why);
  }

  async #get(name: string, size: number, exact: boolean): Promise<Uint8Array | undefined> {
    const bytes = await this.#pullPool.run({ threads: 1, memory: exact ? size / 1e6 : 1 }, () =>
      this.#server.get(name, size, exact),
    );
    if (bytes) {
      const { records, objects, bytes: sum } = this.#pulled;
      this.#pulled = { records, objects: objects + (exact ? 1 : 0), bytes: sum + bytes.length };
    }
    return bytes;
  }

  #refuse(code: 'cache/remote-object' | 'cache/remote-record', what: string, why: string): undefined {
    const told = (this.#told.get(code) ?? 0) + 1;
    this.#told.set(code, told);
    if (told > mostWarnings) return undefined;
    const more = told === mostWarnings ? '; more of these are not told' : '';
    this.#warn(
      warning(code, `${what} of the remote cache at ${this.host} is refused: ${why}${more}`, {
        hint: 'what it belongs to is made here instead; whoever runs the cache should look into it',
      }),
    );
    return undefined;
  }

  #push(owner: Owner, read: () => StepRecord | CallRecord | undefined): void {
    if (!this.writable) return;
    const name = actionName(owner);
    if (this.#sent.has(name)) return;
    // Not in the way of what calls.
    const sent = new Promise<void>((resolve) => setImmediate(resolve)).then(async () => {
      const record = this.writable ? read() : undefined;
      if (record) await this.#send(owner, name, record);
    });
    this.#sent.set(
      name,
      sent.catch((cause: Error) => {
        this.#warn(warning('cache/remote-write', `a result is not sent to ${this.host}: ${cause.message}`));
      }),
    );
  }

  async #send(owner: Owner, name: string, record: StepRecord | CallRecord): Promise<void> {
    const bytes = encodeRecord(owner, record);
    const stored = objectOf(bytes);
    const objects = objectsOf(record);
    const there = await Promise.all([
      ...objects.map((object) => this.#bring(object, () => this.#store.objects.read(object))),
      this.#bring(stored, () => bytes),
    ]);
    if (!there.every((one) => one)) return;
    const action = encodeActionResult({
      files: [
        { path: recordPath, stored },
        ...objects.map((object) => ({ path: `objects/${object[0]}`, stored: object })),
      ],
      stdout: 'log' in record ? record.log : undefined,
    });
    if (!(await this.#put(`ac/${name}`, action))) return;
    this.#pushed = {
      ...this.#pushed,
      records: this.#pushed.records + 1,
      bytes: this.#pushed.bytes + action.length,
    };
  }

  /** Sees to it that the server has an object. */
  #bring([object, size]: Stored, read: () => Uint8Array | undefined): Promise<boolean> {
    const known = this.#going.get(object);
    if (known && !this.#bad.has(object)) return known;
    const name = `cas/${object}`;
    const going = this.#pushPool.run({ threads: 1, memory: size / 1e6 }, async () => {
      if (!this.writable) return false;
      if (!this.#bad.delete(object) && (await this.#server.has(name, size))) return true;
      const bytes = this.writable ? read() : undefined;
      if (!bytes || !(await this.#server.put(name, bytes))) return false;
      const { records, objects, bytes: sum } = this.#pushed;
      this.#pushed = { records, objects: objects + 1, bytes: sum + bytes.length };
      return true;
    });
    this.#going.set(object, going);
    return going;
  }

  #put(name: string, bytes: Uint8Array): Promise<boolean> {
    return this.#pushPool.run({ threads: 1, memory: 1 }, () => this.#server.put(name, bytes));
  }
}

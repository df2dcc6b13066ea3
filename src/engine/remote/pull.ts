import { type Diagnostic, FinnError, warning } from '../../diagnostics/diagnostic.ts';
import { sha256 } from '../../util/hash.ts';
import { type Cost, Pool } from '../../util/pool.ts';
import type { Stored } from '../content.ts';
import type { CallRecord, StepRecord } from '../records.ts';
import type { Store } from '../store.ts';
import { decodeActionResult } from './action-result.ts';
import { connections } from './asker.ts';
import { WrongSize } from './failures.ts';
import type { Server } from './server.ts';
import { actionName, decodeRecord, type Owner, objectsOf, recordPath } from './shared-record.ts';
import { inMemory, Meter, type Seen, streamed } from './traffic.ts';

/** The most that an ActionResult or a record may have: ten times what the largest network takes. */
const largestMessage = 64_000_000;
/** Of one kind of refusal, so many are told one by one. */
const mostWarnings = 5;

/** Brings results from a server into the store, checked. */
export class Puller {
  readonly meter = new Meter();
  readonly #server: Server;
  readonly #store: Store;
  readonly #seen: Seen;
  readonly #warn: (diagnostic: Diagnostic) => void;
  readonly #pool = new Pool({ threads: connections.pull, memory: inMemory });
  /** Objects on their way here. */
  readonly #coming = new Map<string, Promise<boolean>>();
  /** Objects that could not be had. */
  readonly #failed = new Set<string>();
  /** Results on their way here, by name. */
  readonly #pulling = new Map<string, Promise<boolean>>();
  readonly #told = new Map<string, number>();
  /** The store could not be read or written. */
  #full = false;

  constructor(server: Server, store: Store, seen: Seen, warn: (diagnostic: Diagnostic) => void) {
    this.#server = server;
    this.#store = store;
    this.#seen = seen;
    this.#warn = warn;
  }

  /** Brings a record and all that it names; `what` names it for messages. False where that cannot be had. */
  pull(owner: Owner, what: string): Promise<boolean> {
    const name = actionName(owner);
    // Equal results of two scopes are asked for at the same time.
    let pulling = this.#pulling.get(name);
    if (!pulling) {
      pulling = this.#pull(owner, name, what).finally(() => this.#pulling.delete(name));
      this.#pulling.set(name, pulling);
    }
    return pulling;
  }

  async #pull(owner: Owner, name: string, what: string): Promise<boolean> {
    if (!this.#server.readable || this.#full) return false;
    const { records } = this.#store;
    const pulled = await this.#stored(async () => {
      const record = await this.#record(owner, name, what);
      if (!record) return false;
      if (owner.kind === 'call') records.writeCall(owner.key, record as CallRecord);
      else records.writeStep(owner.step, owner.key, record as StepRecord);
      return true;
    });
    if (pulled) this.meter.add({ records: 1 });
    return pulled;
  }

  /** A record, once everything that it names is in the store. */
  async #record(owner: Owner, name: string, what: string): Promise<StepRecord | CallRecord | undefined> {
    const wrong = (why: string): undefined => this.#refuse('cache/remote-record', `the record ${what}`, why);
    let action: Uint8Array | undefined;
    try {
      action = await this.#pool.run({ threads: 1, memory: 1 }, () => this.#get(`ac/${name}`, largestMessage, false));
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
    const [bytes] = await Promise.all([this.#pool.run(costOf(stored), () => this.#object(stored)), ...beside]);
    if (!bytes) return undefined;
    let record: StepRecord | CallRecord;
    try {
      record = decodeRecord(owner, bytes);
    } catch (cause) {
      return wrong((cause as Error).message);
    }
    const there = await Promise.all(objectsOf(record).map((object) => this.#fetch(object)));
    return there.every((one) => one) ? record : undefined;
  }

  /** Brings an object into the store, unless it is there. */
  #fetch(stored: Stored): Promise<boolean> {
    const { objects } = this.#store;
    const [object] = stored;
    const already = this.#coming.get(object);
    if (already) return already;
    if (objects.has(stored)) return Promise.resolve(true);
    // It is asked for again only if it has been sent there meanwhile.
    if (this.#failed.has(object) && !this.#seen.there.has(object)) return Promise.resolve(false);
    const coming = this.#pool.run(streamCost(stored), async () => {
      const got = await this.#stored(() => this.#bring(stored));
      this.#coming.delete(object);
      if (!got) this.#failed.add(object);
      return got;
    });
    this.#coming.set(object, coming);
    return coming;
  }

  /** Did the store take it? One that cannot be read or written is told of by the step that then runs. */
  async #stored(work: () => Promise<boolean>): Promise<boolean> {
    if (this.#full) return false;
    try {
      return await work();
    } catch (cause) {
      if (!(cause instanceof FinnError)) throw cause;
      this.#full = true;
      return false;
    }
  }

  /** Fetches an object of /cas into the store; false where it is not there, or not what its name says. */
  async #bring(stored: Stored): Promise<boolean> {
    const [object, size] = stored;
    const { objects } = this.#store;
    if (size === 0) {
      await objects.writeLater(new Uint8Array());
      return true;
    }
    return this.#checked(object, async () => {
      const found = await this.#server.fetch(`cas/${object}`, size, () => objects.incoming(stored));
      if (!found) return undefined;
      this.meter.add({ objects: 1, bytes: size });
      return found.stored ? object : found.hash;
    });
  }

  /** An object of /cas in memory, if it is what its name says. */
  async #object([object, size]: Stored): Promise<Uint8Array | undefined> {
    let bytes: Uint8Array | undefined;
    const right = await this.#checked(object, async () => {
      bytes = await this.#get(`cas/${object}`, size, true);
      return bytes && sha256(bytes);
    });
    return right ? bytes : undefined;
  }

  /** Is what `hashOf` finds what its name says? Told if it is something else. */
  async #checked(object: string, hashOf: () => Promise<string | undefined>): Promise<boolean> {
    let why: string;
    try {
      const found = await hashOf();
      if (found === undefined) {
        // Some servers that have lost a file still say that they have it.
        this.#seen.bad.add(object);
        return false;
      }
      if (found === object) {
        this.#seen.there.add(object);
        return true;
      }
      why = `its contents have the hash ${found.slice(0, 12)}…`;
    } catch (cause) {
      if (!(cause instanceof WrongSize)) throw cause;
      why = cause.message;
    }
    this.#seen.bad.add(object);
    this.#refuse('cache/remote-object', `the file ${object.slice(0, 12)}…`, why);
    return false;
  }

  async #get(name: string, size: number, exact: boolean): Promise<Uint8Array | undefined> {
    const bytes = await this.#server.get(name, size, exact);
    if (bytes) this.meter.add({ objects: exact ? 1 : 0, bytes: bytes.length });
    return bytes;
  }

  #refuse(code: 'cache/remote-object' | 'cache/remote-record', what: string, why: string): undefined {
    const told = (this.#told.get(code) ?? 0) + 1;
    this.#told.set(code, told);
    if (told > mostWarnings) return undefined;
    const more = told === mostWarnings ? '; more of these are not told' : '';
    this.#warn(
      warning(code, `${what} of the remote cache at ${this.#server.host} is refused: ${why}${more}`, {
        hint: 'what it belongs to is made here instead; whoever runs the cache should look into it',
      }),
    );
    return undefined;
  }
}

/** A record is in memory as a whole. */
const costOf = ([, size]: Stored): Cost => ({ threads: 1, memory: size / 1e6 });
/** Of a file, what is not written yet. */
const streamCost = (stored: Stored): Cost => {
  const { threads, memory } = costOf(stored);
  return { threads, memory: Math.min(memory, streamed) };
};

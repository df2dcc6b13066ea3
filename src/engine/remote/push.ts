import { type Diagnostic, warning } from '../../diagnostics/diagnostic.ts';
import { type Cost, Pool } from '../../util/pool.ts';
import type { Stored } from '../content.ts';
import { Damaged } from '../outgoing.ts';
import type { CallRecord, StepRecord } from '../records.ts';
import type { Store } from '../store.ts';
import { encodeActionResult } from './action-result.ts';
import { connections } from './asker.ts';
import type { Body } from './request.ts';
import type { Server } from './server.ts';
import { actionName, encodeRecord, type Owner, objectOf, objectsOf, recordPath } from './shared-record.ts';
import { inMemory, Meter, type Seen, streamed } from './traffic.ts';

/** Sends results of the store to a server, in the background: files first, then what names them. */
export class Pusher {
  readonly meter = new Meter();
  readonly #server: Server;
  readonly #store: Store;
  readonly #seen: Seen;
  readonly #warn: (diagnostic: Diagnostic) => void;
  readonly #pool = new Pool({ threads: connections.push, memory: inMemory });
  /** Objects on their way there, and those that did not get there. */
  readonly #going = new Map<string, Promise<boolean>>();
  /** Results that are on their way or have been sent, by name. */
  readonly #sent = new Map<string, Promise<void>>();

  constructor(server: Server, store: Store, seen: Seen, warn: (diagnostic: Diagnostic) => void) {
    this.#server = server;
    this.#store = store;
    this.#seen = seen;
    this.#warn = warn;
  }

  /** Sends the record of the store that this owner has, once a run. */
  push(owner: Owner): void {
    const name = actionName(owner);
    if (!this.#server.writable || this.#sent.has(name)) return;
    const sent = this.#send(owner, name).catch((cause: Error) => {
      this.#warn(warning('cache/remote-write', `a result is not sent to ${this.#server.host}: ${cause.message}`));
    });
    this.#sent.set(name, sent);
  }

  /** Waits until all is sent or given up. */
  async settled(): Promise<void> {
    // What is sent may be joined by more meanwhile.
    for (let before = -1; before !== this.#sent.size; ) {
      before = this.#sent.size;
      await Promise.all(this.#sent.values());
    }
  }

  async #send(owner: Owner, name: string): Promise<void> {
    // Not in the way of who calls.
    await new Promise((resolve) => setImmediate(resolve));
    if (!this.#server.writable) return;
    const record = this.#recordOf(owner);
    if (!record) return;
    const bytes = encodeRecord(owner, record);
    const stored = objectOf(bytes);
    const objects = objectsOf(record);
    const there = await Promise.all([
      ...objects.map((object) => this.#bring(object, () => this.#bodyOf(object))),
      this.#bring(stored, () => inOne(bytes)),
    ]);
    if (!there.every((one) => one)) return;
    const files = [
      { path: recordPath, stored },
      ...objects.map((object) => ({ path: `objects/${object[0]}`, stored: object })),
    ];
    const action = encodeActionResult({ files, stdout: 'log' in record ? record.log : undefined });
    const cost = costOf(action.length);
    if (!(await this.#pool.run(cost, () => this.#server.put(`ac/${name}`, inOne(action))))) return;
    this.meter.add({ records: 1, bytes: action.length });
  }

  #recordOf(owner: Owner): StepRecord | CallRecord | undefined {
    const { records } = this.#store;
    return owner.kind === 'call' ? records.readCall(owner.key) : records.readStep(owner.step, owner.key);
  }

  /** What of an object is sent; undefined if it is lost, or damaged. */
  #bodyOf(stored: Stored): Body | undefined {
    const { objects } = this.#store;
    const [, size] = stored;
    if (size > wholeBytes) return { size, content: () => objects.parts(stored) };
    const bytes = objects.read(stored);
    return bytes && inOne(bytes);
  }

  /** Sees to it that the server has an object. */
  #bring(stored: Stored, read: () => Body | undefined): Promise<boolean> {
    const [object, size] = stored;
    const { there, bad } = this.#seen;
    if (there.has(object)) return Promise.resolve(true);
    const already = this.#going.get(object);
    if (already) return already;
    const name = `cas/${object}`;
    const going = this.#pool.run(costOf(size), async () => {
      if (!this.#server.writable) return false;
      if (bad.has(object) || !(await this.#server.has(name, size))) {
        const body = this.#server.writable ? read() : undefined;
        if (!body || !(await this.#put(name, body, stored))) return false;
        this.meter.add({ objects: 1, bytes: size });
      }
      bad.delete(object);
      there.add(object);
      return true;
    });
    // One that failed stays: it is not sent again for every result that names it.
    this.#going.set(object, going);
    return going;
  }

  async #put(name: string, body: Body, stored: Stored): Promise<boolean> {
    try {
      return await this.#server.put(name, body);
    } catch (cause) {
      if (!(cause instanceof Damaged)) throw cause;
      // It is found damaged there too, and removed and told of.
      this.#store.objects.read(stored);
      return false;
    }
  }
}

/** Larger objects are read while they are sent. */
const wholeBytes = 1 << 18;

const inOne = (content: Uint8Array): Body => ({ size: content.length, content });
const costOf = (bytes: number): Cost => ({ threads: 1, memory: Math.min(bytes / 1e6, streamed) });

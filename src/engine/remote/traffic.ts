/** What went one way so far. */
export interface Traffic {
  /** Records of steps and calls. */
  readonly records: number;
  /** Files and records that were carried. */
  readonly objects: number;
  /** Bytes of all that was carried. */
  readonly bytes: number;
}

/** Sums what goes one way. */
export class Meter {
  #sum: Traffic = { records: 0, objects: 0, bytes: 0 };

  get sum(): Traffic {
    return this.#sum;
  }

  add(more: Partial<Traffic>): void {
    const { records, objects, bytes } = this.#sum;
    this.#sum = {
      records: records + (more.records ?? 0),
      objects: objects + (more.objects ?? 0),
      bytes: bytes + (more.bytes ?? 0),
    };
  }
}

/** What has been seen of the server's objects in this run, by hash. */
export interface Seen {
  /** It has them, and right. */
  readonly there: Set<string>;
  /** It has them wrong, or does not give them: they are sent again, whatever it says that it has. */
  readonly bad: Set<string>;
}

/** MB in memory at once, each way. */
export const inMemory = 1000;
/** MB in memory at once of one file that comes or goes in parts. */
export const streamed = 6;

/** What a look at everything that is watched found. */
export interface Looked<W> {
  /** The same for the same contents, be they right or wrong. */
  readonly identity: string;
  /** All that was read, and what is named but not there. */
  readonly paths: readonly string[];
  /** What is to be built; undefined where what was read is wrong. */
  readonly wanted?: W | undefined;
}

/** What a watcher tells, in order. */
export type News<W, R, L extends Looked<W> = Looked<W>> =
  /** Something else than before was found; `changed` are the paths that were saved. */
  | { readonly type: 'looked'; readonly looked: L; readonly changed: readonly string[] }
  /** Something was saved, but what it comes to is the same. */
  | { readonly type: 'same'; readonly changed: readonly string[] }
  | { readonly type: 'started'; readonly wanted: W }
  /** The running build is of no use any more and is being ended. */
  | { readonly type: 'superseded'; readonly wanted: W }
  /** A build ended of which nothing newer is known. */
  | { readonly type: 'built'; readonly wanted: W; readonly result: R }
  /** Nothing runs: it waits for a change. */
  | { readonly type: 'idle' };

/** What a watcher is put together from. None of it may throw for what a user can cause. */
export interface WatchParts<W, R extends { readonly ok: boolean }, L extends Looked<W>> {
  /** Reads everything anew. */
  look(): Promise<L>;
  /** Builds. Ends soon after the signal aborts, and only when all that it started has ended. */
  build(wanted: W, signal: AbortSignal): Promise<R>;
  /**
   * From when it resolves on, changes of these paths come to `Watcher.changed`. True if one that came since the paths were
   * read may have been missed.
   */
  observe(paths: readonly string[]): Promise<boolean>;
  /** Calls back once, when it has been quiet for long enough. Returns what takes that back. */
  later(call: () => void): () => void;
  tell(news: News<W, R, L>): void;
}

/**
 * Builds again whenever what is to be built has changed. Two halves: one reads, one builds.
 *
 *             changed             quiet               looked
 *   watching ─────────▶ settling ───────▶ looking ─────────────▶ watching
 *                        ▲    │ ▲            │ changed meanwhile: what was seen is
 *                        └────┘ └────────────┘ dropped (a file may be half old, half new)
 *                        changed
 *
 *            something else to build            ended
 *     free ──────────────────────────▶ building ─────▶ free
 *                                         │              ▲
 *                       something else ┌──┘              │ ended: the newest that
 *                       to build       ▼                 │ was seen is started
 *                                    ending ─────────────┘
 *
 * A look that finds the same as before disturbs nothing, whatever was saved; only a build that failed is tried again. A look
 * that finds something wrong leaves a running build alone, too: the next save may mend it. Of builds that are being
 * ended nothing is told.
 */
export class Watcher<W, R extends { readonly ok: boolean }, L extends Looked<W> = Looked<W>> {
  /** Rejects if one of the parts throws, which is a defect. */
  readonly broken: Promise<never>;
  readonly #parts: WatchParts<W, R, L>;
  #closed = false;
  /** What was saved since the last look that counted. */
  readonly #changed = new Set<string>();
  /** Takes back the timer, while one runs. */
  #unsettle: (() => void) | undefined;
  #looking = false;
  /** It has been quiet for long enough again while a look was still at it. */
  #overdue = false;
  /** What was told last. */
  #seen: string | undefined;
  #build: Running | undefined;
  /** What comes when the build that is being ended has ended. */
  #next: { readonly identity: string; readonly wanted: W } | undefined;
  /** What was built last, to the end. */
  #built: { readonly identity: string; readonly ok: boolean } | undefined;
  #break: (cause: unknown) => void = () => {};

  constructor(parts: WatchParts<W, R, L>) {
    this.#parts = parts;
    this.broken = new Promise((_, reject) => {
      this.#break = reject;
    });
    this.broken.catch(() => {});
  }

  /** Looks for the first time. */
  start(): void {
    this.#look();
  }

  /** A path was written, removed or has come to be. */
  changed(path: string): void {
    if (this.#closed) return;
    this.#changed.add(path);
    this.#unsettle?.();
    this.#unsettle = this.#parts.later(() => this.#settled());
  }

  /** Ends what runs; nothing is told any more. Resolves when it has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#unsettle?.();
    this.#build?.end();
    await this.#build?.ended;
  }

  #settled(): void {
    this.#unsettle = undefined;
    if (this.#looking) this.#overdue = true;
    else this.#look();
  }

  #look(): void {
    this.#looking = true;
    const looked = async (): Promise<void> => {
      const found = await this.#parts.look();
      this.#looking = false;
      if (this.#closed) return;
      if (this.#overdue) {
        this.#overdue = false;
        this.#look();
      } else if (!this.#unsettle) this.#take(found);
    };
    looked().catch(this.#break);
  }

  /** Goes by what was found, than which there is nothing newer. */
  #take(looked: L): void {
    const changed = [...this.#changed].sort();
    this.#changed.clear();
    if (looked.identity !== this.#seen) this.#parts.tell({ type: 'looked', looked, changed });
    else if (changed.length > 0) this.#parts.tell({ type: 'same', changed });
    this.#seen = looked.identity;
    this.#observe(looked.paths);
    if (looked.wanted !== undefined) this.#want(looked.identity, looked.wanted, changed.length > 0);
    if (!this.#build) this.#parts.tell({ type: 'idle' });
  }

  #observe(paths: readonly string[]): void {
    this.#parts
      .observe(paths)
      .then((missed) => {
        if (missed && !this.#closed && !this.#unsettle) this.#settled();
      })
      .catch(this.#break);
  }

  #want(identity: string, wanted: W, saved: boolean): void {
    if (!this.#build) {
      const done = this.#built?.identity === identity && (this.#built.ok || !saved);
      if (!done) this.#start(identity, wanted);
      return;
    }
    if (this.#build.ending) this.#next = { identity, wanted };
    else if (this.#build.identity !== identity) {
      this.#next = { identity, wanted };
      this.#build.end();
    }
  }

  #start(identity: string, wanted: W): void {
    const controller = new AbortController();
    const running: Running = {
      identity,
      ending: false,
      end: () => {
        if (running.ending) return;
        running.ending = true;
        if (!this.#closed) this.#parts.tell({ type: 'superseded', wanted });
        controller.abort();
      },
      ended: Promise.resolve(),
    };
    this.#build = running;
    this.#parts.tell({ type: 'started', wanted });
    running.ended = this.#parts
      .build(wanted, controller.signal)
      .then((result) => this.#ended(running, wanted, result))
      .catch(this.#break);
  }

  #ended({ identity, ending }: Running, wanted: W, result: R): void {
    this.#build = undefined;
    if (this.#closed) return;
    if (!ending) {
      this.#built = { identity, ok: result.ok };
      this.#parts.tell({ type: 'built', wanted, result });
    }
    const next = this.#next;
    this.#next = undefined;
    if (next) this.#start(next.identity, next.wanted);
    else this.#parts.tell({ type: 'idle' });
  }
}

interface Running {
  readonly identity: string;
  /** It was told to end. */
  ending: boolean;
  end(): void;
  ended: Promise<void>;
}

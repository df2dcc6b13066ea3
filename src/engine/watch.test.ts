import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Looked, type News, Watcher } from './watch.ts';

interface Result {
  readonly ok: boolean;
  readonly of: string;
}

/** All that a watcher uses, moved by hand: time passes, looks end and builds end when the test says so. */
class Rig {
  /** What is saved; text that begins with '!' is wrong. */
  content = 'a';
  paths: readonly string[] = ['recipe'];
  missed = false;
  /** In short what was told and done, since it was last taken. */
  readonly log: string[] = [];
  readonly news: News<string, Result>[] = [];
  readonly builds: { readonly of: string; readonly signal: AbortSignal; end(ok: boolean): void }[] = [];
  timers: (() => void)[] = [];
  looks: (() => void)[] = [];
  running = 0;
  most = 0;
  readonly watcher = new Watcher<string, Result>({
    look: () =>
      new Promise<Looked<string>>((resolve) => {
        this.looks.push(() => {
          const wrong = this.content.startsWith('!');
          resolve({ identity: this.content, paths: this.paths, ...(!wrong && { wanted: this.content }) });
        });
      }),
    build: (of, signal) => {
      this.running += 1;
      this.most = Math.max(this.most, this.running);
      return new Promise((resolve) => {
        const end = (ok: boolean): void => {
          this.running -= 1;
          this.builds.splice(this.builds.indexOf(build), 1);
          resolve({ ok, of });
        };
        const build = { of, signal, end };
        this.builds.push(build);
      });
    },
    observe: async () => {
      const { missed } = this;
      this.missed = false;
      return missed;
    },
    later: (call) => {
      this.timers.push(call);
      return () => {
        this.timers = this.timers.filter((one) => one !== call);
      };
    },
    tell: (news) => {
      this.news.push(news);
      this.log.push(shown(news));
    },
  });

  save(content: string): void {
    this.content = content;
    this.watcher.changed('recipe');
  }

  /** It has been quiet for long enough. */
  async quiet(): Promise<void> {
    const [timer, ...rest] = this.timers;
    expect(rest).toEqual([]);
    this.timers = [];
    timer?.();
    await ticks();
  }

  /** A look that has begun ends. */
  async looked(): Promise<void> {
    this.looks.shift()?.();
    await ticks();
  }

  async ended(ok = true): Promise<void> {
    this.builds[0]?.end(ok);
    await ticks();
  }

  /** Saves, waits, looks. */
  async saved(content: string): Promise<void> {
    this.save(content);
    await this.quiet();
    await this.looked();
  }

  take(): string[] {
    return this.log.splice(0);
  }
}

const ticks = async (): Promise<void> => {
  for (let i = 0; i < 8; i += 1) await Promise.resolve();
};

const shown = (news: News<string, Result>): string => {
  switch (news.type) {
    case 'looked':
      return `looked ${news.looked.identity}`;
    case 'same':
    case 'idle':
      return news.type;
    case 'started':
    case 'superseded':
      return `${news.type} ${news.wanted}`;
    case 'built':
      return `${news.result.ok ? 'built' : 'failed'} ${news.result.of}`;
  }
};

async function begun(content = 'a'): Promise<Rig> {
  const rig = new Rig();
  rig.content = content;
  rig.watcher.start();
  await rig.looked();
  return rig;
}

describe('a watcher', () => {
  it('builds what it finds, and again when something else is found', async () => {
    const rig = await begun();
    expect(rig.take()).toEqual(['looked a', 'started a']);
    await rig.ended();
    expect(rig.take()).toEqual(['built a', 'idle']);
    await rig.saved('b');
    expect(rig.take()).toEqual(['looked b', 'started b']);
    await rig.ended();
    expect(rig.take()).toEqual(['built b', 'idle']);
  });

  it('waits until it is quiet: a burst of saves is one', async () => {
    const rig = await begun();
    await rig.ended();
    rig.take();
    for (const content of ['b', '!', '', 'c']) rig.save(content);
    expect(rig.timers).toHaveLength(1);
    await rig.quiet();
    await rig.looked();
    expect(rig.take()).toEqual(['looked c', 'started c']);
  });

  it('drops what it read while something was saved', async () => {
    const rig = await begun();
    await rig.ended();
    rig.take();
    rig.save('b');
    await rig.quiet();
    rig.save('c');
    await rig.looked();
    expect(rig.take()).toEqual([]);
    await rig.quiet();
    await rig.looked();
    expect(rig.take()).toEqual(['looked c', 'started c']);
  });

  it('reads again at once where it was quiet again before a slow look had ended', async () => {
    const rig = await begun();
    await rig.ended();
    rig.take();
    rig.save('b');
    await rig.quiet();
    rig.save('c');
    await rig.quiet();
    expect(rig.looks).toHaveLength(1);
    await rig.looked();
    expect(rig.take()).toEqual([]);
    await rig.looked();
    expect(rig.take()).toEqual(['looked c', 'started c']);
  });

  it('leaves a running build alone where a save changes nothing', async () => {
    const rig = await begun();
    rig.take();
    await rig.saved('a');
    expect(rig.take()).toEqual(['same']);
    expect(rig.builds[0]!.signal.aborted).toBe(false);
    await rig.ended();
    expect(rig.take()).toEqual(['built a', 'idle']);
    await rig.saved('a');
    expect(rig.take()).toEqual(['same', 'idle']);
  });

  it('supersedes a running build, and starts the newest only when that has ended', async () => {
    const rig = await begun();
    rig.take();
    await rig.saved('b');
    expect(rig.take()).toEqual(['looked b', 'superseded a']);
    expect(rig.builds.map(({ of, signal }) => [of, signal.aborted])).toEqual([['a', true]]);
    await rig.saved('c');
    expect(rig.take()).toEqual(['looked c']);
    await rig.ended();
    expect(rig.take()).toEqual(['started c']);
    await rig.ended();
    expect(rig.take()).toEqual(['built c', 'idle']);
  });

  it('starts again what is wanted again while it is being ended', async () => {
    const rig = await begun();
    await rig.saved('b');
    await rig.saved('a');
    rig.take();
    await rig.ended();
    expect(rig.take()).toEqual(['started a']);
  });

  it('tells what is wrong, keeps the running build, and goes on when it is mended', async () => {
    const rig = await begun();
    rig.take();
    await rig.saved('!');
    expect(rig.take()).toEqual(['looked !']);
    expect(rig.builds[0]!.signal.aborted).toBe(false);
    await rig.saved('a');
    expect(rig.take()).toEqual(['looked a']);
    await rig.ended();
    expect(rig.take()).toEqual(['built a', 'idle']);
    await rig.saved('!');
    expect(rig.take()).toEqual(['looked !', 'idle']);
    await rig.saved('a');
    expect(rig.take()).toEqual(['looked a', 'idle']);
  });

  it('begins with what is wrong, too', async () => {
    const rig = await begun('!');
    expect(rig.take()).toEqual(['looked !', 'idle']);
    await rig.saved('a');
    expect(rig.take()).toEqual(['looked a', 'started a']);
  });

  it('tries a build that failed again when something is saved, and not by itself', async () => {
    const rig = await begun();
    await rig.ended(false);
    expect(rig.take()).toEqual(['looked a', 'started a', 'failed a', 'idle']);
    rig.missed = true;
    await rig.saved('a');
    expect(rig.take()).toEqual(['same', 'started a']);
    await rig.ended(false);
    // The look for what may have been missed.
    await rig.looked();
    expect(rig.take()).toEqual(['failed a', 'idle', 'idle']);
  });

  it('looks again where a change may have been missed', async () => {
    const rig = new Rig();
    rig.missed = true;
    rig.watcher.start();
    await rig.looked();
    rig.content = 'b';
    await rig.looked();
    expect(rig.take()).toEqual(['looked a', 'started a', 'looked b', 'superseded a']);
  });

  it('ends what runs when it is closed, waits for that, and tells nothing more', async () => {
    const rig = await begun();
    rig.take();
    let closed = false;
    const closing = rig.watcher.close().then(() => {
      closed = true;
    });
    rig.save('b');
    await ticks();
    expect(rig.builds[0]!.signal.aborted).toBe(true);
    expect(closed).toBe(false);
    await rig.ended();
    await closing;
    expect(rig.take()).toEqual([]);
    expect(rig.timers).toEqual([]);
  });

  it('is broken by parts that throw', async () => {
    const rig = await begun();
    rig.builds.length = 0;
    const parts = {
      later: () => () => {},
      observe: async () => false,
      tell: () => {},
      build: async () => ({ ok: true }),
    };
    const watcher = new Watcher({ ...parts, look: () => Promise.reject(new Error('defect')) });
    watcher.start();
    await expect(watcher.broken).rejects.toThrow('defect');
  });
});

const move = fc.constantFrom('save', 'same', 'wrong', 'quiet', 'look', 'turn', 'end', 'fail', 'miss');
type Move = typeof move extends fc.Arbitrary<infer M> ? M : never;
const courses = fc.array(move, { minLength: 10, maxLength: 60, size: 'max' });

describe('any course of saves, looks, ends and failures', () => {
  it('comes to the result of what was saved last, one build at a time', async () => {
    let superseded = 0;
    await fc.assert(
      fc.asyncProperty(courses, async (course) => {
        const rig = new Rig();
        let count = 0;
        rig.watcher.start();
        /** What was right when it was looked at last. */
        const good = (): string | undefined => {
          const rights = rig.news.flatMap((one) => (one.type === 'looked' ? (one.looked.wanted ?? []) : []));
          return rights.at(-1);
        };
        const make = async (one: Move): Promise<void> => {
          count += 1;
          if (one === 'save') rig.save(`c${count}`);
          else if (one === 'same') rig.watcher.changed('recipe');
          else if (one === 'wrong') rig.save(`!${count}`);
          else if (one === 'quiet') await rig.quiet();
          else if (one === 'look') await rig.looked();
          else if (one === 'turn') await rig.saved(`c${count}`);
          else if (one === 'miss') rig.missed = true;
          else await rig.ended(one === 'end');
          // A build that is not being ended is of what is wanted now; only such a one's result is told.
          for (const { of, signal } of rig.builds) if (!signal.aborted) expect(of).toBe(good());
          const last = rig.news.at(-1);
          if (last?.type === 'built') expect(last.result.of).toBe(good());
          expect(rig.running).toBe(rig.builds.length);
          expect(rig.most).toBeLessThanOrEqual(1);
        };
        for (const one of course) await make(one);
        // Then nobody saves any more, and all that was begun comes to its end.
        rig.missed = false;
        for (let i = 0; i < 12; i += 1) for (const one of ['quiet', 'look', 'end'] as const) await make(one);
        expect([rig.timers, rig.looks, rig.builds]).toEqual([[], [], []]);
        expect(rig.news.at(-1)).toEqual({ type: 'idle' });
        const seen = rig.news.findLast((one) => one.type === 'looked');
        expect(seen?.looked.identity).toBe(rig.content);
        const built = rig.news.findLast((one) => one.type === 'built');
        if (good() !== undefined) expect(built?.result.of).toBe(good());
        else expect(built).toBeUndefined();
        superseded += rig.news.filter(({ type }) => type === 'superseded').length;
      }),
      { numRuns: 1000, seed: 11 },
    );
    expect(superseded).toBeGreaterThan(100);
  });
});

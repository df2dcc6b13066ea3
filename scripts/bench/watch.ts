import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

/** Milliseconds from writing a file to the line with the estimates, of each save. */
export interface Latency {
  /** While nothing was built. */
  readonly idle: readonly number[];
  /** While the build of the save before ran. */
  readonly building: readonly number[];
}

export interface Watched {
  readonly cli: string;
  /** Of `finn watch`: the recipe and options. */
  readonly args: readonly string[];
  readonly cwd: string;
  readonly cache: string;
  /** The file that is saved, and two texts that take turns in it. */
  readonly file: string;
  readonly texts: readonly [string, string];
  readonly saves: number;
}

interface Event {
  readonly type: string;
}

/** Saves a file again and again under `finn watch --json`; the file is as it was at the end. */
export async function watchLatency({ cli, args, cwd, cache, file, texts, saves }: Watched): Promise<Latency> {
  const child = spawn(process.execPath, [cli, 'watch', ...args, '--json'], {
    cwd,
    env: { ...process.env, FINN_CACHE: cache },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let last = '';
  let rest = '';
  let hear: (event: Event) => void = () => {};
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      const event = JSON.parse(line) as Event;
      last = event.type;
      hear(event);
    }
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  const next = (type: string): Promise<void> =>
    new Promise((resolve, reject) => {
      void ended.then(() => reject(new Error(`finn watch ended before '${type}'`)));
      hear = (event) => {
        if (event.type === type) resolve();
        if (event.type === 'wrong') reject(new Error(JSON.stringify(event)));
      };
    });
  const before = readFileSync(file, 'utf8');
  if (!before.includes(texts[0])) throw new Error(`${file} has no ${texts[0]}`);
  let count = 0;
  const save = async (): Promise<number> => {
    count += 1;
    const text = count % 2 === 1 ? before.replace(texts[0], texts[1]) : before;
    const estimated = next('estimated');
    const from = performance.now();
    writeFileSync(file, text);
    await estimated;
    return performance.now() - from;
  };
  const idle: number[] = [];
  const building: number[] = [];
  try {
    await next('idle');
    for (let i = 0; i < saves; i += 1) {
      idle.push(await save());
      if (last !== 'idle') await next('idle');
    }
    for (let i = 0; i < saves; i += 1) {
      building.push(await save());
      // Every one at another point of the build.
      await new Promise((resolve) => setTimeout(resolve, 100 + 37 * i));
    }
  } finally {
    writeFileSync(file, before);
    child.kill('SIGINT');
    await ended;
  }
  return { idle, building };
}

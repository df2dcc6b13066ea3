import { existsSync, realpathSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { FSWatcher } from 'chokidar';
import { isFolder } from '../util/files.ts';

/**
 * Watches files by their names, be they there or not: it watches the folders around them, since a file that is saved by
 * rename, or removed and written again, is another one each time.
 */
export class FileWatch {
  readonly #onChange: (path: string) => void;
  #watcher: FSWatcher | undefined;
  /** What is watched now, as text. */
  #watched = '';
  /** One change of the set after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  /** `onChange` is called with the path of what was written, removed or has come to be. */
  constructor(onChange: (path: string) => void) {
    this.#onChange = onChange;
  }

  /**
   * From now on these paths are watched and no others. Resolves when they are; true if they, or the folders that hold them, are
   * others than before, so that a change since the call may have been missed.
   */
  observe(paths: readonly string[]): Promise<boolean> {
    const turn = this.#turn.then(() => this.#observe(paths));
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#turn;
    await this.#watcher?.close();
  }

  async #observe(paths: readonly string[]): Promise<boolean> {
    const { folders, names } = placesOf(paths);
    const watched = [...folders, '', ...names].join('\n');
    if (watched === this.#watched || this.#closed) return false;
    const { watch } = await import('chokidar');
    const watcher = watch([...folders], {
      depth: 0,
      ignoreInitial: true,
      // Its own wait for the second half of a save by rename: whoever is told waits until it is quiet.
      atomic: false,
      ignorePermissionErrors: true,
      ignored: (path) => !folders.has(resolve(path)) && !names.has(resolve(path)),
    });
    const told = (path: string): void => {
      if (names.has(path) || (folders.has(path) && !existsSync(path))) this.#onChange(path);
    };
    watcher.on('all', (_, path) => told(resolve(path)));
    // Of changes within 50 ms it tells the first alone, which may be the truncation of a file before it is written.
    watcher.on('raw', (_, name, details) => {
      const { watchedPath } = details as { readonly watchedPath: string };
      told(resolve(watchedPath));
      if (name) told(resolve(watchedPath, name));
    });
    // A folder that vanished, or too many watches: whoever looks next sees what is there.
    watcher.on('error', () => {});
    await new Promise<void>((ready) => watcher.once('ready', ready));
    await this.#watcher?.close();
    this.#watcher = watcher;
    this.#watched = watched;
    return true;
  }
}

/** The folders to be watched for these files, and the names in them that count. */
function placesOf(paths: readonly string[]): { folders: ReadonlySet<string>; names: ReadonlySet<string> } {
  const folders = new Set<string>();
  const names = new Set<string>();
  for (const path of paths.flatMap(withTarget)) {
    let name = path;
    // Where the folder is not there either, the first of its own that is not.
    for (let folder = dirname(name); !isFolder(folder) && folder !== dirname(folder); folder = dirname(folder)) {
      name = folder;
      names.add(name);
    }
    names.add(path);
    folders.add(dirname(name));
  }
  return { folders: new Set([...folders].sort()), names: new Set([...names].sort()) };
}

/** A path and, where it is or goes through a symbolic link, the file that it means. */
function withTarget(path: string): string[] {
  const at = resolve(path);
  try {
    const real = realpathSync(at);
    return real === at ? [at] : [at, real];
  } catch {
    return [at];
  }
}

import { readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ownEnvironment, surroundingsOf } from '../../config/environment.ts';
import { configName } from '../../config/project.ts';
import type { Built } from '../../engine/engine.ts';
import type { Display, EngineEvent } from '../../engine/events.ts';
import { ownFiles } from '../../engine/own-code.ts';
import { summary } from '../../ui/screen.ts';
import { isFolder, listTree, writeAtomically } from '../../util/files.ts';
import { lockPath } from '../lock.ts';
import { namedPaths } from '../named-paths.ts';
import type { Io, Session } from '../session.ts';
import {
  type Call,
  findNote,
  hold,
  type Note,
  type Printed,
  pathIn,
  placesOf,
  stampsOf,
  textOf,
  thisCall,
} from './note.ts';

/**
 * Hears what a build prints, and notes at its end what it looked at. When the next one has nothing to do and all that was as
 * noted before its first look and after its last, what it printed is noted too: from then on `answerNoOp` answers. No clock
 * is asked.
 */
export class NoteKeeper {
  /** As the one that was given, and heard. */
  readonly io: Io;
  readonly #recipe: string;
  readonly #call: Call;
  /** The note from before, if all is as it says. */
  readonly #before: Note | undefined;
  readonly #lines: (readonly [to: 'out' | 'err', text: string])[] = [];
  #done: Extract<EngineEvent, { type: 'done' }> | undefined;

  /** `words` are those behind `finn`. It is to come before anything that a build reads. */
  constructor(recipe: string, words: readonly string[], io: Io) {
    this.#recipe = recipe;
    this.#call = thisCall(words);
    const found = findNote(recipe, this.#call, ownEnvironment);
    this.#before = found && hold(found.stamps) ? found : undefined;
    const heard = (to: 'out' | 'err') => (line: string) => {
      this.#lines.push([to, line]);
      io[to](line);
    };
    this.io = {
      ...io,
      out: heard('out'),
      err: heard('err'),
      get color() {
        return io.color;
      },
      set color(color) {
        io.color = color;
      },
    };
  }

  /** A display that is heard too. */
  hear(display: Display): Display {
    return (event) => {
      if (event.type === 'done') this.#done = event;
      display(event);
    };
  }

  /** A build has ended well, and its results lie in these folders. Nothing is noted of what could change unseen. */
  async keep(session: Session, built: Built, folders: readonly string[]): Promise<void> {
    const { project, plugins, local, store } = session;
    const { readings } = built;
    const cache = store.folder;
    if (!placesOf(this.#recipe, ownEnvironment).includes(cache)) return;
    // A step of a plug-in may read what it likes, where it likes.
    if (plugins.ownSteps.some(({ name }) => readings.opaque.has(name))) return;
    const models = [...session.recipe.networks.values()].map(({ model }) => model);
    if (project.mirrors.length > 0 && models.some(({ kind }) => kind === 'url')) return;
    const grounds = await local.grounds();
    if (grounds.includes(undefined)) return;
    const files = grounds.flatMap((ground) => (ground?.kind === 'file' ? [ground.path] : []));
    const paths = new Set([
      ...ownFiles(),
      ...placesAbove(this.#recipe),
      ...namedPaths(this.#recipe, session),
      resolve(lockPath(this.#recipe)),
      ...readings.paths,
      ...files,
      ...cacheFolders(cache),
      ...folders.flatMap((folder) => listTree(folder).map((path) => resolve(folder, path))),
    ]);
    const stamps = stampsOf([...paths]);
    if (!stamps) return;
    const same = this.#before !== undefined && JSON.stringify(this.#before.stamps) === JSON.stringify(stamps);
    const note: Note = {
      call: this.#call,
      surroundings: surroundingsOf(ownEnvironment),
      stamps,
      said: grounds.filter((ground) => ground?.kind === 'said'),
      root: built.root,
      leases: join(cache, 'leases'),
      printed: same && built.outcomes.every(({ how }) => how === 'fresh') ? this.#printed() : undefined,
    };
    try {
      writeAtomically(pathIn(cache, this.#call), textOf(note));
    } catch {
      // A cache that cannot be written goes without.
    }
  }

  #printed(): Printed | undefined {
    const done = this.#done ? this.#lines.findIndex(([, text]) => text === summary(this.#done!)) : -1;
    return done < 0 ? undefined : { lines: this.#lines, done, fresh: this.#done!.fresh, color: this.io.color };
  }
}

/** What decides which finn.config.yaml and which project a recipe has. */
function placesAbove(recipe: string): string[] {
  const paths: string[] = [];
  for (let folder = dirname(resolve(recipe)); ; folder = dirname(folder)) {
    const git = join(folder, '.git');
    // The folder itself changes with every command of git.
    paths.push(join(folder, configName), isFolder(git) ? join(git, 'HEAD') : git);
    if (folder === dirname(folder)) return paths;
  }
}

/** The folders of a cache that hold results: what goes, or is replaced, changes them. */
function cacheFolders(cache: string): string[] {
  return ['steps', 'calls', 'objects', 'downloads'].flatMap((name) => {
    const path = join(cache, name);
    return [path, ...(isFolder(path) ? readdirSync(path).map((below) => join(path, below)) : [])].filter(isFolder);
  });
}

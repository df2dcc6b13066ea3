import { readdirSync, utimesSync } from 'node:fs';
import { ownEnvironment, surroundingsOf } from '../../config/environment.ts';
import { summary } from '../../ui/screen.ts';
import { findNote, hold, type Note, type Printed, thisCall } from './note.ts';

/** Where an answer goes. */
export interface Paper {
  /** Writes a text with an end of line; false where it could not, or not whole. */
  write(to: 'out' | 'err', text: string): boolean;
  /** Would diagnostics be coloured? */
  isColored(): boolean;
}

/**
 * Answers `finn build` where nothing has changed since the same call last had nothing to do; false where that has to be
 * looked into. It looks at everything that a build looks at, and reads nothing of it.
 */
export async function answerNoOp(words: readonly string[], paper: Paper): Promise<boolean> {
  if (words[0] !== 'build') return false;
  const started = performance.now();
  const call = thisCall(words);
  for (const recipe of words.slice(1).filter((word) => !word.startsWith('-'))) {
    const note = findNote(recipe, call, ownEnvironment);
    if (!note?.printed || !(await stillHolds(note, note.printed, paper))) continue;
    used(note.root);
    return print(note.printed, (performance.now() - started) / 1000, paper);
  }
  return false;
}

async function stillHolds(note: Note, { color, lines }: Printed, paper: Paper): Promise<boolean> {
  if (JSON.stringify(surroundingsOf(ownEnvironment)) !== JSON.stringify(note.surroundings)) return false;
  if (lines.some(([to]) => to === 'err') && paper.isColored() !== color) return false;
  // Whoever was killed has left something behind, which the next finn clears away.
  if (inUse(note.leases) || !hold(note.stamps)) return false;
  if (note.said.length === 0) return true;
  const { saysTheSame } = await import('../../engine/executors/grounds.ts');
  return (await Promise.all(note.said.map((said) => saysTheSame(said, ownEnvironment)))).every(Boolean);
}

function inUse(leases: string): boolean {
  try {
    return readdirSync(leases).length > 0;
  } catch {
    return false;
  }
}

/** What was used last is the last that `finn cache gc` removes. */
function used(root: string): void {
  try {
    const now = new Date();
    utimesSync(root, now, now);
  } catch {
    // A cache that cannot be written loses nothing either.
  }
}

/** Whoever cannot take all of it is asked in the usual way, from the start. */
function print({ lines, done, fresh }: Printed, seconds: number, { write }: Paper): boolean {
  const ended = summary({ type: 'done', ok: true, ran: 0, fresh, failed: 0, seconds });
  const texts = lines.map(([to, text], i) => ({ to, text: i === done ? ended : text }));
  const separate = texts.some(({ to }) => to === 'err');
  if (!separate) return write('out', texts.map(({ text }) => text).join('\n'));
  return texts.every(({ to, text }) => write(to, text));
}

import type { Course } from './course.ts';

/** A schedule that is being played: the cycles of its beats, as far as those of its neighbours are known. */
export interface Player {
  /** Plays on as far as it can, to the end of frame `frames` at most. */
  advance(frames: number): void;
  /** Frames that it has begun and ended, and what tells one frame's course from another's. */
  readonly course: Course;
  /** The cycle from which on nothing that it has played so far holds it up; Infinity if that cannot be told. */
  restsFrom(): number;
  /** Did the first frame begin in the very cycle in which the first beat that it takes was there? */
  readonly prompt: boolean;
}

/** Tells the stage with that number that something it may have waited for is known. */
export type Wake = (stage: number) => void;

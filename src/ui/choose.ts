import { jsonScreen } from './json.ts';
import { plainScreen } from './plain.ts';
import type { Screen, ScreenOptions } from './screen.ts';

export interface ChooseOptions extends ScreenOptions {
  /** JSON lines, whatever the terminal. */
  readonly json: boolean;
  /** May the screen be drawn on: is it a terminal, and did nobody ask for plain lines? */
  readonly terminal: boolean;
}

/** JSON lines if asked for, rows on a terminal, plain lines otherwise. */
export async function chooseScreen({ json, terminal, ...options }: ChooseOptions): Promise<Screen> {
  if (json) return jsonScreen(options.write);
  if (!terminal) return plainScreen(options);
  const { listrScreen } = await import('./listr.ts');
  return listrScreen(options);
}

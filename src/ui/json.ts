import type { Screen } from './screen.ts';

/** Events as JSON, one a line, for machines; all but the lines of running tools' logs. */
export const jsonScreen = (write: (line: string) => void): Screen => ({
  display(event) {
    if (event.type !== 'line') write(JSON.stringify(event));
  },
  close: async () => {},
});

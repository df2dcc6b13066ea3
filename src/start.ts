#!/usr/bin/env node
import { writeSync } from 'node:fs';
import { answerNoOp } from './commands/no-op/answer.ts';
import { harmless } from './diagnostics/visible.ts';

// What `finn` starts. A build with nothing to do is answered here, by what is made into one small file (scripts/bundle.js): Node takes
// longer to load the rest of finn than to look whether anything has changed. All else is in cli.ts.

/** Without process.stdout, which takes milliseconds to be made; false where that is needed. */
function write(to: 'out' | 'err', text: string): boolean {
  try {
    const bytes = Buffer.from(`${harmless(text)}\n`);
    return writeSync(to === 'out' ? 1 : 2, bytes) === bytes.length;
  } catch {
    return false;
  }
}

const isColored = (): boolean => process.stderr.isTTY === true && process.stderr.hasColors();

void answerNoOp(process.argv.slice(2), { write, isColored }).then((answered) =>
  answered ? undefined : import('./cli.ts'),
);

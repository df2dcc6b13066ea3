import type { AnyStep } from '../engine/step.ts';
import { bitfile } from './bitfile.ts';
import { codegen } from './codegen.ts';
import { driver } from './driver.ts';
import { fold } from './fold.ts';
import { importNetwork } from './import.ts';
import { lower } from './lower.ts';
import { fetchModel, runModel } from './model.ts';
import { simulate } from './simulate.ts';
import { stitch } from './stitch.ts';
import { streamline } from './streamline.ts';
import { synthesize } from './synthesize.ts';
import { verifyShell } from './verify-shell.ts';

/** Every step, in the order in which a build goes through them. What needs what is said by the steps themselves. */
export const steps: readonly AnyStep[] = [
  fetchModel,
  runModel,
  importNetwork,
  streamline,
  lower,
  fold,
  codegen,
  synthesize,
  stitch,
  simulate,
  verifyShell,
  bitfile,
  driver,
];

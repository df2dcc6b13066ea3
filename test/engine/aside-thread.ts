import { runSteps } from '../../src/engine/executors/step-thread.ts';
import { asideSteps } from './aside-steps.ts';

/** The thread of aside.test.ts. */
runSteps(asideSteps);

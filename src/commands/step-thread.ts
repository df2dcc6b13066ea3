import { runSteps } from '../engine/executors/step-thread.ts';
import { loadProgram, type Program } from '../plugins/load.ts';

/** A thread that runs steps of a build, with the plug-ins that the build was opened with. */
runSteps((program: Program | undefined) => loadProgram(program).steps);

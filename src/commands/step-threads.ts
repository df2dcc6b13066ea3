import type { Aside } from '../engine/aside.ts';
import { StepThreads } from '../engine/executors/step-threads.ts';
import type { Plugins } from '../plugins/load.ts';

const module = new URL(`./step-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/** They stay warm from one build to the next that has the same plug-ins. */
let inUse: { readonly plugins: Plugins; readonly threads: StepThreads } | undefined;

/** The threads in which steps of builds with these plug-ins run. */
export function stepThreads(plugins: Plugins): Aside {
  if (inUse?.plugins !== plugins) {
    void inUse?.threads.close();
    inUse = {
      plugins,
      threads: new StepThreads({ module, data: plugins.program, always: plugins.program !== undefined }),
    };
  }
  return inUse.threads;
}

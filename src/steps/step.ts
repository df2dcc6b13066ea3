import type { Handles, Makes } from '../engine/artifact.ts';
import { type Step, step } from '../engine/step.ts';
import type { BuildSettings, NetworkSettings } from './settings.ts';

/** A step that runs once for a network, whatever the builds. */
export const networkStep = <N extends Handles, M extends Makes, C>(
  definition: Omit<Step<N, M, C, NetworkSettings>, 'per'>,
): Step<N, M, C, NetworkSettings> => step({ ...definition, per: 'network' });

/** A step that runs once for a build. */
export const buildStep = <N extends Handles, M extends Makes, C>(
  definition: Omit<Step<N, M, C, BuildSettings>, 'per'>,
): Step<N, M, C, BuildSettings> => step({ ...definition, per: 'build' });

/** A step that runs once for each layer of a build. */
export const layerStep = <N extends Handles, M extends Makes, C>(
  definition: Omit<Step<N, M, C, BuildSettings>, 'per'>,
): Step<N, M, C, BuildSettings> => step({ ...definition, per: 'layer' });

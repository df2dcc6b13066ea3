/** The variables of the environment that finn reads; everything else is invisible to it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** That of this process. Nothing else of finn looks at it. */
export const ownEnvironment: Environment = process.env;

/** Where programs and files lie. */
const places = ['PATH', 'HOME', 'TMPDIR', 'TEMP', 'TMP', 'SystemRoot', 'LD_LIBRARY_PATH', 'XDG_CACHE_HOME'];

/** Names of what is secret: of finn's remote cache, of Slurm, of npm. It bears on no result, and is written nowhere. */
const secret = /^FINN_REMOTE_|TOKEN|PASSWORD|SECRET|CREDENTIAL|JWT|AUTH|_KEY$/;

/** Of an environment, what may bear on a build: finn's own variables, those of Node and of Slurm, and where things lie; no secrets. */
export function surroundingsOf(environment: Environment): Readonly<Record<string, string>> {
  const bears = (name: string): boolean =>
    (/^(FINN|NODE|SLURM|SBATCH|SQUEUE)_/.test(name) && !secret.test(name)) ||
    places.includes(name) ||
    name === 'NO_COLOR' ||
    name === 'FORCE_COLOR';
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]): [string, string][] =>
      value !== undefined && bears(name) ? [[name, value]] : [],
    ),
  );
}

import { bug } from '../../../diagnostics/diagnostic.ts';

/** A word of bash that stands for exactly this text, whatever is in it. */
export function quote(text: string): string {
  if (text.includes('\0')) bug(`an argument with a NUL: ${JSON.stringify(text)}`);
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  // sbatch refuses scripts with ends of line of DOS: control characters are spelt out.
  if ([...text].some(isControl)) {
    const spelt = [...text].map((c) => {
      if (c === "'" || c === '\\') return `\\${c}`;
      return isControl(c) ? `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}` : c;
    });
    return `$'${spelt.join('')}'`;
  }
  return `'${text.replaceAll("'", "'\\''")}'`;
}

const isControl = (c: string): boolean => c < ' ' || c === '\u007f';

/** What a job does. */
export interface Task {
  /** The call's directory; `slurm/` in it is the job's own. */
  readonly directory: string;
  /** Program and arguments. They run in `slurm/run-<run>`. */
  readonly command: readonly string[];
  /** Does that folder begin with the call's files? */
  readonly files: boolean;
  /** Asks the tool for its version, whatever machine this is; undefined where that is not asked. */
  readonly version: readonly string[] | { readonly hashOf: string } | undefined;
  /** What is undefined is not to be there. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The cluster owner's lines. */
  readonly setup: readonly string[];
  /** Seconds that the command may take; no limit if undefined. */
  readonly limit: number | undefined;
}

/**
 * The script of a job. A run is named by the job's id and how often Slurm has put it into the queue again, so that no run
 * sees what another left behind. The exit status comes last, by rename: what it stands beside is whole. A run that was told
 * to end says so in `told-<run>`.
 */
export function jobScript({ directory, command, files, version, environment, setup, limit }: Task): string {
  const words = (list: readonly string[]): string => list.map(quote).join(' ');
  return `${[
    '#!/bin/bash',
    '# Written by finn. Whoever ends the job sends TERM to all of it: what the tool then says of its end is not its result.',
    `run="$SLURM_JOB_ID-\${SLURM_RESTART_COUNT:-0}"`,
    `told=${quote(`${directory}/slurm/told-`)}"$run"`,
    `trap ': >"$told"; exit 143' TERM`,
    ...setup,
    'set +eu',
    `cd -- ${quote(directory)} || exit 1`,
    ...Object.entries(environment).map(([name, value]) =>
      value === undefined ? `unset ${name}` : `export ${name}=${quote(value)}`,
    ),
    'folder="slurm/run-$run"',
    'rm -rf -- "$folder"',
    `${files ? 'cp -R slurm/inputs' : 'mkdir'} "$folder" || exit 1`,
    ...(version === undefined
      ? []
      : 'hashOf' in version
        ? [`sha256sum <"$(command -v -- ${quote(version.hashOf)})" >"slurm/version-$run" 2>&1`]
        : [`${words(version)} >"slurm/version-$run" 2>&1 </dev/null`]),
    `now() { local t="\${EPOCHREALTIME:-$SECONDS.000000}"; echo "\${t/./}"; }`,
    'start=$(now)',
    'late=',
    // Not the job's number alone: another cluster's jobs may run on this machine.
    'here="$PWD/$folder"',
    ...(limit === undefined ? [] : clock(limit)),
    `(cd -- "$folder" && ${limit === undefined ? '' : 'export FINN_RUN="$here" && exec {clock}>&- && '}exec ${words(command)}) >"slurm/log-$run" 2>&1 </dev/null`,
    'status=$?',
    ...(limit === undefined ? [] : ['exec {clock}>&-', `[ -e "slurm/late-$run" ] && late=' ${limit}'`]),
    'echo "$status $(($(now) - start))$late" >"slurm/exit-$run.tmp" && mv -- "slurm/exit-$run.tmp" "slurm/exit-$run"',
    'exit "$status"',
  ].join('\n')}\n`;
}

/**
 * Ends the tool at its limit, with all that it started: programs that have the run in their environment, again and again
 * until there are none and the script has closed its end of the pipe, which it also does by dying. The script's own process
 * group is what Slurm signals, so the tool has to stay in it.
 */
const clock = (seconds: number): string[] => [
  'exec {clock}> >(',
  `  read -r -t ${seconds}`,
  '  [ $? -gt 128 ] || exit 0',
  '  : >"slurm/late-$run"',
  '  while :; do',
  `    found=$(grep -lzxsF -- "FINN_RUN=$here" /proc/[0-9]*/environ)`,
  `    found=\${found//[!0-9[:space:]]/}`,
  '    [ -z "$found" ] || kill -KILL $found 2>/dev/null',
  '    read -r -t 0.2',
  '    [ $? -gt 128 ] || { [ -n "$found" ] || exit 0; sleep 0.1; }',
  '  done',
  ')',
];

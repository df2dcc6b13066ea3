// Compiles src/ to dist/ and copies the files that lie beside modules (.sv, .cc, .py …), which modules find by import.meta.url.
// What is imported from outside or started, cli.js, index.js, the process that watch builds in and the threads that steps run in, then stands for
// bundles in dist/bundle/; what `finn` starts, start.cjs, is a file of its own.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle, bundleAlone } from './bundle.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, 'dist');
rmSync(dist, { recursive: true, force: true });
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
execFileSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json')], { stdio: 'inherit', cwd: root });
cpSync(join(root, 'src'), dist, { recursive: true, filter: (path) => extname(path) !== '.ts' });
const entries = ['cli.js', 'index.js', 'commands/watch-builder.js', 'commands/step-thread.js'];
await bundle(
  entries.map((path) => join(dist, path)),
  join(dist, 'bundle'),
);
// All from one bundle: an artifact or an error that a plug-in gets from index.js is the one that cli.js knows.
writeFileSync(join(dist, 'cli.js'), "#!/usr/bin/env node\nimport './bundle/cli.js';\n");
writeFileSync(join(dist, 'index.js'), "export * from './bundle/index.js';\n");
for (const name of ['watch-builder', 'step-thread'])
  writeFileSync(join(dist, `commands/${name}.js`), `import '../bundle/${name}.js';\n`);
// What `finn` starts.
await bundleAlone(join(dist, 'start.js'), join(dist, 'start.cjs'), './cli.js');
rmSync(join(dist, 'start.js'));
// cli.js was what `finn` started once, and npx has a long memory.
for (const name of ['start.cjs', 'cli.js']) chmodSync(join(dist, name), 0o755);

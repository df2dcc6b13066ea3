// Puts modules together into few files: Node takes a tenth of a second to find and read the four hundred of src/.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, relative } from 'node:path';

// esbuild comes with tsx.
const { build } = createRequire(createRequire(import.meta.url).resolve('tsx/package.json'))('esbuild');

/**
 * Bundles entries and what they import into a folder, packages left out; what is imported when needed stays a file of
 * its own. Modules go on finding the files beside their sources: `import.meta.url` is what it was.
 * @param {readonly string[]} entries absolute paths of modules
 * @param {string} out absolute path of a folder
 * @returns {Promise<void>}
 */
export async function bundle(entries, out) {
  const urls = {
    name: 'urls-as-they-were',
    /** @param {import('esbuild').PluginBuild} esbuild */
    setup(esbuild) {
      esbuild.onLoad({ filter: /\.[jt]s$/ }, async ({ path }) => {
        const text = await readFile(path, 'utf8');
        const place = relative(out, path).replaceAll('\\', '/');
        return {
          contents: text.replaceAll('import.meta.url', `new URL(${JSON.stringify(place)}, import.meta.url).href`),
          loader: path.endsWith('.ts') ? 'ts' : 'js',
          resolveDir: dirname(path),
        };
      });
    },
  };
  await build({
    entryPoints: [...entries],
    outdir: out,
    entryNames: '[name]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
    plugins: [urls],
  });
}

/**
 * Puts a module and all that it imports, but for one, into a single CommonJS file, which Node starts a few milliseconds
 * sooner than modules.
 * @param {string} entry absolute path of the module
 * @param {string} out absolute path of the file
 * @param {string} but the import that stays one, as the module writes it
 * @returns {Promise<void>}
 */
export async function bundleAlone(entry, out, but) {
  await build({
    entryPoints: [entry],
    outfile: out,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    external: [but],
    logLevel: 'warning',
  });
}

// Runs the call of this bundle again, as call.json has it, in the folder run/ beside it. Ends with the status of the tool.
//   node run.mjs
// The tool has to be here: README.txt says which, and which version.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** @typedef {{ [name: string]: Uint8Array | string | Tree }} Tree */

const here = dirname(fileURLToPath(import.meta.url));
const { program, args, outputs, files, exit } = JSON.parse(readFileSync(join(here, 'call.json'), 'utf8'));
const folder = join(here, 'run');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
/** @type {Record<string, Uint8Array>} */
const contents = {};
for (const name of Object.keys(files)) {
  const bytes = readFileSync(join(here, 'files', name));
  contents[name] = bytes;
  put(name, bytes);
}

const status = program.kind === 'native' ? native() : await (program.kind === 'npm' ? wasm() : own());
const missing = Object.values(outputs).filter((path) => path !== '<log>' && !existsSync(join(folder, path)));
const was = exit === null ? 'took too long, or wrote too much, and was ended' : `ended with status ${exit}`;
say(`ended with status ${status}; it ${was} when it failed`);
if (missing.length > 0) say(`it left no ${missing.join(', ')}`);
process.exitCode = status;

function native() {
  const env = { ...process.env, LC_ALL: 'C', LANG: 'C', TZ: 'UTC', SOURCE_DATE_EPOCH: '0' };
  const { status, signal, error } = spawnSync(program.command, args, { cwd: folder, env, stdio: 'inherit' });
  if (error) throw error;
  return status ?? `signal ${signal}`;
}

async function wasm() {
  const library = await import(program.package);
  /** @type {Tree} */
  const tree = {};
  for (const [name, bytes] of Object.entries(contents)) {
    const path = name.split('/');
    let at = tree;
    for (const part of path.slice(0, -1)) {
      at[part] ??= {};
      at = /** @type {Tree} */ (at[part]);
    }
    at[path.at(-1) ?? ''] = bytes;
  }
  const print = (/** @type {Uint8Array | null} */ bytes) => void (bytes && process.stdout.write(bytes));
  try {
    keep(await library[program.run]([...args], tree, { stdout: print, stderr: print, fetchProgress() {} }), '');
    return 0;
  } catch (problem) {
    if (!(problem instanceof library.Exit)) throw problem;
    const { code, files: left } = /** @type {{ code: number, files?: Tree }} */ (problem);
    keep(left ?? {}, '');
    return code;
  }
}

async function own() {
  const module = await import(pathToFileURL(join(here, program.path)).href);
  try {
    keep(await module.run(args, contents, say), '');
    return 0;
  } catch (problem) {
    say(String(problem));
    return 1;
  }
}

/**
 * Writes what a tool that runs in memory left behind.
 * @param {Tree} tree
 * @param {string} prefix
 */
function keep(tree, prefix) {
  for (const [name, value] of Object.entries(tree)) {
    if (value instanceof Uint8Array || typeof value === 'string') put(prefix + name, value);
    else keep(value, `${prefix}${name}/`);
  }
}

/**
 * @param {string} name
 * @param {Uint8Array | string} bytes
 */
function put(name, bytes) {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  const [a, b] = Buffer.from(bytes);
  if ((a === 0x23 && b === 0x21) || (a === 0x7f && b === 0x45)) chmodSync(path, 0o755);
}

/** @param {string} text */
function say(text) {
  process.stdout.write(`${text}\n`);
}

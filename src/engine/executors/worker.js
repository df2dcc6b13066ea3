// @ts-check
// Runs in a worker thread: WebAssembly tools of npm packages in the calling convention of @yowasp, and module tools of
// ours. It is JavaScript because Node 20 starts no worker from TypeScript, and sources must run as they are in tests.
import { parentPort } from 'node:worker_threads';

/** @typedef {{ [name: string]: Uint8Array | string | Tree }} Tree */
/**
 * @typedef {object} Job
 * @property {{ kind: 'wasm', package: string, run: string } | { kind: 'module', url: string }} program
 * @property {readonly string[]} args
 * @property {Readonly<Record<string, Uint8Array | string>>} files
 * @property {readonly string[]} outputs names of the files that are to be sent back
 */

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
/** Entry points whose WebAssembly is loaded already, so that they may run synchronously. */
const ready = new Set();
/** Node has WebAssembly, its types of Node 20 do not. */
const { RuntimeError } = /** @type {{ WebAssembly: { RuntimeError: ErrorConstructor } }} */ (
  /** @type {unknown} */ (globalThis)
).WebAssembly;

port.on('message', (/** @type {Job} */ job) => {
  run(job).then(
    (done) => port.postMessage({ type: 'done', ...done }),
    (problem) => port.postMessage({ type: 'broken', code: problem?.code, text: String(problem?.stack ?? problem) }),
  );
});

/** @param {Job} job */
async function run(job) {
  const program = job.program;
  if (program.kind === 'module') {
    const module = await import(program.url);
    try {
      const made = await module.run(job.args, bytesOf(job.files), line);
      return { exit: 0, outputs: pick(job.outputs, (name) => made[name]) };
    } catch (problem) {
      for (const text of String(/** @type {Error} */ (problem)?.message ?? problem).split('\n')) line(text);
      return { exit: 1, outputs: {} };
    }
  }
  const library = await import(program.package);
  const entry = library[program.run];
  if (typeof entry !== 'function') throw new Error(`${program.package} exports no function ${program.run}`);
  const silent = { fetchProgress() {} };
  if (!ready.has(entry)) {
    await entry(null, {}, silent);
    ready.add(entry);
  }
  const streams = [lines(), lines()];
  const [stdout, stderr] = streams;
  let exit = 0;
  /** @type {Tree} */
  let tree = {};
  try {
    const options = { ...silent, stdin: null, stdout, stderr, synchronously: true, decodeASCII: false };
    tree = await entry([...job.args], nest(job.files), options);
  } catch (problem) {
    if (problem instanceof library.Exit) {
      const ended = /** @type {{ code: number, files?: Tree }} */ (problem);
      exit = ended.code;
      tree = ended.files ?? {};
    } else if (problem instanceof RuntimeError || problem instanceof RangeError) {
      // A trap: the program ran into unreachable code, or out of its memory. 134 is what abort() gives natively.
      line(`ERROR: ${program.run} of ${program.package} crashed: ${problem.message}`);
      exit = 134;
    } else throw problem;
  }
  for (const stream of streams) stream(null);
  return { exit, outputs: pick(job.outputs, (name) => find(tree, name)) };
}

/** @param {string} text */
function line(text) {
  port.postMessage({ type: 'line', text });
}

/** A consumer of bytes that posts whole lines; null ends the stream. */
function lines() {
  let rest = '';
  const decoder = new TextDecoder();
  return (/** @type {Uint8Array | null} */ bytes) => {
    rest += bytes === null ? decoder.decode() : decoder.decode(bytes, { stream: true });
    const whole = rest.split('\n');
    rest = whole.pop() ?? '';
    for (const text of whole) line(text.replace(/\r$/, ''));
    if (bytes === null && rest !== '') {
      line(rest);
      rest = '';
    }
  };
}

/** Files by path to nested folders. @param {Job['files']} files @returns {Tree} */
function nest(files) {
  /** @type {Tree} */
  const root = {};
  for (const [path, content] of Object.entries(files)) {
    const folders = path.split('/');
    const name = /** @type {string} */ (folders.pop());
    let folder = root;
    for (const step of folders) {
      folder[step] ??= {};
      folder = /** @type {Tree} */ (folder[step]);
    }
    folder[name] = content;
  }
  return root;
}

/** @param {Tree} tree @param {string} path */
function find(tree, path) {
  /** @type {Tree | Uint8Array | string | undefined} */
  let at = tree;
  for (const step of path.split('/')) {
    if (at === undefined || typeof at === 'string' || at instanceof Uint8Array) return undefined;
    at = at[step];
  }
  return typeof at === 'string' || at instanceof Uint8Array ? at : undefined;
}

/** @param {Job['files']} files */
function bytesOf(files) {
  /** @type {Record<string, Uint8Array>} */
  const out = {};
  for (const [name, content] of Object.entries(files)) out[name] = bytes(content);
  return out;
}

/** @param {Uint8Array | string} content */
const bytes = (content) => (typeof content === 'string' ? new TextEncoder().encode(content) : content);

/** @param {readonly string[]} names @param {(name: string) => Uint8Array | string | undefined} get */
function pick(names, get) {
  /** @type {Record<string, Uint8Array>} */
  const out = {};
  for (const name of names) {
    const content = get(name);
    if (content !== undefined) out[name] = bytes(content);
  }
  return out;
}

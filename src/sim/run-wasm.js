// @ts-check
// Module tool: runs a job (harness.h) in a simulation that clang compiled to WebAssembly.

/**
 * @typedef {object} Simulation what cxxrtl-binding.ts exports
 * @property {{ buffer: ArrayBuffer }} memory
 * @property {() => void} _initialize
 * @property {(words: number) => number} allocate
 * @property {() => number} simulate
 * @property {() => number} result
 */
/** @typedef {{ exports: Simulation }} Instance */
/**
 * @typedef {object} Wasm the part of WebAssembly that is used here; the types of Node 20 have none
 * @property {(bytes: Uint8Array) => Promise<object>} compile
 * @property {(module: object, imports: object) => Promise<Instance>} instantiate
 */
const wasm = /** @type {{ WebAssembly: Wasm }} */ (/** @type {unknown} */ (globalThis)).WebAssembly;

/** WASI's "function not supported": the circuit neither reads nor writes files. */
const unsupported = () => 52;
const wasi = new Proxy({}, { get: () => unsupported });

/** The last program, compiled: runs of one simulation come one after another. @type {{ bytes: Uint8Array, module: object } | undefined} */
let last;

/**
 * @param {readonly string[]} _args
 * @param {Readonly<Record<string, Uint8Array>>} files
 */
export async function run(_args, files) {
  const bytes = files['simulation.wasm'];
  const job = files['job.bin'];
  if (!bytes || !job) throw new Error('simulation.wasm and job.bin are needed');
  if (!last || Buffer.compare(last.bytes, bytes) !== 0) last = { bytes, module: await wasm.compile(bytes) };
  const { exports } = await wasm.instantiate(last.module, { wasi_snapshot_preview1: wasi });
  exports._initialize();
  const at = exports.allocate(job.length / 4);
  new Uint8Array(exports.memory.buffer, at, job.length).set(job);
  const words = exports.simulate();
  return { 'report.bin': new Uint8Array(exports.memory.buffer, exports.result(), words * 4).slice() };
}

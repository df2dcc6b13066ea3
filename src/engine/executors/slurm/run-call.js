// @ts-check
// A program of its own, in a job's script: runs one WebAssembly or module tool as an executor on this machine would, with
// its files from ../inputs, its log on stdout and its outputs in the working folder. It is JavaScript for the reason that
// worker.js is.
import { mkdirSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';

/** @type {{ program: object, args: string[], files: string[], outputs: string[] }} */
const call = JSON.parse(readFileSync('../call.json', 'utf8'));
/** @type {Record<string, Uint8Array>} */
const files = {};
for (const name of call.files) files[name] = new Uint8Array(readFileSync(join('../inputs', name)));

const worker = new Worker(new URL('../worker.js', import.meta.url), { execArgv: [] });
let exit = 70;
worker.on('message', (message) => {
  if (message.type === 'line') {
    say(message.text);
    return;
  }
  if (message.type === 'done') {
    exit = message.exit;
    for (const [path, content] of Object.entries(message.outputs)) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
    }
  } else say(message.text);
  void worker.terminate();
});
worker.on('error', (problem) => say(String(problem?.stack ?? problem)));
worker.on('exit', () => process.exit(exit));
worker.postMessage({ program: call.program, args: call.args, files, outputs: call.outputs });

/** @param {string} text */
function say(text) {
  const bytes = Buffer.from(`${text}\n`);
  for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
}

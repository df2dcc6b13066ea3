// @ts-check
// Begins a thread of finn's own code: `module` of its data says of which. It is JavaScript because Node 20 starts no thread
// from TypeScript, and sources must run as they are in development and in tests.
import { workerData } from 'node:worker_threads';

/** @type {{ module: string }} */
const { module } = workerData;
if (module.endsWith('.ts')) (await import('tsx/esm/api')).register();
await import(module);

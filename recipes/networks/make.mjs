import { writeFileSync } from 'node:fs';
import { networks } from './index.mjs';

/**
 * Writes a network with seeded weights: `node make.mjs NAME [OPTION=VALUE…] FILE.onnx`. Values are JSON or words:
 * `node make.mjs cnv weights=2 activations=2 cnv-w2a2.onnx`, `node make.mjs mlp hidden=[256,256,256] sfc.onnx`.
 */
const [name = '', ...rest] = process.argv.slice(2);
const file = rest.pop();
const make = /** @type {Record<string, (options: object) => { model: Uint8Array }>} */ (networks)[name];
if (make === undefined || file === undefined || file.includes('=')) {
  process.stderr.write(`usage: node make.mjs ${Object.keys(networks).join('|')} [OPTION=VALUE…] FILE.onnx\n`);
  process.exit(2);
}
const value = (/** @type {string} */ text) => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};
const options = Object.fromEntries(
  rest.map((word) => word.split('=')).map(([key = '', text = '']) => [key, value(text)]),
);
writeFileSync(file, make(options).model);

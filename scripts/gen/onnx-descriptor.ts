import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';

/** Text of src/onnx/descriptor.gen.ts: schema/onnx.proto parsed, so that no process has to parse it at its start. */
export function onnxDescriptor(): string {
  const proto = readFileSync(new URL('../../schema/onnx.proto', import.meta.url), 'utf8');
  const json = protobuf.parse(proto, { keepCase: true }).root.toJSON({ keepComments: false });
  return [
    '// Made by `npm run gen` from schema/onnx.proto. Do not edit.',
    '// biome-ignore-all format: generated',
    '/** schema/onnx.proto as protobufjs describes it. */',
    `export const descriptor = ${JSON.stringify(json, undefined, 2)};`,
    '',
  ].join('\n');
}

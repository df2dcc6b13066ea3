import { commandReference, operatorReference, stepReference } from './objects.ts';
import { onnxDescriptor } from './onnx-descriptor.ts';
import { errorReference, schemaReference } from './reference.ts';
import { schemas, schemaTypes, schemaValidators } from './schemas.ts';

/** Every file that is made from others, by path from the root of the project. */
export async function generatedFiles(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['src/config/types.gen.ts', await schemaTypes()],
    ['src/config/validators.gen.ts', schemaValidators()],
    ['src/onnx/descriptor.gen.ts', onnxDescriptor()],
    ...schemas.map(({ kind, schema }): [string, string] => [
      `docs/reference/${kind}.md`,
      schemaReference(kind, schema as Readonly<Record<string, unknown>>),
    ]),
    ['docs/reference/errors.md', errorReference()],
    ['docs/reference/operators.md', operatorReference()],
    ['docs/reference/steps.md', stepReference()],
    ['docs/reference/commands.md', commandReference()],
  ]);
}

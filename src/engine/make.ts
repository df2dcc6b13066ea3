import { bug } from '../diagnostics/diagnostic.ts';
import type { Artifact, Handle, Made } from './artifact.ts';
import { type Content, isFamily, type TreeContent } from './content.ts';
import type { AnyStep, Context } from './step.ts';
import type { ValueCache } from './values.ts';

/** What an input is in the store: a content, or by key those of all scopes below. */
export type StoredInput = Content | readonly (readonly [key: string, content: TreeContent])[];
export type StoredInputs = Readonly<Record<string, StoredInput>>;

/** Runs a step on what is stored, and stores what it makes, by output. Throws LostContent, and what the step throws. */
export async function make(
  step: AnyStep,
  inputs: StoredInputs,
  context: Context<unknown>,
  values: ValueCache,
): Promise<Record<string, Content>> {
  const given = Object.entries(inputs).map(([name, stored]) => {
    const handle = handleOf(step, name);
    return [name, isMany(stored) ? values.all(artifactOf(handle), stored) : values.get(madeOf(handle), stored)];
  });
  const made: Record<string, unknown> = await step.run(Object.fromEntries(given), context);
  const makes: Record<string, Content> = {};
  for (const [name, handle] of Object.entries(step.makes as Record<string, Made>)) {
    if (made[name] === undefined) bug(`step '${step.name}' made no '${name}'`);
    makes[name] = await values.put(handle, made[name]);
  }
  return makes;
}

/** Every artifact among the inputs of a step, as it is stored. */
export function storedArtifacts(step: AnyStep, inputs: StoredInputs): [Artifact<unknown>, TreeContent][] {
  return Object.entries(inputs).flatMap(([name, stored]) => {
    const artifact = artifactOf(handleOf(step, name));
    const trees = isMany(stored) ? stored : isFamily(stored) ? stored.items : [['', stored] as const];
    return trees.map(([, tree]): [Artifact<unknown>, TreeContent] => [artifact, tree]);
  });
}

const handleOf = ({ needs }: AnyStep, name: string): Handle => (needs as Readonly<Record<string, Handle>>)[name]!;

const isMany = (stored: StoredInput): stored is Exclude<StoredInput, Content> => !('hash' in stored);

/** What the step that an input comes from makes. */
const madeOf = (handle: Handle): Made =>
  handle.kind === 'artifact' || handle.kind === 'family' ? handle : artifactOf(handle);

function artifactOf(handle: Handle): Artifact<unknown> {
  switch (handle.kind) {
    case 'artifact':
      return handle;
    case 'family':
      return handle.item;
    case 'item':
      return handle.family.item;
    case 'each':
      return handle.artifact;
  }
}

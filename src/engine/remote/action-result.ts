import { createRequire } from 'node:module';
import type protobuf from 'protobufjs/light.js';
import type { Stored } from '../content.ts';

/** What lies under /ac: names of outputs and where their contents lie under /cas. */
export interface ActionResult {
  readonly files: readonly { readonly path: string; readonly stored: Stored }[];
  /** What the tool wrote, where there was one. */
  readonly stdout?: Stored | undefined;
}

/** The most that an object may have: 2 GB, what one array of bytes can be sure to hold. */
const largestObject = 2 ** 31;

/**
 * The part of Bazel's remote execution API that a cache needs, by the field numbers of
 * build/bazel/remote/execution/v2/remote_execution.proto.
 */
const descriptor = {
  nested: {
    Digest: { fields: { hash: { type: 'string', id: 1 }, size_bytes: { type: 'int64', id: 2 } } },
    OutputFile: { fields: { path: { type: 'string', id: 1 }, digest: { type: 'Digest', id: 2 } } },
    ExecutedActionMetadata: { fields: { worker: { type: 'string', id: 1 } } },
    ActionResult: {
      fields: {
        output_files: { rule: 'repeated', type: 'OutputFile', id: 2 },
        exit_code: { type: 'int32', id: 4 },
        stdout_digest: { type: 'Digest', id: 6 },
        execution_metadata: { type: 'ExecutedActionMetadata', id: 9 },
      },
    },
  },
};

interface Digest {
  readonly hash?: unknown;
  /** A number, or protobufjs' 64-bit integer, which a string can be made of. */
  readonly size_bytes?: unknown;
}
interface Message {
  readonly output_files?: readonly { readonly path?: unknown; readonly digest?: Digest | null }[];
  readonly exit_code?: unknown;
  readonly stdout_digest?: Digest | null;
}

let type: protobuf.Type | undefined;
function messageType(): protobuf.Type {
  if (!type) {
    // On the first use: a build without a remote cache never needs it, and loading takes 30 ms.
    const { Root }: typeof protobuf = createRequire(import.meta.url)('protobufjs/light.js');
    type = Root.fromJSON(descriptor).lookupType('ActionResult');
  }
  return type;
}

/** The message as bytes; equal results give equal bytes. */
export function encodeActionResult({ files, stdout }: ActionResult): Uint8Array {
  const digest = ([hash, size]: Stored): Digest => ({ hash, size_bytes: size });
  const message = {
    output_files: files.map(({ path, stored }) => ({ path, digest: digest(stored) })),
    ...(stdout && { stdout_digest: digest(stdout) }),
    // A server that finds no worker puts in one of its own; and a message of no bytes is none to many servers.
    execution_metadata: { worker: 'finn' },
  };
  return messageType().encode(message).finish();
}

/** Reads a message; undefined if it is none, tells of a failure, or has a digest that is no SHA-256 with its size. */
export function decodeActionResult(bytes: Uint8Array): ActionResult | undefined {
  let message: Message;
  try {
    message = messageType().decode(bytes) as Message;
  } catch {
    return undefined;
  }
  if (message.exit_code !== 0) return undefined;
  const files: { path: string; stored: Stored }[] = [];
  for (const { path, digest } of message.output_files ?? []) {
    const stored = digest ? storedOf(digest) : undefined;
    if (typeof path !== 'string' || !stored) return undefined;
    files.push({ path, stored });
  }
  if (!message.stdout_digest) return { files };
  const stdout = storedOf(message.stdout_digest);
  return stdout && { files, stdout };
}

function storedOf({ hash, size_bytes: bytes }: Digest): Stored | undefined {
  const size = Number(String(bytes));
  return typeof hash === 'string' && isStored([hash, size]) ? [hash, size] : undefined;
}

/** Is it the name of an object and a size that an object may have? */
export const isStored = (value: unknown): value is Stored =>
  Array.isArray(value) &&
  value.length === 2 &&
  typeof value[0] === 'string' &&
  /^[0-9a-f]{64}$/.test(value[0]) &&
  Number.isSafeInteger(value[1]) &&
  value[1] >= 0 &&
  value[1] <= largestObject;

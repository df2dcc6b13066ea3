import { environment } from './tool-environment.ts';

/** What the answer to the question for a tool's version rests on: a file, or what a program says of itself. */
export type Grounds =
  | { readonly kind: 'file'; readonly path: string }
  | {
      readonly kind: 'said';
      readonly command: string;
      readonly args: readonly string[];
      /** Source of the pattern that finds the version in what it says, and that version. */
      readonly pattern: string;
      readonly flags: string;
      readonly version: string;
    };

export type Said = Extract<Grounds, { kind: 'said' }>;

/** Asks a program again: does it say the same version? `own` is the environment of this process. */
export async function saysTheSame(
  { command, args, pattern, flags, version }: Said,
  own: Readonly<Record<string, string | undefined>>,
): Promise<boolean> {
  // Not execa, which takes longer to load than most programs to answer.
  const { execFile } = await import('node:child_process');
  return new Promise((resolve) => {
    const child = execFile(
      command,
      [...args],
      { env: { ...own, ...environment }, maxBuffer: 1 << 20 },
      (_, out, err) => {
        const found = new RegExp(pattern, flags).exec(`${out}${err}`);
        resolve((found?.groups?.['version'] ?? found?.[1]) === version);
      },
    );
    child.stdin?.end();
  });
}

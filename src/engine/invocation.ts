/**
 * A tool is a description; running it is the engine's business.
 * - native: a program of this machine, found on PATH or where finn.config.yaml says.
 * - wasm: an npm package with a function `(args, files, options) => files` in the calling convention of @yowasp.
 * - module: a file of ours that exports `run(args, files) => files`; it runs in a worker thread too.
 */
export interface Tool {
  /** 'yosys'; what the user reads, and part of the key. */
  readonly name: string;
  readonly program:
    | {
        readonly kind: 'native';
        readonly command: string;
        /** `pattern` has the version as group `version` or 1; `least` is the oldest that will do. */
        readonly version: { readonly args: readonly string[]; readonly pattern: RegExp; readonly least?: string };
        /** Debian package or the like, for the message when it is missing. */
        readonly install?: string;
      }
    | { readonly kind: 'wasm'; readonly package: string; readonly run: string }
    | { readonly kind: 'module'; readonly url: URL };
  /** Log lines that mean something; the first pattern that matches decides. `message` is a named group. */
  readonly log: readonly { readonly pattern: RegExp; readonly severity: 'error' | 'warning' }[];
}

/** One call of a tool as a value: the whole of its inputs, and which files it is to leave behind. */
export interface Invocation<O extends string = string> {
  readonly tool: Tool;
  readonly args: readonly string[];
  /** Contents by name; the call runs in a fresh directory holding exactly these. */
  readonly files: Readonly<Record<string, Uint8Array | string>>;
  readonly outputs: Readonly<Record<O, string>>;
  /** What it is for, in a few words, for the display: 'synthesis of MVAU_0'. Not in the key. */
  readonly label: string;
  /** Expected memory in MB and threads, for the scheduler. Not in the key. */
  readonly cost?: { readonly memory: number; readonly threads: number };
}

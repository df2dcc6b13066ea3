/**
 * A cache that is shared over a network, beside the local store: results are pulled into the store, where they are like
 * any other, and pushed from it. Nothing here throws: a server that fails costs a warning and time, never a build.
 */
export interface Remote {
  /** Brings a step's record and all that it names into the store; false where that cannot be had. */
  pullStep(step: string, key: string): Promise<boolean>;
  /** Brings a call's record and all that it names into the store; false where that cannot be had. */
  pullCall(key: string): Promise<boolean>;
  /** Sends a step's record and all that it names, in the background. */
  pushStep(step: string, key: string): void;
  /** Sends a call's record and all that it names, in the background. */
  pushCall(key: string): void;
  /** Waits until all that was to be sent is sent or given up. */
  settled(): Promise<void>;
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Diagnostic } from '../../../src/diagnostics/diagnostic.ts';
import { familyContent, type TreeContent, treeContent } from '../../../src/engine/content.ts';
import { digest, type Fingerprint } from '../../../src/engine/fingerprint.ts';
import type { CallRecord, StepRecord } from '../../../src/engine/records.ts';
import { type HttpRemote, type HttpRemoteOptions, httpRemote } from '../../../src/engine/remote/http.ts';
import { openStore, type Store } from '../../../src/engine/store.ts';

/** A machine of a team: a store in a temporary folder, a remote cache, and what that warned of. */
export class Machine {
  readonly folder = mkdtempSync(join(tmpdir(), 'finn-remote-'));
  readonly store: Store = openStore(join(this.folder, '.finn'));
  readonly warnings: Diagnostic[] = [];
  readonly remote: HttpRemote;

  constructor(url: string, options: Partial<HttpRemoteOptions> = {}) {
    this.remote = httpRemote({
      url,
      mode: 'read-write',
      timeoutMs: 10_000,
      retryMs: 1,
      store: this.store,
      warn: (diagnostic) => this.warnings.push(diagnostic),
      ...options,
    });
  }

  get codes(): string[] {
    return this.warnings.map(({ code }) => code);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A step's result of these files, and its key. */
export function addStep(store: Store, name: string, files: Readonly<Record<string, string>>): StepResult {
  const tree = (part: Readonly<Record<string, string>>): TreeContent =>
    treeContent(
      Object.fromEntries(Object.entries(part).map(([path, text]) => [path, store.objects.write(Buffer.from(text))])),
    );
  const fingerprint: Fingerprint = {
    format: 1,
    step: name,
    needs: {},
    sources: {},
    tools: {},
    config: { files: Object.keys(files) },
    finn: 'code',
  };
  const layers = Object.entries(files).map(([path, text]) => [path, tree({ [path]: text })] as const);
  const record: StepRecord = {
    fingerprint,
    makes: { all: tree(files), layers: familyContent(layers) },
    calls: [],
    diagnostics: [],
    seconds: 1.5,
  };
  const key = digest(fingerprint);
  store.records.writeStep(name, key, record);
  return { key, record };
}
export interface StepResult {
  readonly key: string;
  readonly record: StepRecord;
}

/** A call's result of these outputs, under a key that is made of its name. */
export function addCall(store: Store, key: string, outputs: Readonly<Record<string, string>>): CallRecord {
  const record: CallRecord = {
    tool: 'yosys',
    version: '0.23',
    args: ['-q'],
    outputs: Object.fromEntries(
      Object.entries(outputs).map(([name, text]) => [name, store.objects.write(Buffer.from(text))]),
    ),
    log: store.objects.write(Buffer.from('')),
    seconds: 2,
  };
  store.records.writeCall(key, record);
  return record;
}

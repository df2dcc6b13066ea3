import { type FileHandle, open, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FinnError, fail } from '../../diagnostics/diagnostic.ts';
import { makeFolder } from '../../util/files.ts';
import { sha256 } from '../../util/hash.ts';
import { isGone, myMark } from '../../util/process-mark.ts';

/**
 * The first bytes of what a URL gives, in a file of this process. The file's first line is the ETag of the version that they are
 * of, as JSON (or null: nobody can go on from there). Fails with cache/write.
 */
export class Part {
  readonly #folder: string;
  readonly #path: string;
  #file: FileHandle | undefined;
  #etag: string | undefined;
  #start = 0;
  /** Bytes that are there. */
  size = 0;

  private constructor(folder: string, name: string) {
    this.#folder = folder;
    this.#path = join(folder, `${name}.${myMark()}.part`);
  }

  /** A new part, or with `resume` the one that a process which is gone has left. */
  static async of(url: string, folder: string, resume: boolean): Promise<Part> {
    const name = sha256(url).slice(0, 32);
    const part = new Part(folder, name);
    const left = resume ? await readdir(folder).catch(() => []) : [];
    for (const file of left) {
      const [of, mark, end] = file.split('.');
      if (of !== name || end !== 'part' || (mark !== myMark() && !isGone(mark!))) continue;
      // Of several processes that want it the first gets it.
      const taken = await rename(join(folder, file), part.#path).then(
        () => true,
        () => false,
      );
      if (taken && (await part.#resume())) break;
    }
    return part;
  }

  /** Can a server be asked for the rest? */
  get resumable(): boolean {
    return this.#etag !== undefined;
  }

  /** Headers of a request for what is not there yet. */
  range(): Record<string, string> {
    return this.#etag === undefined || this.size === 0 ? {} : { range: `bytes=${this.size}-`, 'if-range': this.#etag };
  }

  /** Empties it, for a version with this ETag. */
  async begin(etag: string | undefined): Promise<void> {
    await this.#close();
    const line = `${JSON.stringify(etag ?? null)}\n`;
    this.#etag = etag;
    this.#start = Buffer.byteLength(line);
    this.size = 0;
    await this.#writing(async () => {
      makeFolder(this.#folder);
      this.#file = await open(this.#path, 'w');
      await this.#file.writeFile(line);
    });
  }

  async add(chunk: Uint8Array): Promise<void> {
    await this.#writing(async () => {
      this.#file ??= await open(this.#path, 'a');
      await this.#file.writeFile(chunk);
    });
    this.size += chunk.length;
  }

  async read(): Promise<Uint8Array> {
    await this.#close();
    const { buffer, byteOffset, byteLength } = await readFile(this.#path);
    return new Uint8Array(buffer, byteOffset, byteLength).subarray(this.#start);
  }

  async remove(): Promise<void> {
    await this.#close();
    await rm(this.#path, { force: true });
    this.size = 0;
    this.#etag = undefined;
  }

  /** After a failure: keeps what is worth it, and no empty folder. */
  async leave(): Promise<void> {
    await this.#close();
    if (this.resumable && this.size > 0) return;
    await this.remove();
    await rmdir(this.#folder).catch(() => {});
  }

  /** Takes on what the file has; false, and no file, where that cannot be told. */
  async #resume(): Promise<boolean> {
    const bytes = await readFile(this.#path);
    const end = bytes.subarray(0, 1000).indexOf('\n');
    try {
      const etag: unknown = JSON.parse(bytes.toString('utf8', 0, end));
      if (end > 0 && typeof etag === 'string') {
        this.#etag = etag;
        this.#start = end + 1;
        this.size = bytes.length - this.#start;
        return true;
      }
    } catch {
      // Killed before its first line was whole.
    }
    await rm(this.#path, { force: true });
    return false;
  }

  async #close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async #writing(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (cause) {
      if (cause instanceof FinnError) throw cause;
      fail('cache/write', `cannot write ${this.#path}: ${(cause as Error).message}`, {
        hint: 'make room there, or name another cache folder in finn.config.yaml',
      });
    }
  }
}

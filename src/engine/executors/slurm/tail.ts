import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Most bytes that are read at once. */
const most = 1 << 20;

/** Reads what was appended to a file since the last look, as lines. */
export class Tail {
  readonly #path: string;
  #offset = 0;
  #rest = '';
  readonly #decoder = new TextDecoder();

  constructor(path: string) {
    this.#path = path;
  }

  /** The lines that are new and whole; none where there is no such file. */
  lines(): string[] {
    while (this.#read());
    const lines = this.#rest.split('\n');
    this.#rest = lines.pop() ?? '';
    return lines.map((line) => line.replace(/\r$/, ''));
  }

  /** All that is left, when nobody writes any more: the last line need not be whole. */
  end(): string[] {
    const lines = this.lines();
    if (this.#rest !== '') lines.push(this.#rest.replace(/\r$/, ''));
    this.#rest = '';
    return lines;
  }

  #read(): boolean {
    let file: number;
    try {
      file = openSync(this.#path, 'r');
    } catch {
      return false;
    }
    try {
      const bytes = Buffer.alloc(Math.max(0, Math.min(fstatSync(file).size - this.#offset, most)));
      const read = readSync(file, bytes, 0, bytes.length, this.#offset);
      this.#offset += read;
      this.#rest += this.#decoder.decode(bytes.subarray(0, read), { stream: true });
      return read > 0;
    } finally {
      closeSync(file);
    }
  }
}

/** Indented text, line by line: the base of every printer. */
export interface Writer {
  /** One line at the present depth; a text of several lines is indented line by line; none is an empty line. */
  line(text?: string): Writer;
  lines(texts: Iterable<string>): Writer;
  /** Everything that `body` writes, one level deeper, between two lines. */
  block(open: string, close: string, body: () => void): Writer;
  /** Everything that `body` writes, one level deeper. */
  indent(body: () => void): Writer;
  /** All lines, each ended by '\n'. */
  toString(): string;
}

/** A writer that indents by `step` (two spaces). */
export function writer(step = '  '): Writer {
  const out: string[] = [];
  let depth = 0;
  const self: Writer = {
    line(text = '') {
      for (const part of text.split('\n')) out.push(part === '' ? '' : step.repeat(depth) + part);
      return self;
    },
    lines(texts) {
      for (const text of texts) self.line(text);
      return self;
    },
    block(open, close, body) {
      return self.line(open).indent(body).line(close);
    },
    indent(body) {
      depth += 1;
      try {
        body();
      } finally {
        depth -= 1;
      }
      return self;
    },
    toString: () => out.map((line) => `${line}\n`).join(''),
  };
  return self;
}

/** What a look at a file's fields tells, without decoding it. */
export interface Scan {
  /** Is it a protobuf message with a graph in it, to its last byte? */
  readonly isModel: boolean;
  /** Fields of the graph: nodes, initialisers, inputs and the like. */
  readonly fields: number;
}

/** Field number of ModelProto.graph. */
const GRAPH = 7;

/** Goes through the fields of a ModelProto and of its graph: a few microseconds, whatever their contents. */
export function scanModel(bytes: Uint8Array): Scan {
  let fields = 0;
  let graphs = 0;
  const whole = eachField(bytes, 0, bytes.length, (number, start, end) => {
    if (number !== GRAPH || start === undefined) return true;
    graphs += 1;
    return eachField(bytes, start, end, () => {
      fields += 1;
      return true;
    });
  });
  return { isModel: whole && graphs > 0, fields };
}

/**
 * Calls `use` for each field with its number and, if it is of bytes, where they lie; false where what lies there are no fields,
 * or `use` says so.
 */
function eachField(
  bytes: Uint8Array,
  from: number,
  to: number,
  use: (number: number, start: number | undefined, end: number) => boolean,
): boolean {
  let at = from;
  /** A varint; NaN where it is cut off or longer than ten bytes. */
  const varint = (): number => {
    let value = 0;
    for (let i = 0; i < 10 && at < to; i += 1) {
      const byte = bytes[at]!;
      at += 1;
      value += (byte & 127) * 2 ** (7 * i);
      if (byte < 128) return value;
    }
    return Number.NaN;
  };
  while (at < to) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    // Field 0 is none, and groups (3 and 4) are of older forms than ONNX.
    if (!(number > 0)) return false;
    let start: number | undefined;
    if (tag % 8 === 0) {
      if (Number.isNaN(varint())) return false;
    } else if (tag % 8 === 1) at += 8;
    else if (tag % 8 === 5) at += 4;
    else if (tag % 8 === 2) {
      const length = varint();
      if (Number.isNaN(length)) return false;
      start = at;
      at += length;
    } else return false;
    if (at > to || !use(number, start, at)) return false;
  }
  return true;
}

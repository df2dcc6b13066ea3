/** `[n-1:0]`, or nothing for one bit where that is wanted bare. */
export const range = (bits: number): string => `[${bits - 1}:0]`;

/** Bits `index`·width … of a packed vector. */
export const lane = (vector: string, index: number, width: number): string => `${vector}[${index * width} +: ${width}]`;

/** Words packed into one, the first in the least significant bits, each taken modulo 2^width. */
export function packWords(words: readonly bigint[], width: number): bigint {
  const mask = (1n << BigInt(width)) - 1n;
  let packed = 0n;
  for (let i = words.length - 1; i >= 0; i -= 1) packed = (packed << BigInt(width)) | (words[i]! & mask);
  return packed;
}

/** A concatenation, most significant first; a single part stays bare. */
export const concat = (parts: readonly string[]): string => (parts.length === 1 ? parts[0]! : `{${parts.join(', ')}}`);

/** An unsigned value of `from` bits as one of `to` bits, if that is more. */
export const widened = (value: string, from: number, to: number): string =>
  to > from ? `{${to - from}'d0, ${value}}` : value;

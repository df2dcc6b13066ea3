/** CRC-8, x⁸ + x⁵ + x⁴ + 1, least significant bit first, from 255: the checksum of docs/uart-protocol.md. */
export function crc8(bytes: Uint8Array): number {
  let crc = 0xff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >> 1) ^ (crc & 1 ? 0x8c : 0);
  }
  return crc;
}

/** A message of the UART protocol: letter, body, checksum. */
export function message(letter: string, body: Uint8Array = new Uint8Array()): Uint8Array {
  const bytes = Uint8Array.of(letter.charCodeAt(0), ...body);
  return Uint8Array.of(...bytes, crc8(bytes));
}

/**
 * What a host sends, as beats for the input of `uartTestbench`: each message waits until all that `replies` (lengths in
 * bytes, one a message) promises before it has come.
 */
export function hostBeats(messages: readonly Uint8Array[], replies: readonly number[]): Uint8Array {
  const beats: number[] = [];
  let received = 0;
  messages.forEach((bytes, i) => {
    for (const byte of bytes) beats.push(byte, received % 256);
    received += replies[i] ?? 0;
  });
  return Uint8Array.from(beats);
}

/** One member of a tar archive, as a test wants it. */
export interface TarMember {
  readonly name: string;
  readonly data?: Uint8Array;
  /** '0' a file, '1' a hard link, '2' a symbolic link, '5' a folder, 'x' a pax header, 'L' a GNU long name. */
  readonly type?: string;
  readonly link?: string;
  /** What the header claims, where that is not the length of the data. */
  readonly size?: number;
}

const ascii = new TextEncoder();

/** A tar archive (ustar) with these members in order, honest or not. */
export function tar(members: readonly TarMember[]): Uint8Array {
  const blocks = members.flatMap(({ name, data = new Uint8Array(), type = '0', link = '', size = data.length }) => {
    const header = new Uint8Array(512);
    const put = (text: string, at: number): void => header.set(ascii.encode(text), at);
    put(name.slice(0, 100), 0);
    put('0000644\0', 100);
    put(`${size.toString(8).padStart(11, '0')}\0`, 124);
    put('        ', 148);
    put(type, 156);
    put(link, 157);
    put('ustar\x0000', 257);
    put(
      `${header
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, '0')}\0 `,
      148,
    );
    return [header, data, new Uint8Array((512 - (data.length % 512)) % 512)];
  });
  return new Uint8Array(Buffer.concat([...blocks, new Uint8Array(1024)]));
}

/** A pax header's record: its length, itself included, then key and value. */
export function paxRecord(key: string, value: string): Uint8Array {
  const body = ` ${key}=${value}\n`;
  let length = body.length;
  while (String(length).length + body.length !== length) length = String(length).length + body.length;
  return ascii.encode(`${length}${body}`);
}

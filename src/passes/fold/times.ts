/** A ring of cycles by number of the beat, which grows as far as it must. */
export class Times {
  ring: Int32Array;
  mask: number;

  constructor(least: number) {
    let size = 4;
    while (size < least) size *= 2;
    this.ring = new Int32Array(size);
    this.mask = size - 1;
  }

  /** Doubles the ring; the beats from `first` to before `end` keep their places' numbers. */
  grow(first: number, end: number): void {
    const { ring, mask } = this;
    this.ring = new Int32Array(ring.length * 2);
    this.mask = this.ring.length - 1;
    for (let n = first; n < end; n += 1) this.ring[n & this.mask] = ring[n & mask]!;
  }
}

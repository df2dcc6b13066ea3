/** Seeded numbers, the same on every machine: integer arithmetic, and of floating point only what IEEE 754 fixes. */
export class Random {
  #state;

  /** @param {number} seed */
  constructor(seed) {
    this.#state = Math.imul(seed + 1, 0x9e3779b1) | 0;
    for (let i = 0; i < 8; i += 1) this.#next();
  }

  /** 32 random bits (Mulberry32 by Tommy Ettinger, in the public domain). */
  #next() {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** From `low` to less than `high`. */
  uniform(low = 0, high = 1) {
    return low + (high - low) * (this.#next() / 2 ** 32);
  }

  /** @param {number} n */
  below(n) {
    return Math.floor(this.uniform(0, n));
  }

  /** Nearly normal, of mean 0 and variance 1: twelve uniform numbers added. */
  normal() {
    let sum = -6;
    for (let i = 0; i < 12; i += 1) sum += this.uniform();
    return sum;
  }
}

/**
 * Frames like photographs or recordings, of values 0…1 in steps of 1/255: broad patches of their own brightness, and noise.
 * @param {Random} random
 * @param {number} count
 * @param {readonly number[]} shape 1, channels, and one or two axes of space
 * @returns {Float32Array[]}
 */
export function pictures(random, count, shape) {
  const [, channels = 1, height = 1, width = 1] = shape;
  const patch = Math.max(1, Math.floor(Math.max(height, width) / 5));
  const across = Math.ceil(width / patch);
  return Array.from({ length: count }, () => {
    const frame = new Float32Array(channels * height * width);
    const light = random.uniform(0.25, 0.75);
    for (let c = 0; c < channels; c += 1) {
      const tint = light + 0.1 * random.normal();
      const patches = Array.from({ length: Math.ceil(height / patch) * across }, () => tint + 0.2 * random.normal());
      for (let y = 0; y < height; y += 1)
        for (let x = 0; x < width; x += 1) {
          const broad = patches[Math.floor(y / patch) * across + Math.floor(x / patch)] ?? tint;
          const value = Math.min(1, Math.max(0, broad + 0.08 * random.normal()));
          frame[(c * height + y) * width + x] = Math.fround(Math.floor(value * 255) / 255);
        }
    }
    return frame;
  });
}

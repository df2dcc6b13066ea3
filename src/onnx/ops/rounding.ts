/** Rounds half to even, as IEEE and numpy's round do. */
export function halfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest < 0.5) return floor;
  if (rest > 0.5) return floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/**
 * QONNX's rounding modes (qonnx, IntQuant): UP is away from zero, DOWN toward it, HALF_UP and HALF_DOWN send ties away from zero
 * and toward it. The halves are added in binary32, as numpy does for float32 arrays.
 */
export const roundings = {
  ROUND: halfEven,
  HALF_EVEN: halfEven,
  CEIL: Math.ceil,
  FLOOR: Math.floor,
  UP: (x: number) => Math.sign(x) * Math.ceil(Math.abs(x)),
  DOWN: Math.trunc,
  HALF_UP: (x: number) => Math.sign(x) * Math.floor(Math.fround(Math.abs(x) + 0.5)),
  HALF_DOWN: (x: number) => Math.sign(x) * Math.ceil(Math.fround(Math.abs(x) - 0.5)),
} as const satisfies Record<string, (x: number) => number>;

export type Rounding = keyof typeof roundings;

/** The rounding mode of that name, in any case; undefined if there is none. */
export function parseRounding(name: string): Rounding | undefined {
  const upper = name.toUpperCase();
  return Object.hasOwn(roundings, upper) ? (upper as Rounding) : undefined;
}

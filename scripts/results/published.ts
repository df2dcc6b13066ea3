/**
 * LUTs of one matrix-vector unit as published for FINN's HLS circuits and for a hand-written RTL one: Alam et al., "On the RTL
 * Implementation of FINN Matrix Vector Unit" (arXiv 2201.11409); raw data in Doc/results.ipynb of asadalam/FINN_MatrixVector_RTL.
 * Vivado 2020.1, xczu3eg-sbva484-1-i, out of context, after opt_design, no place and route. The layer: 64 × 1024 weights, 25 vectors, no
 * thresholds.
 */

export const kinds = ['xnor', 'binary', '4-bit'] as const;
export type Kind = (typeof kinds)[number];

/** One point of a sweep with what was published for it. */
export interface Point {
  readonly kind: Kind;
  readonly pe: number;
  readonly simd: number;
  readonly hls: Counts;
  readonly rtl: Counts;
}

/** Absent: not published. */
export interface Counts {
  readonly lut: number;
  readonly ff?: number;
  /** In the tool's "Block RAM" column of the notebook. */
  readonly bram?: number;
}

interface Series {
  readonly kind: Kind;
  /** What runs from 1 to 64; the other is 64. */
  readonly swept: 'pe' | 'simd';
  readonly lut: readonly [hls: readonly number[], rtl: readonly number[]];
  readonly ff?: readonly [hls: readonly number[] | undefined, rtl: readonly number[]];
  readonly bram?: readonly [hls: readonly number[], rtl: readonly number[]];
}

const steps = [1, 2, 4, 8, 16, 32, 64] as const;

const series: readonly Series[] = [
  {
    kind: 'xnor',
    swept: 'pe',
    lut: [
      [596, 718, 990, 1549, 2734, 5052, 12571],
      [290, 443, 748, 1361, 3776, 6281, 12404],
    ],
    ff: [
      [1406, 1485, 1647, 1976, 2630, 4102, 10661],
      [221, 340, 580, 1063, 3320, 4801, 9520],
    ],
    bram: [
      [4, 4, 8, 16, 32, 64, 0],
      [2, 2, 4, 8, 0, 0, 0],
    ],
  },
  {
    kind: 'binary',
    swept: 'pe',
    lut: [
      [2062, 2583, 3651, 6025, 10086, 18612, 36627],
      [1272, 2084, 3295, 7213, 15219, 28737, 56932],
    ],
    ff: [
      [5152, 5314, 5610, 6196, 7362, 10248, 19315],
      [736, 1271, 2455, 1048, 3498, 6696, 10642],
    ],
  },
  {
    kind: '4-bit',
    swept: 'pe',
    lut: [
      [2997, 4517, 7540, 13577, 25792, 50106, 107320],
      [2054, 3656, 7039, 13237, 31608, 58306, 112998],
    ],
    ff: [
      [5675, 6377, 7629, 9559, 13970, 23268, 59444],
      [1179, 2057, 3498, 1101, 1976, 12077, 23936],
    ],
  },
  {
    kind: 'xnor',
    swept: 'simd',
    lut: [
      [4648, 3104, 2893, 3423, 4714, 7412, 12566],
      [1619, 1649, 1936, 2197, 3998, 5571, 12403],
    ],
    ff: [
      [4234, 4232, 4229, 4405, 6241, 8399, 10666],
      [3190, 3252, 3326, 3396, 4460, 5757, 9520],
    ],
    bram: [
      [64, 64, 64, 33, 0, 0, 0],
      [32, 32, 32, 32, 0, 0, 0],
    ],
  },
  {
    kind: 'binary',
    swept: 'simd',
    lut: [
      [5311, 5077, 5873, 8302, 12959, 22798, 36813],
      [1350, 3122, 3842, 7916, 14024, 24784, 51449],
    ],
    ff: [
      [7382, 7391, 7723, 8108, 9842, 12475, 19333],
      [3503, 5372, 4997, 7467, 7967, 9155, 11668],
    ],
  },
  {
    kind: '4-bit',
    swept: 'simd',
    lut: [
      [6274, 5688, 8090, 14613, 26682, 50231, 107315],
      [2819, 4320, 8031, 14350, 27932, 57430, 112995],
    ],
    ff: [undefined, [4294, 5512, 9998, 3998, 5193, 14319, 23936]],
  },
];

/** The 4-bit matrix of the notebook's cell 36, HLS and RTL LUTs: a row for each SIMD, a column for each PE of 2 … 64. */
const matrix: Readonly<Record<number, readonly (readonly [hls: number, rtl: number])[]>> = {
  2: [
    [2009, 184],
    [2072, 371],
    [2275, 693],
    [2493, 1037],
    [4011, 2184],
    [5689, 4320],
  ],
  4: [
    [1714, 286],
    [1868, 522],
    [2250, 1069],
    [3062, 1943],
    [4752, 4041],
    [8169, 8031],
  ],
  8: [
    [1799, 569],
    [2219, 991],
    [3064, 1847],
    [4731, 3564],
    [8141, 7178],
    [14613, 14350],
  ],
  16: [
    [2143, 994],
    [2942, 1848],
    [4548, 3561],
    [7781, 6996],
    [13822, 14081],
    [26682, 27932],
  ],
  32: [
    [2919, 1883],
    [4494, 3538],
    [7659, 6848],
    [13607, 13599],
    [25626, 31072],
    [50231, 57430],
  ],
};

/** Counts with only what was published. */
const counts = (lut: number, ff?: number, bram?: number): Counts => ({
  lut,
  ...(ff !== undefined && { ff }),
  ...(bram !== undefined && { bram }),
});

/** All points: both sweeps of each kind, then those of the 4-bit matrix that are in neither. */
export const points: readonly Point[] = [
  ...series.flatMap(({ kind, swept, lut, ff, bram }) =>
    steps.map((n, i) => ({
      kind,
      pe: swept === 'pe' ? n : 64,
      simd: swept === 'simd' ? n : 64,
      hls: counts(lut[0][i]!, ff?.[0]?.[i], bram?.[0][i]),
      rtl: counts(lut[1][i]!, ff?.[1][i], bram?.[1][i]),
    })),
  ),
  ...Object.entries(matrix).flatMap(([simd, row]) =>
    row.slice(0, -1).map(([hls, rtl], i) => ({
      kind: '4-bit' as const,
      pe: 2 ** (i + 1),
      simd: Number(simd),
      hls: counts(hls),
      rtl: counts(rtl),
    })),
  ),
];

/** The smaller of the two published LUT counts. */
export const better = ({ hls, rtl }: Point): number => Math.min(hls.lut, rtl.lut);

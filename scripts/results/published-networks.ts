/** What was published for a network on a board. Counts are of the whole design with its shell unless `note` says otherwise; absent: not published. */
export interface Publication {
  /** Who, and where it is to be read: a name of `sources`. */
  readonly by: Source;
  readonly board: string;
  readonly clockMhz: number;
  /** Measured or printed; `of` says what was computed from other printed figures. */
  readonly interval?: number;
  readonly latency?: number;
  readonly fps?: number;
  readonly latencyUs?: number;
  readonly lut?: number;
  readonly ff?: number;
  /** In units of 36 kbit. */
  readonly bram?: number;
  readonly dsp?: number;
  readonly note?: string;
}

/** A build of a recipe of this repository with what it is compared with. */
export interface Network {
  readonly name: string;
  readonly recipe: string;
  readonly build: string;
  readonly folding: string;
  readonly published: readonly Publication[];
  /** Too large to be simulated or mapped on a small machine. */
  readonly estimateOnly?: boolean;
}

export const sources = {
  "FPGA'17": "Umuroglu et al., *FINN*, FPGA'17 (arXiv 1612.07119), abstract; LFC-max's folding in Xilinx/finn 99a0841",
  'BNN-PYNQ': 'Xilinx/BNN-PYNQ d39c1c7 (resources, Vivado 2018.2) and 10b2ab5~1 (100 MHz notebooks)',
  'finn-examples': 'Xilinx/finn-examples, notebooks of v0.0.1b … v0.0.6',
  'FINN+': 'eki-project/finn-plus 12fedcd, CI runs 118674 and 118675 (spring 2026, Vivado 2024.2)',
  'FINN notebooks':
    "Xilinx/finn, cybersecurity tutorial (v0.7), out of context; latency and time of 7 flows from FINN's RTL simulation",
  requirement: 'de Rooij, MSc thesis, TU Delft 2021: from camera to control within 0.1 ms',
} as const;
export type Source = keyof typeof sources;

const plus = (interval: number, latency: number, fps: number, lut: number, ff: number, bram: number, dsp = 0) =>
  ({ by: 'FINN+', board: 'RFSoC2x2', clockMhz: 100, interval, latency, fps, lut, ff, bram, dsp }) as const;
const examples = (board: string, clockMhz: number, fps: number, latencyUs?: number) =>
  ({ by: 'finn-examples', board, clockMhz, fps, ...(latencyUs !== undefined && { latencyUs }) }) as const;
const paper = (rest: Partial<Publication>): Publication => ({ by: "FPGA'17", board: 'ZC706', clockMhz: 200, ...rest });
const pynq = (rest: Partial<Publication>): Publication => ({
  by: 'BNN-PYNQ',
  board: 'PYNQ-Z1',
  clockMhz: 100,
  ...rest,
});

const bnn = (name: string, folding: string, published: readonly Publication[]): Network => ({
  name,
  recipe: name.startsWith('tfc') ? 'bnn-pynq/bnn-pynq.yaml' : 'bnn-pynq/seeded.yaml',
  build: `${name}-pynq-z1-${folding}`,
  folding: 'finn-examples',
  published,
});

/** In the order of the tables, smallest first. */
export const networks: readonly Network[] = [
  bnn('tfc-w1a1', 'examples', [plus(70, 243, 1428557, 17675, 26801, 14.5), examples('PYNQ-Z1', 100, 837019)]),
  bnn('tfc-w1a2', 'examples', [plus(70, 245, 1428557, 28465, 34405, 25.5)]),
  bnn('tfc-w2a2', 'examples', [plus(70, 245, 1428557, 28515, 34673, 25.5)]),
  {
    name: 'unsw-nb15',
    recipe: 'cybersecurity-mlp/cybersecurity-mlp.yaml',
    build: 'unsw-nb15-pynq-z1-examples',
    folding: 'finn-examples',
    published: [
      plus(70, 212, 1428557, 17254, 19725, 20),
      { by: 'FINN notebooks', board: 'PYNQ-Z1', clockMhz: 100, latency: 211, lut: 8667, ff: 9063, bram: 22, dsp: 0 },
      examples('PYNQ-Z1', 100, 926918),
    ],
  },
  {
    name: 'gravitational-wave',
    recipe: 'gravitational-wave/gravitational-wave.yaml',
    build: 'gravitational-wave-pynq-z1-control',
    folding: 'ours',
    published: [{ by: 'requirement', board: '–', clockMhz: 100, fps: 10000, latencyUs: 100 }],
  },
  {
    name: 'kws-mlp-w3a3',
    recipe: 'kws/kws.yaml',
    build: 'kws-mlp-w3a3-pynq-z1-examples',
    folding: 'finn-examples',
    published: [
      { ...plus(494, 1699, 202427, 45449, 40101, 38.5), note: 'folded to 490 cycles' },
      examples('PYNQ-Z1', 100, 247502),
    ],
  },
  bnn('cnv-w1a1', 'examples-cnv-w1a1', [
    plus(34145, 134471, 2929, 30807, 35802, 81),
    pynq({ interval: 32768, fps: 3050, latencyUs: 1581, lut: 26072, ff: 41312, bram: 124, dsp: 24 }),
    examples('PYNQ-Z1', 100, 3020.5, 2340),
  ]),
  {
    name: 'gtsrb-w1a1',
    recipe: 'gtsrb/seeded.yaml',
    build: 'gtsrb-w1a1-pynq-z1-examples',
    folding: 'finn-examples',
    published: [{ ...plus(32908, 139090, 3039, 31338, 36038, 84.5), note: 'and 1 URAM' }],
  },
  bnn('cnv-w1a2', 'examples-cnv-a2', [plus(130605, 395618, 766, 34673, 39692, 107)]),
  bnn('cnv-w2a2', 'examples-cnv-a2', [
    plus(130761, 395734, 765, 36855, 40068, 107),
    pynq({ interval: 115200, fps: 860.1, lut: 37302, ff: 51386, bram: 140, dsp: 32 }),
  ]),
  {
    name: 'sfc-max',
    recipe: 'fpga17/fpga17.yaml',
    build: 'sfc-max',
    folding: 'ours, as fast as published',
    published: [paper({ fps: 12361000, latencyUs: 0.31, lut: 91131, bram: 5, note: 'LUT, BRAM: arXiv 2403.00849' })],
  },
  {
    name: 'lfc-max',
    recipe: 'fpga17/fpga17.yaml',
    build: 'lfc-max',
    folding: 'as published',
    published: [paper({ interval: 128, latency: 488, note: 'sums of the published folding' })],
  },
  {
    name: 'cnv-max',
    recipe: 'fpga17/fpga17.yaml',
    build: 'cnv-max',
    folding: 'ours',
    published: [paper({ fps: 21906, latencyUs: 283 })],
  },
  {
    name: 'vgg10-radioml-w4a4',
    recipe: 'vgg10-radioml/seeded.yaml',
    build: 'vgg10-radioml-w4a4-zcu104-examples',
    folding: 'finn-examples',
    published: [plus(1027, 2960, 97370, 96818, 169457, 18, 1098), examples('ZCU104', 250, 231049, 822)],
  },
  {
    name: 'mobilenet-v1-w4a4',
    recipe: 'mobilenet-v1/seeded.yaml',
    build: 'mobilenet-v1-w4a4-zcu104-examples-zcu104',
    folding: 'finn-examples, ZCU104',
    published: [
      plus(394272, 765909, 254, 142631, 126213, 519, 696),
      { ...examples('ZCU104', 5000 / 27, 450), note: 'about, from the blog on FINN v0.6' },
    ],
    estimateOnly: true,
  },
  {
    name: 'resnet50-w1a2',
    recipe: 'resnet50/seeded.yaml',
    build: 'resnet50-w1a2-u250-fast',
    folding: 'ours',
    published: [examples('U250', 178, 2972, 2000)],
    estimateOnly: true,
  },
];

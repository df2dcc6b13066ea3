import type { Location } from '../diagnostics/diagnostic.ts';
import type { Rational } from '../util/rational.ts';
import type { Board } from './board.ts';
import type { LayerSettings } from './types.gen.ts';

/** Where a network's ONNX file comes from. Paths are ready to be opened. */
export type ModelSource =
  | { readonly kind: 'file'; readonly path: string; readonly member?: string; readonly sha256?: string }
  | { readonly kind: 'url'; readonly url: string; readonly member?: string; readonly sha256?: string }
  | {
      readonly kind: 'run';
      /** Program and arguments, as written. */
      readonly command: readonly string[];
      /** The recipe's folder, in which it runs. */
      readonly folder: string;
      /** The files it reads and the one it makes, relative to `folder`. */
      readonly inputs: readonly string[];
      readonly output: string;
      readonly sha256?: string;
      /** Recipe file that asks for it: what finn.config.yaml trusts. */
      readonly recipe: string;
    };

/** What the accelerator is fed: x·scale + bias or (x·scale − mean)/std; one number, or one for each channel. */
export interface NetworkInput {
  /** A name that parseDataType knows. */
  readonly datatype: string;
  readonly scale: readonly Rational[];
  readonly bias?: readonly Rational[];
  readonly mean?: readonly Rational[];
  readonly std?: readonly Rational[];
}

/** Files of vectors; paths are ready to be opened. */
export interface Vectors {
  readonly input: string;
  readonly expected?: string;
  readonly labels?: string;
  /** 0 to 1. */
  readonly minAccuracy?: Rational;
}

export interface Network {
  readonly name: string;
  readonly at: Location;
  readonly model: ModelSource;
  readonly input?: NetworkInput;
  readonly topK?: number;
  readonly verify?: Vectors;
}

export interface Target {
  readonly name: string;
  readonly at: Location;
  readonly board: Board;
  readonly clockMhz: Rational;
}

/** How parallel. What names a layer (`layers`, then `file`) wins over what is chosen. */
export interface Folding {
  readonly name: string;
  readonly at: Location;
  readonly choose?:
    | { readonly by: 'target-fps'; readonly fps: number; readonly mvauWwidthMax: number; readonly twoPass: boolean }
    /** `resources`: the share of the board that may be filled, 0 to 1. */
    | { readonly by: 'maximize-fps'; readonly resources: number };
  /** By the layer's name in reports or that of its ONNX node. */
  readonly layers: ReadonlyMap<string, LayerSettings>;
  /** FINN's folding_config.json. */
  readonly file?: string;
}

export type Stage = 'import' | 'streamline' | 'lower' | 'codegen' | 'stitch';
export type Output = 'estimate' | 'stitched_ip' | 'rtlsim_performance' | 'bitfile' | 'driver' | 'deployment';
export type Metric =
  | 'fps'
  | 'latency_us'
  | 'latency_cycles'
  | 'interval_cycles'
  | 'cycles'
  | 'lut'
  | 'ff'
  | 'bram'
  | 'dsp'
  | 'fmax_mhz'
  | 'accuracy';

/** A gate: `metric` `operator` `value`. */
export interface Expectation {
  readonly metric: Metric;
  readonly operator: '<' | '<=' | '==' | '>=' | '>';
  readonly value: Rational;
  readonly at: Location;
}

/** One network on one target with one folding. */
export interface Build {
  readonly name: string;
  readonly at: Location;
  readonly network: Network;
  readonly target: Target;
  readonly folding: Folding;
  readonly expect: readonly Expectation[];
  /** What is asked for and can be made on this board, in a fixed order. */
  readonly outputs: readonly Output[];
}

/** Settings of steps with all defaults filled in. */
export interface Steps {
  readonly lower: { readonly standaloneThresholds: boolean; readonly prefer: 'rtl' };
  readonly stitch: {
    readonly fifos: { readonly sizing: 'analytic' | 'none'; readonly depths: ReadonlyMap<string, number> };
  };
  /** `frequencyMhz`: what place and route aims at, where it is not the target's clock. */
  readonly bitfile: { readonly seed: number; readonly baud: number; readonly frequencyMhz?: Rational };
}

export interface Tools {
  readonly synthesis: 'npm' | 'native';
  readonly placeAndRoute: 'npm' | 'native';
  readonly simulation: 'npm' | 'verilator' | 'iverilog';
}

/** A recipe that was found right: everything resolved, defaults filled in. */
export interface Recipe {
  /** As it was given to loadRecipe. */
  readonly path: string;
  readonly name: string;
  readonly description?: string;
  /** This file, its parents, and the boards' files: what to watch. */
  readonly files: readonly string[];
  /** What stood in this file and its parents when they were read, by path: they may be edited while a build runs. */
  readonly texts: ReadonlyMap<string, string>;
  readonly networks: ReadonlyMap<string, Network>;
  readonly targets: ReadonlyMap<string, Target>;
  readonly foldings: ReadonlyMap<string, Folding>;
  /** Explicit ones in their order, then those of the matrix. */
  readonly builds: ReadonlyMap<string, Build>;
  readonly steps: Steps;
  readonly tools: Tools;
  /** Seconds that one call of a tool may take, by step. */
  readonly timeLimits: ReadonlyMap<string, number>;
  readonly verifyAt: readonly Stage[];
  /** The place of '/folding/hand/layers/MVAU_0/pe', or of the nearest thing around it. */
  locate(pointer: string, part?: 'key' | 'value'): Location;
}

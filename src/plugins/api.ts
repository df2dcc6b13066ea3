/**
 * finn as a library: read networks, execute them, make them integer, and write operators, passes and steps of one's own
 * (docs/plugins.md). Whole builds are the command line's business.
 */
export { loadBoard } from '../config/board.ts';
export { loadRecipe } from '../config/recipe.ts';
export {
  type Diagnostic,
  error,
  FinnError,
  fail,
  inNetwork,
  type Location,
  warning,
} from '../diagnostics/diagnostic.ts';
export { render } from '../diagnostics/render.ts';
export { type Artifact, type Each, each, type Family, type Files, type Item, item } from '../engine/artifact.ts';
export type { Invocation, Tool } from '../engine/invocation.ts';
export { type Context, type Step, step } from '../engine/step.ts';
export type { Design, StreamPort } from '../hdl/design.ts';
export { type StreamStage, streamChain } from '../hdl/stream-chain.ts';
export {
  admits,
  BINARY,
  BIPOLAR,
  type DataType,
  FLOAT32,
  FLOAT64,
  int,
  parseDataType,
  smallest,
  TERNARY,
  uint,
} from '../ir/datatype.ts';
export { evaluate } from '../ir/evaluate.ts';
export {
  type Attrs,
  apply,
  type ConstantValue,
  constant,
  type Graph,
  input,
  type Node,
  type NodeValue,
  node,
  type Op,
  output,
  sameValue,
  type TensorType,
  type Value,
} from '../ir/graph.ts';
export { readNpy, writeNpy } from '../ir/npy.ts';
export { rewrite } from '../ir/rewrite.ts';
export { allocate, extremes, sizeOf, type Tensor, tensor } from '../ir/tensor.ts';
export { nodesOf, readers } from '../ir/traverse.ts';
export { writeModel } from '../onnx/export.ts';
export { readModel } from '../onnx/import.ts';
export { type Definition, define, type Site } from '../onnx/ops/define.ts';
export { operators } from '../operators/index.ts';
export { illegal, imageInput, integerInput, layerOf, mustDivide, streamPort } from '../operators/layer.ts';
export type {
  Device,
  Field,
  Layer,
  Lowered,
  Lowering,
  Operator,
  Resources,
  Schedule,
} from '../operators/operator.ts';
export { layersOf } from '../passes/fold/names.ts';
export { toLayers } from '../passes/lower/to-layers.ts';
export type { Pass, PassContext, Place } from '../passes/plugged.ts';
export type { Carried, Integers } from '../passes/streamline/carried.ts';
export { onHost, type Rule, type Walk } from '../passes/streamline/rule.ts';
export { type Split, split } from '../passes/streamline/walk.ts';
export * as artifacts from '../steps/artifacts.ts';
export { steps } from '../steps/index.ts';
export type { BuildSettings, NetworkSettings } from '../steps/settings.ts';
export { buildStep, layerStep, networkStep } from '../steps/step.ts';
export { definePlugin, type OnnxOperator, type Plugin } from './plugin.ts';
export { files } from './products.ts';

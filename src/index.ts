/**
 * finn as a library: read networks, execute them, make them integer, and write operators and steps of one's own.
 * Whole builds are the command line's business.
 */
export { loadBoard } from './config/board.ts';
export { loadRecipe } from './config/recipe.ts';
export { type Diagnostic, FinnError, fail, type Location } from './diagnostics/diagnostic.ts';
export { render } from './diagnostics/render.ts';
export type { Artifact, Family } from './engine/artifact.ts';
export type { Invocation, Tool } from './engine/invocation.ts';
export { type Context, type Step, step } from './engine/step.ts';
export type { Design, StreamPort } from './hdl/design.ts';
export { type DataType, parseDataType } from './ir/datatype.ts';
export { evaluate } from './ir/evaluate.ts';
export { apply, constant, type Graph, input, type Node, type Op, output, type Value } from './ir/graph.ts';
export { readNpy, writeNpy } from './ir/npy.ts';
export { type Tensor, tensor } from './ir/tensor.ts';
export { writeModel } from './onnx/export.ts';
export { readModel } from './onnx/import.ts';
export { operators } from './operators/index.ts';
export type { Device, Layer, Lowered, Operator, Resources, Schedule } from './operators/operator.ts';
export { toLayers } from './passes/lower/to-layers.ts';
export { type Split, split } from './passes/streamline/walk.ts';
export { steps } from './steps/index.ts';

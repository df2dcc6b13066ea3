/**
 * Every code a diagnostic may carry, with the sentence that explains it. Codes are stable: scripts match on them.
 * The part before the slash names the area; keep each area's codes together and alphabetical.
 */
export const codes = {
  'cache/corrupt': 'A stored result was damaged; it is thrown away and made again.',
  'cache/lost': 'A stored result is no longer there although it was a moment ago; build again.',
  'cache/write': 'The cache folder cannot be written.',
  'internal/bug': 'finn itself is wrong; please report it with the bundle of the failed step.',
  'plan/ambiguous': 'Two steps that apply make the same artifact.',
  'plan/cycle': 'Steps need each other in a circle.',
  'plan/key': 'A family has no member of the key that a step needs.',
  'plan/no-maker': 'No step that applies makes an artifact that is needed.',
  'plan/step': 'There is no such step, or it does not apply here.',
  'tool/missing': 'A tool that the build needs is not installed, or not where finn looks for it.',
  'tool/version': 'A tool does not say its version, or is older than finn can use.',

  'npy/malformed': 'A .npy file is broken, or holds a kind of array that finn does not read.',

  'onnx/annotation': 'A quantization_annotation names no datatype, or values do not fit the one it names.',
  'onnx/attribute': 'An attribute of a node is missing, has the wrong type, or a value that is not legal.',
  'onnx/cycle': 'Nodes of the network read one another in a circle.',
  'onnx/duplicate-name': 'Two inputs, initialisers or nodes make a value of the same name.',
  'onnx/dynamic-shape': 'A dimension of a network input, or a shape that the network computes, is not a fixed number.',
  'onnx/external-data': 'The file that holds a tensor is missing, too short, or outside the folder of the model.',
  'onnx/input': 'An operator has too few or too many inputs, or one that must be constant is not.',
  'onnx/malformed': 'The file is not an ONNX model: truncated, or not a protobuf, or without a graph.',
  'onnx/missing-value': 'A node or an output reads a value that nothing makes.',
  'onnx/opset': 'The model does not say which version of the ONNX operators it uses, or one that finn does not read.',
  'onnx/shape': 'The shapes of the inputs of an operator do not fit together, or not its attributes.',
  'onnx/tensor-data': 'An initialiser holds more or fewer bytes than its shape and type ask for.',
  'onnx/too-large': 'A tensor would have more elements than finn is willing to handle.',
  'onnx/unknown-operator': 'The network uses an operator that finn does not know.',
  'onnx/unsupported': 'The network uses a part of ONNX that finn does not read, such as strings or sparse tensors.',
  'tool/failed': 'A tool ended with an error.',
  'tool/log': 'A line of a tool’s log that the tool itself calls an error or a warning.',
  'tool/output': 'A tool ended well but did not leave behind a file that it was asked for.',
} as const satisfies Record<string, string>;

export type Code = keyof typeof codes;

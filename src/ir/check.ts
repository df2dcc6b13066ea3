import { bug } from '../diagnostics/diagnostic.ts';
import { admits } from './datatype.ts';
import type { ConstantValue, Graph, Node, TensorType, Value } from './graph.ts';
import { sizeOf } from './tensor.ts';
import { nodesOf } from './traverse.ts';

/**
 * What holds of every graph, after import and after each pass; a breach is a defect of finn, and `pass` is named in it. Types are those
 * that `infer` gives; shapes are natural numbers; constants have as many elements as their shape says, each of their type; values read an
 * output that exists and an input that the graph has; names of inputs and of outputs are unique.
 */
export function check(graph: Graph, pass = 'import'): void {
  const wrong = (message: string): never => bug(`after ${pass}: ${message}`);
  const inputs = new Set(graph.inputs);
  if (new Set(graph.inputs.map((i) => i.name)).size !== graph.inputs.length) wrong('two inputs have one name');
  if (new Set(graph.outputs.map((o) => o.name)).size !== graph.outputs.length) wrong('two outputs have one name');
  if (graph.outputs.length === 0) wrong('the graph has no outputs');

  const checked = new Set<ConstantValue>();
  const value = (v: Value, reader: string): void => {
    switch (v.kind) {
      case 'input':
        if (!inputs.has(v)) wrong(`${reader} reads '${v.name}', which is no input of the graph`);
        break;
      case 'constant':
        if (!checked.has(v)) constant(v, reader, wrong);
        checked.add(v);
        break;
      case 'node': {
        const type = v.node.types[v.index];
        if (!type) wrong(`${reader} reads output ${v.index} of ${nameOf(v.node)}, which has ${v.node.types.length}`);
        if (!sameType(type!, v.type))
          wrong(`${reader} takes ${nameOf(v.node)} for ${show(v.type)}, it is ${show(type!)}`);
        break;
      }
    }
    shape(v.type, reader, wrong);
  };

  for (const input of graph.inputs) shape(input.type, `input '${input.name}'`, wrong);
  for (const node of nodesOf(graph)) {
    const name = nameOf(node);
    for (const input of node.inputs) if (input) value(input, name);
    const inferred = node.op.infer(node.inputs as readonly Value[], node.attrs, {
      origin: node.origin,
      outputs: node.types.length,
    });
    if (inferred.length !== node.types.length)
      wrong(`${name} has ${node.types.length} outputs, infer gives ${inferred.length}`);
    node.types.forEach((type, i) => {
      if (!sameType(type, inferred[i]!))
        wrong(`output ${i} of ${name} is ${show(type)}, infer gives ${show(inferred[i]!)}`);
      shape(type, name, wrong);
    });
  }
  for (const output of graph.outputs) value(output.value, `output '${output.name}'`);
}

function constant(v: ConstantValue, reader: string, wrong: (message: string) => never): void {
  const { dtype, data } = v.tensor;
  if (!sameType(v.type, v.tensor))
    wrong(`constant '${v.name}' of ${reader} is called ${show(v.type)}, it is ${show(v.tensor)}`);
  if (data.length !== sizeOf(v.tensor.shape)) wrong(`constant '${v.name}' of ${reader} has ${data.length} elements`);
  if (!dtype.integer) return;
  const bad = data.findIndex((x) => !admits(dtype, x));
  if (bad >= 0) wrong(`element ${bad} of constant '${v.name}' of ${reader} is ${data[bad]}, not ${dtype.name}`);
}

function shape(type: TensorType, owner: string, wrong: (message: string) => never): void {
  if (type.shape.some((n) => !Number.isInteger(n) || n < 0)) wrong(`${owner} has the shape [${type.shape.join(', ')}]`);
}

const nameOf = (node: Node): string => `${node.origin.join(', ')} (${node.op.name})`;
const show = ({ dtype, shape }: TensorType): string => `${dtype.name}[${shape.join(', ')}]`;
const sameType = (a: TensorType, b: TensorType): boolean =>
  a.dtype === b.dtype && a.shape.length === b.shape.length && a.shape.every((n, i) => n === b.shape[i]);

import { bug, fail, inNetwork } from '../../diagnostics/diagnostic.ts';
import {
  type ConstantValue,
  type Graph,
  type InputValue,
  input,
  type Node,
  sameValue,
  type Value,
} from '../../ir/graph.ts';
import { extremes } from '../../ir/tensor.ts';
import { nodesOf } from '../../ir/traverse.ts';
import { type Carried, type Host, type Integers, ONE, ZERO } from './carried.ts';
import { isConstant } from './constants.ts';
import { type Hosted, hostedRule } from './hosted.ts';
import { behind, integersBehind, isPlain, realOf } from './real.ts';
import type { Meeting, Walk } from './rule.ts';
import { ruleFor } from './rules.ts';

/** A node that stays on the host, by ONNX name, and why. */
export interface HostNode {
  readonly node: string;
  readonly op: string;
  readonly side: Host['side'];
  readonly reason: string;
}

/** A network in three parts: behind(core(before(x))) = network(x). The core is the accelerator's, integers only. */
export interface Split {
  /** Real inputs → the accelerator's integers; absent where the network is fed with integers. */
  readonly before: Graph | undefined;
  readonly core: Graph;
  /** The accelerator's integers → the network's real outputs; absent where they are the same. */
  readonly behind: Graph | undefined;
  readonly meetings: readonly Meeting[];
  readonly onHost: readonly HostNode[];
}

interface Feed {
  readonly input: InputValue;
  /** The real value it stands for, in the network, and the nodes that make its integers. */
  readonly real: Value;
  readonly integers: Value;
}

/**
 * Carries every value of the network through the rules, in order. There is no order of rewrites to get right: each
 * tensor is brought to integers once, from those in front of it. `hosted` are nodes, by ONNX name, that the host has to
 * do, and why. Refuses a network of which nothing becomes hardware.
 */
export function split(network: Graph, hosted: ReadonlyMap<string, Hosted> = new Map()): Split {
  network.inputs.forEach(checkBatch);
  const carried = new Map<Node, readonly Carried[]>();
  const meetings: Meeting[] = [];
  const feeds: Feed[] = [];
  const onHost: HostNode[] = [];
  const walk: Walk = {
    openInput(real, type, scale, offset) {
      const known = feeds.find((feed) => sameValue(feed.real, real));
      if (known) return known.input;
      const opened = input(feeds.length === 0 ? (network.inputs[0]?.name ?? 'in') : `in_${feeds.length}`, type);
      feeds.push({ input: opened, real, integers: integersBehind(real, scale, offset) });
      return opened;
    },
    meet: (meeting) => void meetings.push(meeting),
  };
  const carry = (value: Value): Carried => {
    if (value.kind === 'node')
      return carried.get(value.node)?.[value.index] ?? bug(`'${value.node.origin[0]}' read before it was carried`);
    return leaf(value);
  };
  for (const node of nodesOf(network)) {
    const inputs = node.inputs.map((value) => value && carry(value));
    const kind = hosted.get(node.origin[0] ?? '');
    const made = (kind ? hostedRule(kind) : ruleFor(node))(node, inputs, walk);
    carried.set(node, made);
    const [kept] = made;
    if (kind && kept?.kind === 'integers')
      onHost.push({ node: node.origin[0] ?? '', op: node.op.name, side: 'before', reason: kind.reason });
    if (kept?.kind !== 'host' || made.some((one) => one.kind !== 'host')) continue;
    if (node.types.every((type, index) => isConstant({ kind: 'node', node, index, type }))) continue;
    onHost.push({ node: node.origin[0] ?? '', op: node.op.name, side: kept.side, reason: reasonOf(node, kept) });
  }
  if (![...carried.values()].flat().some(isHardware)) refuseAll(network, onHost);
  return join(network, carry, feeds, meetings, onHost);
}

/** Why the node itself stays on the host; the first one on its way says it for those behind it. */
function reasonOf(node: Node, { because }: Host): string {
  if (!because || because.node === node) return because?.reason ?? '';
  return `it follows '${because.node.origin[0] ?? because.node.op.name}'`;
}

/** A frame at a time goes through the accelerator. */
function checkBatch({ name, type: { shape } }: InputValue): void {
  if (shape[0] === 1) return;
  const list = `[${shape.join(', ')}]`;
  fail('streamline/unsupported', `input '${name}' has shape ${list}: its first axis, the batch, is not 1`, {
    at: inNetwork([name]),
    hint:
      shape.length < 2
        ? `finn builds accelerators that take a frame at a time: export the network with an input of shape [${[1, ...shape].join(', ')}]`
        : `finn builds accelerators that take a frame at a time: export the network with a batch of 1, [${[1, ...shape.slice(1)].join(', ')}], or with an open one`,
  });
}

/** Is it computed from integers by the accelerator? */
const isHardware = (from: Carried): boolean =>
  from.kind === 'sum' || (from.kind === 'integers' && from.base.kind === 'node');

/** Names of nodes that one message shows. */
const SHOWN = 5;

function refuseAll(network: Graph, onHost: readonly HostNode[]): never {
  const named = onHost.slice(0, SHOWN).map(({ node, op, reason }) => `'${node}' (${op}): ${reason}`);
  const more = onHost.length > SHOWN ? [`and ${onHost.length - SHOWN} more`] : [];
  const why = named.length > 0 ? [...named, ...more].join('; ') : 'nothing is done with the integers of its input';
  return fail('streamline/unsupported', `no part of the network becomes hardware: ${why}`, {
    at: inNetwork(onHost.length > 0 ? onHost.map(({ node }) => node) : network.inputs.map(({ name }) => name)),
    hint: 'hardware begins where integers are computed with: quantise weights and activations (Quant, BipolarQuant or QuantizeLinear), and begin with a quantiser or `input.datatype` in the recipe',
  });
}

/** Inputs and constants of integer type are integers as they stand; reals are the host's. */
function leaf(value: InputValue | ConstantValue): Carried {
  const { dtype } = value.type;
  if (!dtype.integer) return { kind: 'host', side: 'before', value };
  const [min, max] = value.kind === 'constant' ? extremes(value.tensor.data) : [dtype.min, dtype.max];
  return {
    kind: 'integers',
    base: value,
    scale: ONE,
    offset: ZERO,
    links: [],
    range: { min: Float64Array.of(min), max: Float64Array.of(max) },
  } satisfies Integers;
}

function join(
  network: Graph,
  carry: (value: Value) => Carried,
  feeds: readonly Feed[],
  meetings: readonly Meeting[],
  onHost: readonly HostNode[],
): Split {
  const outputs: { name: string; value: Value }[] = [];
  const emitted: { base: Value; input: InputValue }[] = [];
  const emit = (base: Value, name: string): InputValue => {
    const known = emitted.find((one) => sameValue(one.base, base));
    if (known) return known.input;
    const opened = input(name, base.type);
    emitted.push({ base, input: opened });
    outputs.push({ name, value: base });
    return opened;
  };
  const reals = network.outputs.map(({ name, value }) => {
    const from = carry(value);
    return from.kind === 'integers'
      ? { name, value: realOf(from, emit(from.base, name)), plain: isPlain(from) }
      : { name, value: behind(value, carry, emit), plain: false };
  });
  const core = { name: network.name, outputs };
  const before = {
    name: `${network.name}_before`,
    outputs: feeds
      .filter((feed) => reads(outputs, feed.input))
      .map(({ input: { name }, integers: value }) => ({ name, value })),
  };
  const after = { name: `${network.name}_behind`, outputs: reals.map(({ name, value }) => ({ name, value })) };
  const direct = network.inputs.filter(({ type }) => type.dtype.integer);
  return {
    before:
      before.outputs.length === 0
        ? undefined
        : { ...before, inputs: network.inputs.filter((i) => reads(before.outputs, i)) },
    core: { ...core, inputs: [...feeds.map((feed) => feed.input), ...direct].filter((i) => reads(outputs, i)) },
    behind: reals.every(({ plain }) => plain) ? undefined : { ...after, inputs: emitted.map((one) => one.input) },
    meetings,
    onHost,
  };
}

function reads(outputs: Graph['outputs'], wanted: InputValue): boolean {
  if (outputs.some(({ value }) => value === wanted)) return true;
  return nodesOf({ name: '', inputs: [], outputs }).some((node) => node.inputs.includes(wanted));
}

import { FinnError, fail } from '../diagnostics/diagnostic.ts';
import { didYouMean } from '../diagnostics/suggest.ts';
import type { Plan } from '../engine/plan.ts';
import type { Graph, TensorType, Value } from '../ir/graph.ts';
import { nodesOf } from '../ir/traverse.ts';
import { isLayer, layersOf } from '../passes/fold/names.ts';
import { type Arrow, type Box, type Diagram, toDot, toMermaid } from './diagram.ts';
import { toSvg } from './diagram-svg.ts';
import { compileInMemory } from './in-memory.ts';
import { type Io, openSession, type Session } from './session.ts';
import { wantedOf } from './wanted.ts';

export interface GraphOptions {
  readonly of: string;
  readonly format: string;
  readonly build?: readonly string[] | undefined;
}

const subjects = ['steps', 'network', 'layers'];
const formats: Readonly<Record<string, (diagram: Diagram) => string>> = { dot: toDot, mermaid: toMermaid, svg: toSvg };

/** `finn graph`: a drawing on stdout, of the steps of a recipe, or of the network or the folded layers of one build. */
export async function graph(recipe: string, options: GraphOptions, io: Io): Promise<number> {
  oneOf('--of', options.of, subjects);
  oneOf('--format', options.format, Object.keys(formats));
  const session = openSession(recipe, { builds: options.build }, io);
  const diagram = options.of === 'steps' ? await stepsDiagram(session) : await graphDiagram(session, options.of, io);
  await session.executor.close();
  io.out(formats[options.format]!(diagram));
  return 0;
}

function oneOf(option: string, value: string, legal: readonly string[]): void {
  if (!legal.includes(value))
    fail('cli/usage', `${option} takes ${legal.join(', ')}; not '${value}'`, { hint: didYouMean(value, legal) });
}

async function stepsDiagram(session: Session): Promise<Diagram> {
  const plan: Plan = await session.engine.plan(session.engine.graph(wantedOf(session, undefined)));
  const boxes: Box[] = plan.instances.map(({ id, instance: { path } }) => ({
    id: path,
    lines: [id.step, id.scope.join('/')],
  }));
  const arrows = plan.instances.flatMap(({ instance }) => {
    const from = [...instance.needs.values()].flatMap((source) => {
      if (source.kind !== 'each') return [source.of.path];
      return (plan.known.members(source.group) ?? [source.group.template]).map(({ path }) => path);
    });
    return [...new Set(from)].map((path): Arrow => ({ from: path, to: instance.path }));
  });
  return { name: session.recipe.name, boxes, arrows };
}

/** The network, or the folded layers, of the first build that is chosen. */
async function graphDiagram(session: Session, of: string, io: Io): Promise<Diagram> {
  const build = session.builds[0]!;
  const { networkScopes, buildScopes, recipe, project, plugins } = session;
  const only = <T>(scopes: ReadonlyMap<string, T>, name: string): Map<string, T> =>
    new Map([...scopes].filter(([key]) => key === name));
  const compiled = await compileInMemory({
    recipe,
    project,
    plugins,
    networks: only(networkScopes, build.network.name),
    builds: only(buildScopes, build.name),
    signal: io.signal,
  });
  const made = of === 'network' ? compiled.networks.get(build.network.name) : compiled.dataflows.get(build.name);
  if (made) return drawn(of === 'network' ? build.network.name : build.name, made);
  const reason = compiled.unknown.get(build.network.name);
  if (reason !== undefined)
    fail('cli/usage', `the network ${build.network.name} is not at hand: ${reason}`, {
      hint: '`finn build --until import` gets it',
    });
  throw new FinnError(...compiled.diagnostics);
}

/** A graph's nodes, its inputs and outputs; constants are left out. */
export function drawn(name: string, graph: Graph): Diagram {
  const names = new Map([...layersOf(graph)].map(([layer, node]) => [node as unknown, layer]));
  const nodes = nodesOf(graph);
  const ids = new Map(nodes.map((node, i) => [node, `n${i}`]));
  const idOf = (value: Value): string =>
    value.kind === 'node' ? ids.get(value.node)! : value.kind === 'input' ? `in ${value.name}` : '';
  const arrowTo =
    (to: string) =>
    (value: Value | undefined): Arrow[] =>
      value === undefined || value.kind === 'constant' ? [] : [{ from: idOf(value), to, label: typeText(value.type) }];
  return {
    name,
    boxes: [
      ...graph.inputs.map((input): Box => ({ id: `in ${input.name}`, lines: [input.name], round: true })),
      ...nodes.map((node): Box => {
        const parallel = isLayer(node)
          ? Object.keys(node.op.fields).flatMap((field) =>
              node.attrs[field] === undefined ? [] : [`${field} ${String(node.attrs[field])}`],
            )
          : [];
        const origin = node.origin.join(', ');
        return {
          id: ids.get(node)!,
          lines: [
            names.get(node) ?? node.op.name,
            ...(parallel.length > 0 ? [parallel.join(', ')] : []),
            short(origin),
          ],
        };
      }),
      ...graph.outputs.map((output): Box => ({ id: `out ${output.name}`, lines: [output.name], round: true })),
    ],
    arrows: [
      ...nodes.flatMap((node) => node.inputs.flatMap(arrowTo(ids.get(node)!))),
      ...graph.outputs.flatMap((output) => arrowTo(`out ${output.name}`)(output.value)),
    ],
  };
}

/** 'UINT2 1×64' */
export const typeText = ({ dtype, shape }: TensorType): string => `${dtype.name} ${shape.join('×') || 'scalar'}`;
const short = (text: string): string => (text.length > 48 ? `${text.slice(0, 47)}…` : text);

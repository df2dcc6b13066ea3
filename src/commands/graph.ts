import { join } from 'node:path';
import { FinnError, fail } from '../diagnostics/diagnostic.ts';
import { didYouMean } from '../diagnostics/suggest.ts';
import type { Plan } from '../engine/plan.ts';
import type { Graph, TensorType, Value } from '../ir/graph.ts';
import { nodesOf } from '../ir/traverse.ts';
import { isLayer, layersOf } from '../passes/fold/names.ts';
import { readIfThere } from '../util/files.ts';
import { type Arrow, type Box, type Diagram, toDot, toMermaid } from './diagram.ts';
import { toSvg } from './diagram-svg.ts';
import { compileInMemory } from './in-memory.ts';
import { type Io, openSession, type Session } from './session.ts';
import { type Bar, byKind, timePlot } from './time-plot.ts';
import { wantedOf } from './wanted.ts';

export interface GraphOptions {
  readonly of: string;
  /** 'dot' if left out; times are drawn as 'svg' only. */
  readonly format?: string | undefined;
  readonly build?: readonly string[] | undefined;
  /** Folder of the results, for times. */
  readonly out: string;
}

const subjects = ['steps', 'network', 'layers', 'time'];
const formats: Readonly<Record<string, (diagram: Diagram) => string>> = { dot: toDot, mermaid: toMermaid, svg: toSvg };

/**
 * `finn graph`: a drawing on stdout, of the steps of a recipe, of the network or the folded layers of one build, or of the
 * time that the steps of its builds took.
 */
export async function graph(recipe: string, options: GraphOptions, io: Io): Promise<number> {
  oneOf('--of', options.of, subjects);
  const format = options.format ?? (options.of === 'time' ? 'svg' : 'dot');
  oneOf('--format', format, options.of === 'time' ? ['svg'] : Object.keys(formats));
  const session = openSession(recipe, { builds: options.build }, io);
  if (options.of === 'time') {
    io.out(timePlot(`${session.recipe.name}: seconds by step`, timesOf(session, options.out)));
    await session.executor.close();
    return 0;
  }
  const diagram = options.of === 'steps' ? await stepsDiagram(session) : await graphDiagram(session, options.of, io);
  await session.executor.close();
  io.out(formats[format]!(diagram));
  return 0;
}

function oneOf(option: string, value: string, legal: readonly string[]): void {
  if (!legal.includes(value))
    fail('cli/usage', `${option} takes ${legal.join(', ')}; not '${value}'`, { hint: didYouMean(value, legal) });
}

/** What the steps of each build took, as its folder says; of the builds that are there. */
function timesOf({ recipe, builds }: Session, out: string): Bar[] {
  const bars = builds.flatMap(({ name }): Bar[] => {
    const bytes = readIfThere(join(out, recipe.name, name, 'time_per_step.json'));
    return bytes ? [{ name, parts: byKind(JSON.parse(new TextDecoder().decode(bytes))) }] : [];
  });
  if (bars.length === 0)
    fail('cli/file', `there is no build of ${recipe.name} in ${out}`, {
      hint: '`finn build` first, or give its --out',
    });
  return bars;
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

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Build } from '../config/model.ts';
import type { Artifact, Files, Made } from '../engine/artifact.ts';
import type { Built } from '../engine/engine.ts';
import type { Scope } from '../engine/step.ts';
import type { Design } from '../hdl/design.ts';
import * as made from '../steps/artifacts.ts';
import { encodeGraph } from '../steps/codecs.ts';
import type { Verdict } from '../steps/verify/verdict.ts';
import { mirrorTree, writeAtomically } from '../util/files.ts';
import type { Session } from './session.ts';

const utf8 = new TextEncoder();
const pretty = (value: unknown): Uint8Array => utf8.encode(`${JSON.stringify(value, null, 2)}\n`);

/** The files of a build's folder that tell of the result; those that tell of the run are written beside them. */
export function resultFiles(built: Built, scope: Scope, network: Scope, build: Build): Record<string, Uint8Array> {
  const files: Record<string, Uint8Array> = {};
  const add = (more: Files | undefined): void => void Object.assign(files, more);
  const value = <T>(at: Scope, artifact: Artifact<T>): T | undefined => built.value(at, artifact)?.value;

  const network_ = value(network, made.network);
  if (network_) files['intermediate_models/import.onnx'] = encodeGraph(network_);
  const split = built.files(network, made.integerNetwork as Artifact<unknown>);
  for (const [path, bytes] of Object.entries(split ?? {}))
    if (path.endsWith('.onnx'))
      files[`intermediate_models/${path === 'streamlined.onnx' ? 'streamline' : path.replace('.onnx', '')}.onnx`] =
        bytes;
  const layers = value(network, made.layers);
  if (layers) files['intermediate_models/lower.onnx'] = encodeGraph(layers);
  const dataflow = value(scope, made.dataflow);
  if (dataflow) files['intermediate_models/fold.onnx'] = encodeGraph(dataflow);
  add(value(scope, made.estimate));
  add(layerResources(built, scope, files));
  const accelerator = value(scope, made.accelerator);
  if (accelerator && build.outputs.includes('stitched_ip')) add(stitchedIp(accelerator, value(scope, made.simulation)));
  add(value(scope, made.simulation));
  add(value(scope, made.implementation));
  const image = value(scope, made.bitstream);
  if (image) files['bitfile/finn-accel.bin'] = image;
  const driver = value(scope, made.driverFiles);
  add(driver);
  if (image && driver && build.outputs.includes('deployment'))
    for (const [path, bytes] of [['bitfile/finn-accel.bin', image] as const, ...Object.entries(driver)])
      files[`deploy/${path}`] = bytes;
  files['verification_output/verdicts.json'] = pretty(verdicts(built, scope, network));
  return files;
}

/** Estimate and truth side by side, layer by layer. */
function layerResources(built: Built, scope: Scope, files: Readonly<Record<string, Uint8Array>>): Files {
  const synthesized = built.each(scope, made.layerNetlist);
  if (synthesized.size === 0) return {};
  const text = new TextDecoder();
  const estimate = files['report/estimate_layer_resources.json'];
  const estimated = (estimate ? JSON.parse(text.decode(estimate)) : {}) as Record<string, unknown>;
  const layers = [...synthesized].map(
    ([name, { value }]) => [name, JSON.parse(text.decode(value['cells.json']!)) as Record<string, unknown>] as const,
  );
  return {
    'report/ooc_synth_and_timing.json': pretty(Object.fromEntries(layers)),
    'report/layer_resources.json': pretty(
      Object.fromEntries(
        layers.map(([name, synthesised]) => [name, { estimated: estimated[name], synthesized: synthesised }]),
      ),
    ),
  };
}

/** stitched_ip/: sources, memories, a file list, and what a simulator needs to run it. */
function stitchedIp({ sources, memories, top }: Design, simulation: Files | undefined): Files {
  const files: Record<string, Uint8Array> = {};
  for (const [path, text] of Object.entries(sources)) files[`stitched_ip/${path}`] = utf8.encode(text);
  for (const [path, text] of Object.entries(memories)) files[`stitched_ip/${path}`] = utf8.encode(text);
  files['stitched_ip/all_verilog_srcs.txt'] = utf8.encode(`${Object.keys(sources).join('\n')}\n`);
  files['stitched_ip/README.md'] = utf8.encode(
    `# ${top}\n\nThe accelerator: top module \`${top}\`, sources in all_verilog_srcs.txt, memory images (.hex) read by \`$readmemh\` from the working folder.\n` +
      'Clock `ap_clk`, reset `ap_rst_n` (synchronous, low), AXI-Stream `s_axis_0` in and `m_axis_0` out.\n' +
      `\`${top}_tb.v\` is a self-checking testbench: \`iverilog -g2012 -o tb *.v *.sv && vvp tb\` ends in PASS.\n`,
  );
  for (const [path, bytes] of Object.entries(simulation ?? {}))
    if (path.startsWith('testbench/')) files[`stitched_ip/${path.slice('testbench/'.length)}`] = bytes;
  return files;
}

/** What each verification found, in the order of the stages. */
export function verdicts(built: Built, scope: Scope, network: Scope): Verdict[] {
  const list = [
    built.value(network, made.importVerdict),
    built.value(network, made.streamlineVerdict),
    built.value(network, made.lowerVerdict),
    built.value(scope, made.codegenVerdict),
    built.value(scope, made.stitchVerdict),
    built.value(scope, made.shellVerdict),
  ];
  return list.flatMap((one) => (one ? [one.value] : []));
}

const artifacts: readonly Made[] = [
  made.model, made.network, made.integerNetwork, made.layers, made.dataflow, made.estimate, made.accelerator,
  made.simulation, made.bitstream, made.implementation, made.driverFiles,
]; // biome-ignore format: a list

/** build.json: what was built, from which inputs, by which tools, with which verdicts. No dates, hosts or paths. */
export function manifest(
  built: Built,
  scope: Scope,
  network: Scope,
  session: Session,
  build: Build,
): Record<string, unknown> {
  const inScope = built.outcomes.filter(({ instance }) => instance.scope === network || isBelow(instance.scope, scope));
  const calls = inScope.flatMap(({ result }) => result?.record.calls ?? []);
  return {
    format: 1,
    recipe: session.recipe.name,
    build: build.name,
    network: build.network.name,
    target: { board: build.target.board.id, part: build.target.board.part },
    inputs: Object.fromEntries(artifacts.slice(0, 1).map((artifact) => [artifact.name, built.hash(network, artifact)])),
    artifacts: Object.fromEntries(
      artifacts.map((artifact) => [artifact.name, built.hash(scope, artifact)]).filter(([, hash]) => hash),
    ),
    keys: Object.fromEntries(
      inScope
        .filter(({ result }) => result)
        .map(({ id, result }) => [[id.step, ...id.scope].join('/'), result!.key])
        .sort(([a], [b]) => (a! < b! ? -1 : 1)),
    ),
    tools: toolsOf(calls),
    verdicts: verdicts(built, scope, network),
  };
}

export const toolsOf = (
  calls: readonly { readonly tool: string; readonly version: string }[],
): Record<string, string> =>
  Object.fromEntries(
    [...new Map(calls.map(({ tool, version }) => [tool, version]))].sort(([a], [b]) => (a < b ? -1 : 1)),
  );

const isBelow = (scope: Scope, above: Scope): boolean =>
  scope === above || (scope.parent !== undefined && isBelow(scope.parent, above));

/**
 * Writes a build's folder: nothing of an earlier build stays, each file by rename, build.json last. A folder whose
 * build.json says the same already is left alone.
 */
export function writeBuildFolder(
  folder: string,
  built: Built,
  scope: Scope,
  network: Scope,
  session: Session,
  build: Build,
): void {
  const head = `${JSON.stringify(manifest(built, scope, network, session, build), null, 2)}\n`;
  const path = join(folder, 'build.json');
  if (existsSync(path) && readFileSync(path, 'utf8') === head) return;
  mirrorTree(folder, resultFiles(built, scope, network, build));
  const seconds = built.outcomes
    .filter(({ instance, result }) => result && (instance.scope === network || isBelow(instance.scope, scope)))
    .map(({ id, result }) => [
      [id.step, ...id.scope.slice(id.scope.length > 2 ? 2 : id.scope.length)].join('/'),
      result!.record.seconds,
    ]);
  writeAtomically(join(folder, 'time_per_step.json'), pretty(Object.fromEntries(seconds)));
  writeAtomically(path, head);
}

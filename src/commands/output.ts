import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { bitstreamName } from '../config/board.ts';
import type { Build } from '../config/model.ts';
import type { Artifact } from '../engine/artifact.ts';
import type { Stored } from '../engine/content.ts';
import type { Built } from '../engine/engine.ts';
import type { Objects } from '../engine/objects.ts';
import type { Outcome } from '../engine/scheduler.ts';
import type { Scope } from '../engine/step.ts';
import type { Store } from '../engine/store.ts';
import { isThere, lostObject, restoreTree, type TreeFile } from '../engine/trees.ts';
import type { Design } from '../hdl/design.ts';
import * as made from '../steps/artifacts.ts';
import { encodeGraph } from '../steps/codecs.ts';
import type { Verdict } from '../steps/verify/verdict.ts';
import { sha256 } from '../util/hash.ts';
import { replaceBuild } from './build-folder.ts';
import type { Manifest } from './manifest.ts';
import { pluginFiles } from './plugin-files.ts';
import { resourceReports } from './resource-reports.ts';
import { logFiles, timePerStep } from './run-files.ts';
import { isReport } from './standing.ts';

/** Where the simulation's artifact keeps the testbench that goes with the stitched accelerator. */
const TESTBENCH = 'testbench/';

type TreeFiles = Readonly<Record<string, TreeFile>>;

const utf8 = new TextEncoder();
const pretty = (value: unknown): Uint8Array => utf8.encode(`${JSON.stringify(value, null, 2)}\n`);

/**
 * The files of a build's folder that tell of the result; those that tell of the run are written beside them. What is not made
 * anew from values, and not read here, stays in the store. FinnError 'cache/lost'.
 */
export function resultFiles(
  built: Built,
  scope: Scope,
  network: Scope,
  build: Build,
  objects: Objects,
): Record<string, TreeFile> {
  const files: Record<string, TreeFile> = {};
  const add = (more: TreeFiles | undefined): void => void Object.assign(files, more);
  const treeOf = (artifact: Artifact<unknown>): TreeFiles | undefined => {
    const tree = built.stored(scope, artifact);
    return tree && Object.fromEntries(Object.entries(tree).map(([path, one]) => [path, read(objects, path, one)]));
  };
  const value = <T>(at: Scope, artifact: Artifact<T>): T | undefined => built.value(at, artifact)?.value;

  const stored = (at: Scope, artifact: Artifact<unknown>, path: string, as: string): void => {
    const one = built.stored(at, artifact)?.[path];
    if (one) files[`intermediate_models/${as}.onnx`] = one;
  };
  const network_ = value(network, made.network);
  if (network_) files['intermediate_models/import.onnx'] = encodeGraph(network_);
  stored(network, made.integerNetwork, 'before.onnx', 'before');
  const core = value(network, made.integerNetwork)?.core;
  if (core) files['intermediate_models/streamline.onnx'] = encodeGraph(core);
  stored(network, made.integerNetwork, 'behind.onnx', 'behind');
  // Layers are nobody's but ours: their weights need not be float.
  stored(network, made.layers, 'layers.onnx', 'lower');
  stored(scope, made.dataflow, 'dataflow.onnx', 'fold');
  add(value(scope, made.estimate));
  const accelerator = value(scope, made.accelerator);
  const simulation = treeOf(made.simulation) ?? {};
  if (accelerator && build.outputs.includes('stitched_ip')) add(stitchedIp(accelerator, simulation));
  for (const [path, one] of Object.entries(simulation)) if (!path.startsWith(TESTBENCH)) files[path] = one;
  add(treeOf(made.implementation));
  add(resourceReports(built, scope, made.layerNetlist, reportsIn(files), build.target.board.family));
  const [image] = Object.values(treeOf(made.bitstream) ?? {});
  const imagePath = `bitfile/${bitstreamName(build.target.board.family)}`;
  if (image) files[imagePath] = image;
  const driver = treeOf(made.driverFiles);
  add(driver);
  if (image && driver && build.outputs.includes('deployment'))
    for (const [path, one] of [[imagePath, image] as const, ...Object.entries(driver)]) files[`deploy/${path}`] = one;
  const found = verdicts(built, scope, network);
  files['verification_output/verdicts.json'] = pretty(found);
  // FINN's name of what the whole circuit gave, where that was compared.
  const given = files['verification_output/accelerator_output.npy'];
  if (given && found.some(({ stage, vectors }) => stage === 'stitch' && vectors > 0))
    files['verification_output/verify_stitched_ip_rtlsim_0_SUCCESS.npy'] = given;
  add(pluginFiles(built, scope, network));
  return files;
}

/** What finn reads of a build's folder. */
export const reportsIn = (files: TreeFiles): Record<string, Uint8Array> =>
  Object.fromEntries(
    Object.entries(files).filter(
      (entry): entry is [string, Uint8Array] => isReport(entry[0]) && entry[1] instanceof Uint8Array,
    ),
  );

/** A stored file for a build's folder: the contents where finn itself reads them. */
function read(objects: Objects, path: string, stored: Stored): TreeFile {
  if (!isReport(path)) return stored;
  const bytes = objects.read(stored);
  if (!bytes) throw lostObject(stored);
  return bytes;
}

/** stitched_ip/: sources, memories, a file list, and what a simulator needs to run it. */
function stitchedIp({ sources, memories, top }: Design, simulation: TreeFiles): TreeFiles {
  const files: Record<string, TreeFile> = {};
  const bench = Object.entries(simulation).filter(([path]) => path.startsWith(TESTBENCH));
  const hasBench = bench.length > 0;
  for (const [path, text] of Object.entries(sources)) files[`stitched_ip/${path}`] = utf8.encode(text);
  for (const [path, text] of Object.entries(memories)) files[`stitched_ip/${path}`] = utf8.encode(text);
  files['stitched_ip/all_verilog_srcs.txt'] = utf8.encode(`${Object.keys(sources).join('\n')}\n`);
  files['stitched_ip/README.md'] = utf8.encode(
    `# ${top}\n\nThe accelerator: top module \`${top}\`, sources in all_verilog_srcs.txt, memory images (.hex) read by \`$readmemh\` from the working folder.\n` +
      'Clock `ap_clk`, reset `ap_rst_n` (synchronous, low), AXI-Stream `s_axis_0` in and `m_axis_0` out.\n' +
      (hasBench
        ? `\`${top}_tb.v\` is a self-checking testbench: \`iverilog -g2012 -s ${top}_tb -o tb *.v *.sv && vvp -n tb\`, or ` +
          `\`verilator --binary --timing -Wno-fatal --top-module ${top}_tb *.v *.sv && obj_dir/V${top}_tb\`, ends in PASS.\n`
        : ''),
  );
  for (const [path, one] of bench) files[`stitched_ip/${path.slice(TESTBENCH.length)}`] = one;
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
  // In this order of keys, whether it was found just now or comes from the cache.
  return list.flatMap((one) => {
    if (!one) return [];
    const { stage, vectors, elements, accuracy, nearTies, nearTieDistance } = one.value;
    return [
      {
        stage,
        vectors,
        elements,
        ...(accuracy !== undefined && { accuracy }),
        nearTies,
        ...(nearTieDistance !== undefined && { nearTieDistance }),
      },
    ];
  });
}

/**
 * Writes a build's folder, of which `files` are the results: nothing of an earlier build stays, each file by rename,
 * build.json last. A folder that has all that its build.json names, which says the same already, is left alone. Processes that write the same folder
 * do so one after the other. FinnError 'cli/file' where it cannot be written.
 */
export async function writeBuildFolder(
  folder: string,
  files: TreeFiles,
  manifest: Manifest,
  outcomes: readonly Outcome[],
  store: Store,
): Promise<void> {
  const head = `${JSON.stringify(manifest, null, 2)}\n`;
  const path = join(folder, 'build.json');
  const whole = async (): Promise<boolean> => {
    if (!existsSync(path) || readFileSync(path, 'utf8') !== head) return false;
    for (const name of Object.keys(manifest.files))
      if (!(await isThere(files[name]!, join(folder, name)))) return false;
    return true;
  };
  if (await whole()) return;
  const release = await store.claim(`folder-${sha256(resolve(folder)).slice(0, 16)}`, new AbortController().signal);
  try {
    if (await whole()) return;
    const run = { ...logFiles(outcomes, store), 'time_per_step.json': pretty(timePerStep(outcomes)) };
    await replaceBuild(folder, () => restoreTree(store.objects, folder, { ...files, ...run }), head);
  } finally {
    release();
  }
}

import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { strToU8, zipSync } from 'fflate';
import { loadProject, type Project } from '../config/project.ts';
import { FinnError, fail } from '../diagnostics/diagnostic.ts';
import { closest } from '../diagnostics/suggest.ts';
import { type FailedCall, failedCallFile, failedLog, readFailedCall } from '../engine/failed-call.ts';
import { finnVersion } from '../engine/own-code.ts';
import { contains, listTree, writeAtomically } from '../util/files.ts';
import { sha256 } from '../util/hash.ts';
import { type Private, privateOf } from './redact.ts';
import type { Io } from './session.ts';
import { bytesText, plural, table } from './table.ts';

export interface BundleOptions {
  /** File to write. */
  readonly output?: string | undefined;
}

/** A call that failed and whose folder was kept. */
interface Failed {
  readonly folder: string;
  readonly call: FailedCall;
}

/**
 * `finn bundle [RECIPE] [STEP|FOLDER]`: packs the folder of a failed tool call, so that someone else can run the call
 * again. Names nothing of this machine. FinnError where none failed; lists them, with status 2, where several did and
 * nothing says which.
 */
export async function bundle(words: readonly string[], { output }: BundleOptions, io: Io): Promise<number> {
  const recipe = words.find((word) => /\.ya?ml$/.test(word));
  const [which, ...more] = words.filter((word) => word !== recipe);
  if (more.length > 0) fail('cli/usage', `'${more.join(' ')}': one step or one folder at a time`);
  const { project, diagnostics } = loadProject(recipe ?? 'finn.config.yaml');
  if (diagnostics.some(({ severity }) => severity === 'error')) throw new FinnError(...diagnostics);
  const found = failedCalls(project, which);
  if (found.length > 1) {
    io.out(`${plural(found.length, 'call')} failed; name one of them, by its step, its scope or its folder:`);
    const rows = found.map(({ folder, call }) => [basename(folder), nameOf(call), call.label]);
    for (const line of table(['FOLDER', 'STEP', 'WHAT FOR'], rows)) io.out(line);
    return 2;
  }
  const [{ folder, call } = fail('cli/usage', 'no failed call')] = found;
  const { files, notes } = contentsOf(folder, call, privateOf(project));
  const name = basename(folder);
  const path = output ?? `${name}.zip`;
  const zip = pack(name, files);
  try {
    writeAtomically(path, zip);
  } catch (cause) {
    fail('cli/file', `cannot write ${path}: ${(cause as Error).message}`);
  }
  for (const note of notes) io.err(`note: ${note}`);
  io.out(`${path}: ${nameOf(call)}, ${plural(Object.keys(files).length, 'file')}, ${bytesText(zip.length)}`);
  return 0;
}

const nameOf = ({ step, scope }: FailedCall): string => [step, ...scope].join('/');

/** The failed calls that a word means: a folder, a step, a step with scope, or the beginning of a folder's name. */
function failedCalls({ cache }: Project, which: string | undefined): Failed[] {
  if (which !== undefined && existsSync(join(which, failedCallFile))) {
    const call = readFailedCall(which);
    return call ? [{ folder: resolve(which), call }] : fail('cli/file', `${which} was kept by another version of finn`);
  }
  const work = join(cache.path, 'work');
  const all = namesIn(work)
    .filter((name) => name.startsWith('failed-'))
    .flatMap((name): Failed[] => {
      const call = readFailedCall(join(work, name));
      return call ? [{ folder: join(work, name), call }] : [];
    });
  if (all.length === 0)
    fail('cli/usage', `no tool call failed: there is nothing to pack in ${work}`, {
      hint: 'a build keeps the folder of a call that fails until the same call succeeds',
    });
  if (which === undefined) return all;
  const exact = all.filter(({ folder, call }) => basename(folder) === which || nameOf(call) === which);
  const found =
    exact.length > 0
      ? exact
      : all.filter(
          ({ folder, call }) =>
            [call.step, call.tool, ...call.scope].includes(which) ||
            basename(folder).startsWith(which) ||
            nameOf(call).startsWith(`${which}/`),
        );
  if (found.length > 0) return found;
  const names = all.map(({ call }) => nameOf(call));
  const near = closest(which, [...names, ...all.map(({ call }) => call.step)]);
  return fail('cli/usage', `no failed call is called '${which}'`, {
    hint: `${near === undefined ? '' : `did you mean \`${near}\`? `}failed: ${names.join(', ')}`,
  });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** The files of a bundle by path, and what whoever sends it should know. */
function contentsOf(
  folder: string,
  call: FailedCall,
  own: Private,
): { readonly files: Record<string, Uint8Array>; readonly notes: readonly string[] } {
  const files: Record<string, Uint8Array> = {};
  const notes: string[] = [];
  const log = failedLog(call.tool);
  const redacted = (bytes: Uint8Array): Uint8Array => strToU8(own.redact(new TextDecoder().decode(bytes)));
  const root = realpathSync(folder);
  for (const path of listTree(folder)) {
    // What a tool linked to is of the machine, not of the call.
    if (!contains(root, realpathSync(join(folder, path)))) {
      notes.push(`${path}, which the tool left behind, is a link out of its folder; it is left out`);
      continue;
    }
    const bytes = new Uint8Array(readFileSync(join(folder, path)));
    const wanted = call.files[path];
    if (wanted !== undefined) {
      if (sha256(bytes) !== wanted)
        fail('cli/file', `${join(folder, path)} is not what the call was given`, {
          hint: 'it was changed since; build again',
        });
      files[`files/${path}`] = bytes;
      if (own.isIn(asText(bytes)))
        notes.push(`files/${path} names something of this machine; it is packed as the tool got it`);
    } else if (call.program.kind === 'module' && path === call.program.path) files[path] = bytes;
    else if (path === failedCallFile || path === log) files[path] = redacted(bytes);
    else if (!own.isIn(asText(bytes))) files[`left/${path}`] = bytes;
    else if (isText(bytes)) files[`left/${path}`] = redacted(bytes);
    else notes.push(`${path}, which the tool left behind, names something of this machine; it is left out`);
  }
  const lost = Object.keys(call.files).filter((path) => files[`files/${path}`] === undefined);
  if (lost.length > 0) fail('cli/file', `${folder} has no ${lost.join(', ')} any more`, { hint: 'build again' });
  files['run.mjs'] = new Uint8Array(readFileSync(new URL('./bundle-run.mjs', import.meta.url)));
  const log_ = files[log] ? `${log.padEnd(15)}what it said\n` : '';
  files['README.txt'] = strToU8(readme(call, own.redact, log_));
  return { files, notes };
}

/** A byte a character: names in plain letters are found in any file. */
const asText = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const isText = (bytes: Uint8Array): boolean => !bytes.includes(0);

function readme(call: FailedCall, redact: (text: string) => string, log: string): string {
  const { program, tool, version, args, exit } = call;
  const native = program.kind === 'native';
  const command = [native ? program.command : tool, ...args].map(quoted).join(' ');
  const get = {
    native: `It is ${tool} ${version}, as it is installed on this machine: get the same version.`,
    npm: program.kind === 'npm' ? `npm install ${program.package}@${version}` : '',
    module: 'Its code is a part of finn, and of this bundle: finn-module.mjs.',
  }[program.kind];
  return redact(`A call of ${tool} that ${exit === null ? 'finn ended' : exit === 0 ? 'left out a file' : 'failed'}: ${call.label}
step ${nameOf(call)}

  ${command}

${exit === null ? 'It took too long, or wrote too much, and was ended.' : `It ended with status ${exit}.`} It was to leave behind: ${Object.values(call.outputs).join(', ') || 'nothing'}

To run it again, with Node 20 or later:

  ${program.kind === 'npm' ? `${get}\n  ` : ''}node run.mjs
${program.kind === 'npm' ? '' : `\n${get}\n`}
run.mjs puts the files of files/ into a new folder run/ and calls the tool there. By hand:

  ${native ? `cp -r files run && cd run && ${command}` : '(the tool is no program of its own: only run.mjs can call it)'}

call.json      the call: tool, version, arguments, files with their sha256, what came of it
${log}files/         what the tool was given
left/          what it left behind, if anything

Versions: ${tool} ${version} (${program.kind}), finn ${finnVersion()}, Node ${process.versions.node}, ${process.platform} ${process.arch}
Folders and names of the machine are replaced by <run> (the folder of the call), <cache>, <project>, <home>, <tmp>, <host>, <user>.
`);
}

/** A word as a POSIX shell takes it. */
const quoted = (word: string): string => (/^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** A zip of files below a folder: the same bytes of the same files, whenever. */
function pack(folder: string, files: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const names = Object.keys(files).sort();
  // The least time that a zip can say, in whatever zone.
  const mtime = new Date(1980, 0, 1);
  return zipSync(Object.fromEntries(names.map((name) => [`${folder}/${name}`, [files[name]!, { mtime }]])));
}

import { dirname, isAbsolute } from 'node:path';
import { staysBelow } from '../util/files.ts';
import { type Rational, showRational } from '../util/rational.ts';
import type { ModelSource, Network, NetworkInput, Vectors } from './model.ts';
import { child, dotted } from './pointer.ts';
import type { Loose, Resolving } from './scope.ts';
import type * as file from './types.gen.ts';
import { quote } from './validate.ts';

/** A network of a recipe; nothing where its model is not known (and a diagnostic says why). */
export function resolveNetwork(
  name: string,
  written: Loose<file.Network>,
  pointer: string,
  to: Resolving,
): Network | undefined {
  const model = written.model && resolveModel(written.model, child(pointer, 'model'), to);
  const input = written.input && resolveInput(written.input, child(pointer, 'input'), to);
  const verify = written.verify && resolveVectors(written.verify, child(pointer, 'verify'), to);
  const topK = written.output?.top_k;
  if (!model) return undefined;
  return {
    name,
    at: to.at(pointer, 'key'),
    model,
    ...(input && { input }),
    ...(topK !== undefined && { topK }),
    ...(verify && { verify }),
  };
}

/** Keys of a model that go with its source. */
const belonging = {
  file: ['member', 'sha256'],
  url: ['member', 'sha256'],
  run: ['inputs', 'output', 'sha256'],
} as const;

function resolveModel(written: Loose<file.Model>, pointer: string, to: Resolving): ModelSource | undefined {
  const sources = (['file', 'url', 'run'] as const).filter((key) => written[key] !== undefined);
  const [kind] = sources;
  if (kind === undefined || sources.length > 1) {
    const have = kind === undefined ? 'none of' : `${sources.map((key) => `\`${key}\``).join(' and ')}, not one of`;
    const at = kind === undefined ? to.at(pointer, 'key') : to.at(child(pointer, sources[1]!), 'key');
    to.wrong('recipe/model-source', `\`${dotted(pointer)}\` has ${have} \`file\`, \`url\` and \`run\``, at);
    return undefined;
  }
  const legal: readonly string[] = [kind, ...belonging[kind]];
  for (const key of Object.keys(written))
    if (!legal.includes(key)) {
      const message = `\`${key}\` does not go with a model from \`${kind}\``;
      to.wrong(
        'recipe/model-source',
        message,
        to.at(child(pointer, key), 'key'),
        `with it go: ${belonging[kind].join(', ')}`,
      );
    }
  const hash = written.sha256 === undefined ? {} : { sha256: written.sha256.toLowerCase() };
  const member = written.member === undefined ? {} : { member: written.member.replace(/^(\.\/)+/, '') };
  if (member.member !== undefined && !staysBelow(member.member)) {
    const at = child(pointer, 'member');
    to.wrong('recipe/model-source', `\`${dotted(at)}\` is no path inside of an archive`, to.at(at), 'nets/model.onnx');
  }
  if (kind === 'file')
    return { kind, path: to.existing(child(pointer, 'file'), written.file!, 'data'), ...member, ...hash };
  if (kind === 'url') {
    if (/^https?:\/\/[^/?#]*@/i.test(written.url!)) {
      const hint = 'what a recipe says everybody may read; fetch it yourself into a folder of `mirrors`';
      to.wrong(
        'recipe/model-source',
        `\`${dotted(child(pointer, 'url'))}\` has a user name in it`,
        to.at(child(pointer, 'url')),
        hint,
      );
    }
    return { kind, url: written.url!, ...member, ...hash };
  }
  return resolveRun(written, pointer, to, hash);
}

function resolveRun(
  { run, inputs = [], output }: Loose<file.Model>,
  pointer: string,
  to: Resolving,
  hash: { sha256?: string },
): ModelSource | undefined {
  for (const [i, input] of inputs.entries())
    if (input !== undefined) to.existing(child(child(pointer, 'inputs'), i), input);
  if (output === undefined) {
    const message = `\`${dotted(pointer)}\` runs a command but does not say which file it makes`;
    to.wrong('recipe/model-source', message, to.at(child(pointer, 'run'), 'key'), 'add `output: model.onnx`');
    return undefined;
  }
  const wrong = (key: string, message: string, hint: string): void =>
    to.wrong('recipe/model-source', message, to.at(child(pointer, key)), hint);
  if (!staysBelow(output))
    wrong('output', `\`${dotted(child(pointer, 'output'))}\` leaves the folder that the command runs in`, 'model.onnx');
  if (run?.some((word) => word?.includes('\0')))
    wrong('run', `\`${dotted(child(pointer, 'run'))}\` has a word with a NUL`, 'no program can be given such a word');
  const program = run?.[0] ?? '';
  if (program === '' || program.startsWith('-') || (program.includes('/') && !isAbsolute(program)))
    wrong(
      'run',
      `\`${dotted(child(pointer, 'run'))}\` begins with ${quote(program)}, which is no program of this machine`,
      'a program on PATH, or an absolute path; a script is run by its interpreter: [python3, train.py]',
    );
  const recipe = to.fileOf(child(pointer, 'run'));
  return {
    kind: 'run',
    command: run!.filter((word) => word !== undefined),
    folder: dirname(recipe),
    inputs: inputs.filter((input) => input !== undefined),
    output,
    ...hash,
    recipe,
  };
}

type Written = file.NetworkInput['scale'];

function resolveInput(written: Loose<file.NetworkInput>, pointer: string, to: Resolving): NetworkInput | undefined {
  const list = (key: 'scale' | 'bias' | 'mean' | 'std'): readonly Rational[] | undefined => {
    const value = written[key] as Written;
    if (value === undefined) return undefined;
    const at = child(pointer, key);
    const numbers = Array.isArray(value)
      ? value.map((item, i) => (item === undefined ? undefined : to.number(child(at, i), item)))
      : [to.number(at, value)];
    if (key === 'scale' || key === 'std')
      for (const [i, number] of numbers.entries())
        if (number?.num === 0n) {
          const place = Array.isArray(value) ? child(at, i) : at;
          to.wrong('recipe/number', `\`${dotted(place)}\` is 0: every input would be the same`, to.at(place));
        }
    return numbers.filter((number) => number !== undefined);
  };
  const [scale, bias, mean, std] = [list('scale'), list('bias'), list('mean'), list('std')];
  if (bias && (mean || std)) {
    const message = `\`${dotted(child(pointer, 'bias'))}\` does not go with \`mean\` and \`std\``;
    const hint = 'either x·scale + bias, or (x·scale − mean)/std';
    to.wrong('recipe/conflict', message, to.at(child(pointer, 'bias'), 'key'), hint);
  }
  const lengths = Object.entries({ scale, bias, mean, std }).filter(([, numbers]) => numbers && numbers.length > 1);
  const [first, ...rest] = lengths;
  for (const [key, numbers] of rest)
    if (numbers!.length !== first![1]!.length) {
      const at = child(pointer, key);
      const message = `\`${dotted(at)}\` has ${numbers!.length} numbers, \`${first![0]}\` ${first![1]!.length}: one for each channel`;
      to.wrong('recipe/conflict', message, to.at(at));
    }
  if (written.datatype === undefined) return undefined;
  return {
    datatype: written.datatype.toUpperCase(),
    scale: scale ?? [{ num: 1n, den: 1n }],
    ...(bias && { bias }),
    ...(mean && { mean }),
    ...(std && { std }),
  };
}

function resolveVectors(written: Loose<file.Vectors>, pointer: string, to: Resolving): Vectors | undefined {
  const existing = (key: 'input' | 'expected' | 'labels'): string | undefined => {
    const path = written[key];
    return path === undefined ? undefined : to.existing(child(pointer, key), path, 'data');
  };
  const [input, expected, labels] = [existing('input'), existing('expected'), existing('labels')];
  const at = child(pointer, 'min_accuracy');
  const minAccuracy = written.min_accuracy === undefined ? undefined : to.number(at, written.min_accuracy);
  if (minAccuracy && (minAccuracy.num < 0n || minAccuracy.num > minAccuracy.den)) {
    const message = `\`${dotted(at)}\` is ${showRational(minAccuracy)}; it must be from 0 to 1`;
    to.wrong('recipe/number', message, to.at(at), '95 % is 0.95');
  }
  if (written.min_accuracy !== undefined && written.labels === undefined)
    to.wrong('recipe/conflict', `\`${dotted(at)}\` needs \`labels\``, to.at(at, 'key'));
  if (input === undefined) return undefined;
  return { input, ...(expected && { expected }), ...(labels && { labels }), ...(minAccuracy && { minAccuracy }) };
}

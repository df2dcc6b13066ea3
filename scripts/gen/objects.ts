import type { Command } from 'commander';
import { commandLine } from '../../src/commands/command-line.ts';
import type { Family, Handle, Made } from '../../src/engine/artifact.ts';
import { onnxOps } from '../../src/onnx/ops/index.ts';
import { operators } from '../../src/operators/index.ts';
import type { Operator } from '../../src/operators/operator.ts';
import { steps } from '../../src/steps/index.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');

/** docs/reference/operators.md: the hardware layers with what recipes may set, and the ONNX operators that are read. */
export function operatorReference(): string {
  const settings = ({ fields }: Operator): string =>
    Object.keys(fields).length === 0
      ? 'Nothing can be set on it.'
      : table(
          ['setting', 'takes', 'meaning', 'in FINN’s folding files'],
          Object.entries(fields).map(([name, { choices, doc, finn }]) => [
            `\`${name}\``,
            choices ? choices.map((choice) => `\`${choice}\``).join(', ') : 'whole number',
            doc,
            `\`${finn}\``,
          ]),
        );
  const layer = (one: Operator): string =>
    `## ${one.name}\n\n${one.doc}${one.inserted ? ' Folding puts it between other layers.' : ''}\n\n${settings(one)}\n`;
  const domains = new Map<string, Set<string>>();
  for (const { domain, name } of onnxOps) domains.set(domain, (domains.get(domain) ?? new Set()).add(name));
  const read = [...domains].map(([domain, names]) => [
    domain === '' ? 'ai.onnx' : domain,
    [...names]
      .sort()
      .map((name) => `\`${name}\``)
      .join(', '),
  ]);
  return [
    '# Operators\n\nThe hardware layers, in the order in which lowering asks them.\n',
    ...operators.map(layer),
    '## ONNX operators\n',
    'Read from files, typed, and executed by `finn exec`; which of them become hardware depends on where they stand.\n',
    `${table(['domain', 'operators'], read)}\n`,
  ].join('\n');
}

/** docs/reference/steps.md: every step with what it needs and makes, and every artifact. */
export function stepReference(): string {
  const artifacts = new Map<string, string>();
  const note = ({ name, doc }: Made): string => {
    artifacts.set(name, doc);
    return `\`${name}\``;
  };
  const need = (handle: Handle): string => {
    if (handle.kind === 'item') return `its ${note(handle.family as Family<unknown>)}`;
    return handle.kind === 'each' ? `every ${note(handle.artifact)}` : note(handle);
  };
  const list = (texts: readonly string[]): string => texts.join(', ') || '–';
  const rows = steps.map(({ name, doc, per, needs, makes }) => [
    `\`${name}\``,
    per,
    doc,
    list((Object.values(needs) as Handle[]).map(need)),
    list((Object.values(makes) as Made[]).map(note)),
  ]);
  return [
    '# Steps\n\nIn the order in which a build goes through them. What runs when is said by what they need.\n',
    `${table(['step', 'once per', 'what it does', 'needs', 'makes'], rows)}\n`,
    '## Artifacts\n',
    `${table(
      ['artifact', 'what it is'],
      [...artifacts].map(([name, doc]) => [`\`${name}\``, doc]),
    )}\n`,
  ].join('\n');
}

/** docs/reference/commands.md: every command as its `--help` tells it. */
export function commandReference(): string {
  const nothing = () => {};
  const io = { out: nothing, err: nothing, terminal: false, color: false, signal: new AbortController().signal };
  const program = commandLine({ io, version: '', run: async () => {}, interruptible: nothing });
  const help = (command: Command): string => {
    const parts: string[] = [];
    command.configureOutput({ writeOut: (part) => void parts.push(part), getOutHelpWidth: () => 100 });
    command.outputHelp();
    return parts.join('').trimEnd();
  };
  const all = program.commands.map((one) => one.commands[0] ?? one);
  return [
    '# Commands\n\nExit status: 0 done; 1 a step or a verification failed; 2 the command line, the recipe, a board or the config is wrong;',
    '3 a tool is missing or too old; 130 interrupted. `--json` prints events or results for programs.\n',
    ...all.map((one) => {
      const path = one.parent && one.parent !== program ? `${one.parent.name()} ${one.name()}` : one.name();
      return `## finn ${path}\n\n\`\`\`text\n${help(one)}\n\`\`\`\n`;
    }),
  ].join('\n');
}

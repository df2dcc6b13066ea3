import { fail } from '../diagnostics/diagnostic.ts';
import { didYouMean } from '../diagnostics/suggest.ts';
import { onnxOps } from '../onnx/ops/index.ts';
import { operatorNamed, operators } from '../operators/index.ts';
import type { Operator } from '../operators/operator.ts';
import type { Io } from './session.ts';
import { table } from './table.ts';
import { useTrustedPlugins } from './trusted-plugins.ts';

export interface OperatorsOptions {
  readonly json?: boolean | undefined;
}

/** `finn operators`: the hardware layers and the ONNX operators that finn reads, or all about one layer. */
export async function listOperators(name: string | undefined, { json }: OperatorsOptions, io: Io): Promise<number> {
  useTrustedPlugins('finn.config.yaml', io);
  if (name !== undefined) {
    const operator = operatorNamed(name) ?? unknown(name, io);
    if (operator === 'onnx') return 0;
    if (json) io.out(JSON.stringify(operatorJson(operator)));
    else for (const line of about(operator)) io.out(line);
    return 0;
  }
  if (json) {
    io.out(
      JSON.stringify({
        layers: operators.map(operatorJson),
        onnx: onnxOps.map(({ name: op, domain }) => ({ name: op, domain })),
      }),
    );
    return 0;
  }
  const rows = operators.map((one) => [one.name, Object.keys(one.fields).join(', '), one.doc]);
  for (const line of table(['LAYER', 'SETTINGS', 'WHAT IT DOES'], rows)) io.out(line);
  io.out('');
  io.out('ONNX operators that are read and that `finn exec` runs:');
  for (const line of wrapped(byDomain().map(([domain, names]) => `${domain}: ${names.join(', ')}`))) io.out(line);
  return 0;
}

/** An ONNX operator is known, but is no layer; anything else is a mistake. */
function unknown(name: string, io: Io): 'onnx' {
  const found = onnxOps.find((op) => op.name === name);
  if (!found) {
    const names = operators.map((one) => one.name);
    return fail('cli/usage', `there is no operator '${name}'`, { hint: didYouMean(name, names, 'layers') });
  }
  io.out(
    `${name}: an operator of ${domainText(found.domain)} that finn reads and runs; it is no hardware layer itself`,
  );
  return 'onnx';
}

const operatorJson = ({ name, doc, fields, inserted }: Operator): Record<string, unknown> => ({
  name,
  doc,
  settings: fields,
  inserted: inserted ?? false,
});

function about({ name, doc, fields, inserted }: Operator): string[] {
  const rows = Object.entries(fields).map(([field, { type, choices, finn, doc: text }]) => [
    field,
    choices ? choices.join(' | ') : type,
    finn,
    text,
  ]);
  return [
    `${name}: ${doc}`,
    ...(inserted ? ['Folding puts it between other layers.'] : []),
    ...(rows.length > 0 ? ['', ...table(['SETTING', 'VALUE', 'IN FINN', 'WHAT IT DOES'], rows)] : []),
  ];
}

function byDomain(): [string, string[]][] {
  const domains = new Map<string, string[]>();
  for (const { name, domain } of onnxOps) {
    const text = domainText(domain);
    domains.set(text, [...(domains.get(text) ?? []), name]);
  }
  return [...domains].map(([domain, names]) => [domain, [...new Set(names)].sort()]);
}

const domainText = (domain: string): string => (domain === '' ? 'ONNX' : domain);

/** Lines of at most 100 characters, broken at blanks. */
const wrapped = (lines: readonly string[]): string[] =>
  lines.flatMap((line) =>
    line
      .replace(/(.{1,98})(?: |$)/g, '$1\n')
      .trimEnd()
      .split('\n')
      .map((part, i) => (i === 0 ? `  ${part}` : `    ${part}`)),
  );

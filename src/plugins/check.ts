import { type Diagnostic, error } from '../diagnostics/diagnostic.ts';
import { didYouMean } from '../diagnostics/suggest.ts';
import type { Made } from '../engine/artifact.ts';
import type { AnyStep } from '../engine/step.ts';
import type { Op } from '../ir/graph.ts';
import type { Operator } from '../operators/operator.ts';
import { type Pass, places } from '../passes/plugged.ts';
import type { OnnxOperator, Plugin } from './plugin.ts';

/** A plug-in and the path that messages call its file by. */
export interface Named {
  readonly plugin: Plugin;
  readonly from: string;
}

/** What finn has itself, with which the names of plug-ins must not clash. */
export interface Own {
  readonly operators: readonly Operator[];
  readonly onnx: readonly Op[];
  readonly steps: readonly AnyStep[];
}

type Kind = 'function' | 'string' | 'object';

/** Members that each kind of part must have, since types are not checked when a plug-in is loaded. */
const members: Readonly<Record<'operators' | 'onnx' | 'passes' | 'steps', Readonly<Record<string, Kind>>>> = {
  operators: {
    ...{ name: 'string', domain: 'string', doc: 'string', fields: 'object', infer: 'function', evaluate: 'function' },
    ...{ parallel: 'function', streams: 'function', cycles: 'function', schedule: 'function', resources: 'function' },
    ...{ rtl: 'function', finn: 'function', samples: 'function' },
  },
  onnx: { op: 'object' },
  passes: { name: 'string', doc: 'string', at: 'string', run: 'function' },
  steps: {
    name: 'string',
    doc: 'string',
    per: 'string',
    needs: 'object',
    makes: 'object',
    config: 'function',
    run: 'function',
  },
};

/** What a file exports as `plugin`, or why it is none. */
export function pluginOf(exported: Readonly<Record<string, unknown>>, from: string): Plugin | Diagnostic[] {
  const hint = '`export const plugin = definePlugin({ name: …, operators: […], passes: […], steps: […] })`';
  const plugin = exported['plugin'];
  if (!isMap(plugin)) return [error('plugin/export', `${from} exports no \`plugin\``, { hint })];
  const wrong = (message: string, how = hint): Diagnostic =>
    error('plugin/export', `${from}: ${message}`, { hint: how });
  const found: Diagnostic[] = [];
  const legal = ['name', ...Object.keys(members)];
  for (const key of Object.keys(plugin))
    if (!legal.includes(key)) found.push(wrong(`a plug-in has no \`${key}\``, didYouMean(key, legal, 'parts')));
  const { name } = plugin;
  if (typeof name !== 'string' || !/^[a-z][a-z0-9-]*$/.test(name))
    found.push(wrong(`its name is ${JSON.stringify(name) ?? 'missing'}`, 'small letters, digits and hyphens'));
  for (const [part, wanted] of Object.entries(members)) {
    const list = plugin[part] ?? [];
    if (!Array.isArray(list)) {
      found.push(wrong(`\`${part}\` is no list`));
      continue;
    }
    list.forEach((one: unknown, i) => {
      for (const [member, kind] of Object.entries(wanted)) {
        const value = isMap(one) ? one[member] : undefined;
        if (typeof value === kind && value !== null) continue;
        const what = isMap(one) && typeof one['name'] === 'string' ? `'${one['name']}'` : `number ${i + 1}`;
        const is = value === undefined ? 'is missing' : `is no ${kind}`;
        found.push(wrong(`\`${member}\` of ${what} of its ${part} ${is}`, `docs/plugins.md shows each kind`));
      }
    });
  }
  return found.length > 0 ? found : (plugin as unknown as Plugin);
}

const isMap = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** Everything that is wrong with the names of all plug-ins together: one meaning for each. */
export function clashes(plugins: readonly Named[], own: Own): Diagnostic[] {
  const found: Diagnostic[] = [];
  const table = (what: string, names: readonly string[]) => {
    const known = new Map(names.map((name) => [name, 'finn itself']));
    return (name: string, from: string): void => {
      const other = known.get(name);
      if (other !== undefined)
        found.push(
          error('plugin/name', `${from}: there is already ${what} '${name}'`, {
            hint: `${other} has it: use another name`,
          }),
        );
      known.set(name, from);
    };
  };
  const plugin = table('a plug-in', []);
  const operator = table(
    'an operator',
    own.operators.map(({ name }) => name),
  );
  const onnx = table(
    'an ONNX operator',
    own.onnx.map(({ domain, name }) => `${domain}:${name}`),
  );
  const pass = table('a pass', []);
  const step = table(
    'a step',
    own.steps.map(({ name }) => name),
  );
  const artifact = table(
    'an artifact',
    own.steps.flatMap(madeBy).map(({ name }) => name),
  );
  for (const { plugin: one, from } of plugins) {
    plugin(one.name, from);
    for (const { name } of one.operators ?? []) operator(name, from);
    for (const { op } of one.onnx ?? ([] as readonly OnnxOperator[])) {
      onnx(`${op.domain}:${op.name}`, from);
      if (op.domain === '' || op.domain === 'ai.onnx')
        found.push(
          error('plugin/name', `${from}: '${op.name}' is in ONNX’s own domain`, {
            hint: 'give it a domain of your own',
          }),
        );
    }
    for (const { name, at } of one.passes ?? ([] as readonly Pass[])) {
      pass(name, from);
      if (!Object.hasOwn(places, at))
        found.push(
          error('plugin/export', `${from}: pass '${name}' runs '${at}'`, {
            hint: didYouMean(at, Object.keys(places), 'places'),
          }),
        );
    }
    for (const one_ of one.steps ?? []) {
      step(one_.name, from);
      if (!['network', 'build', 'layer'].includes(one_.per))
        found.push(
          error('plugin/export', `${from}: step '${one_.name}' runs once per ${one_.per}`, {
            hint: 'network, build or layer',
          }),
        );
      for (const made of new Set(madeBy(one_))) {
        artifact(made.name, from);
        if (!/^[a-z][a-z0-9-]*$/.test(made.name))
          found.push(
            error('plugin/name', `${from}: an artifact cannot be called '${made.name}'`, {
              hint: 'small letters, digits and hyphens',
            }),
          );
      }
    }
  }
  return found;
}

const madeBy = ({ makes }: AnyStep): Made[] =>
  (Object.values(makes) as Made[]).flatMap((made) => (made.kind === 'family' ? [made, made.item as Made] : [made]));

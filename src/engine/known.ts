import { fail } from '../diagnostics/diagnostic.ts';
import { type Content, hashesOf, isFamily, type TreeContent } from './content.ts';
import type { NeedHash } from './fingerprint.ts';
import type { Group, Instance, Source, StepGraph } from './graph.ts';
import type { StepRecord } from './records.ts';

/** The result of an instance, in the store. */
export interface Result {
  readonly key: string;
  readonly record: StepRecord;
}

/** Results found or made so far, and what follows from them: members of groups, hashes of inputs. */
export class Known {
  readonly graph: StepGraph;
  readonly results = new Map<Instance, Result>();
  readonly #members = new Map<Group, { readonly hash: string; readonly list: readonly Instance[] }>();

  constructor(graph: StepGraph) {
    this.graph = graph;
  }

  content(of: Instance, output: string): Content | undefined {
    return this.results.get(of)?.record.makes[output];
  }

  /** The instances of a group in the family's order; undefined while the family is not known. */
  members(group: Group): readonly Instance[] | undefined {
    const family = this.content(group.opener.of, group.opener.output);
    if (!family || !isFamily(family)) return undefined;
    let members = this.#members.get(group);
    if (members?.hash !== family.hash) {
      const keys = family.items.map(([key]) => key);
      members = { hash: family.hash, list: this.graph.expand(group, keys) };
      this.#members.set(group, members);
    }
    return members.list;
  }

  /** The instances that have to be done before this source is known, as far as they are known themselves. */
  waitsFor(source: Source): readonly Instance[] {
    return source.kind === 'each' ? this.waitsForGroup(source.group) : [source.of];
  }

  /** The instance that opens the group's scopes, and the group's own as far as they are known. */
  waitsForGroup(group: Group): readonly Instance[] {
    return [group.opener.of, ...(this.members(group) ?? [])];
  }

  /** The contents behind a source, by key where it is more than one; undefined while one of them is not known. */
  contents(source: Source): Content | readonly (readonly [string, TreeContent])[] | undefined {
    switch (source.kind) {
      case 'output':
        return this.content(source.of, source.output);
      case 'item': {
        const family = this.content(source.of, source.output);
        if (!family || !isFamily(family)) return undefined;
        const found = family.items.find(([key]) => key === source.key);
        if (found) return found[1];
        const keys = family.items.map(([key]) => key).join(', ');
        return fail(
          'plan/key',
          `step '${source.of.step.name}' made no '${source.handle.name}' called '${source.key}'`,
          {
            hint: `it made ${keys || 'none'}`,
          },
        );
      }
      case 'each': {
        const list: [string, TreeContent][] = [];
        for (const member of this.members(source.group) ?? [undefined]) {
          const content = member && this.content(member, source.output);
          if (!content || isFamily(content)) return undefined;
          list.push([member.scope.name, content]);
        }
        return list;
      }
    }
  }

  /** Hash of every input; undefined while one of them is not known. */
  needHashes(instance: Instance): Record<string, NeedHash> | undefined {
    const hashes: Record<string, NeedHash> = {};
    for (const [name, source] of instance.needs) {
      const found = this.contents(source);
      if (!found) return undefined;
      hashes[name] = 'hash' in found ? (isFamily(found) ? hashesOf(found.items) : found.hash) : hashesOf(found);
    }
    return hashes;
  }
}

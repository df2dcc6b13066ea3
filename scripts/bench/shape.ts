import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { random } from '../../src/util/random.ts';

/** A graph of commands that any build tool can be given: step i reads one source file and up to three steps before it. */
export interface Shape {
  /** For each step the steps that it reads, all of them earlier. */
  readonly reads: readonly (readonly number[])[];
}

/** How far back a step reads: what makes the graph as deep as wide. */
const reach = 60;

/** A graph of so many steps, the same each time; the last step reads all that nobody else does. */
export function shapeOf(steps: number): Shape {
  const next = random(`graph of ${steps}`);
  const reads: number[][] = [];
  const unread = new Set<number>();
  for (let i = 0; i < steps - 1; i += 1) {
    const own = new Set<number>();
    const wanted = i === 0 ? 0 : next.int(1, 3);
    for (let j = 0; j < wanted; j += 1) own.add(next.int(Math.max(0, i - reach), i - 1));
    for (const other of own) unread.delete(other);
    unread.add(i);
    reads.push([...own]);
  }
  reads.push([...unread]);
  return { reads };
}

/** Writes the source file of each step: src/0.txt and so on. */
export function writeSources({ reads }: Shape, folder: string): void {
  mkdirSync(join(folder, 'src'), { recursive: true });
  for (const i of reads.keys()) writeFileSync(join(folder, `src/${i}.txt`), `source ${i}\n`);
}

/** What step i runs in a shell: its inputs, hashed into its output. */
const command = (inputs: readonly string[], output: string): string =>
  `cat ${inputs.join(' ')} | sha256sum > ${output}`;
const inputsOf = ({ reads }: Shape, i: number): string[] => [`src/${i}.txt`, ...reads[i]!.map((j) => `out/${j}.txt`)];

/** The graph as ninja reads it. */
export function writeNinja(shape: Shape, folder: string): void {
  const lines = ['rule digest', '  command = cat $in | sha256sum > $out', ''];
  for (const i of shape.reads.keys()) lines.push(`build out/${i}.txt: digest ${inputsOf(shape, i).join(' ')}`);
  writeFileSync(join(folder, 'build.ninja'), `${lines.join('\n')}\n`);
}

/** The graph as scripts of a package for wireit; the last is called 'all'. */
export function writeWireit(shape: Shape, folder: string): void {
  mkdirSync(join(folder, 'out'), { recursive: true });
  const name = (i: number): string => (i === shape.reads.length - 1 ? 'all' : `s${i}`);
  const scripts: Record<string, string> = {};
  const wireit: Record<string, object> = {};
  for (const [i, reads] of shape.reads.entries()) {
    scripts[name(i)] = 'wireit';
    wireit[name(i)] = {
      command: command(inputsOf(shape, i), `out/${i}.txt`),
      dependencies: reads.map(name),
      files: [`src/${i}.txt`],
      output: [`out/${i}.txt`],
    };
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'bench', private: true, scripts, wireit }));
}

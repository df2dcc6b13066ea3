import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { error, FinnError, warning } from '../../src/diagnostics/diagnostic.ts';
import { type Artifact, each, item } from '../../src/engine/artifact.ts';
import { type AnyStep, step } from '../../src/engine/step.ts';
import { type Settings, text, texts, tool } from './rig.ts';

/** Steps that are run aside, as a thread and its test both know them. What they write into `folder` the test sees. */
export function asideSteps(folder: string): AnyStep[] {
  const noted: Artifact<string> = {
    ...text('whole'),
    decode: (files) => {
      appendFileSync(join(folder, 'decoded'), 'whole\n');
      return text('whole').decode(files);
    },
  };
  const parts = texts('parts', 'part');
  const done = text('done');
  const all = text('all');
  const called = text('called');
  const meeting = text('meeting');
  return [
    step({
      name: 'read',
      doc: '',
      per: 'net',
      needs: {},
      makes: { whole: noted },
      aside: true,
      config: (settings: Settings) => ({ words: settings['words'] ?? 'one two' }),
      sources: async () => ({ more: Buffer.from('three') }),
      async run(_, { config, sources, note, report }) {
        note('reads');
        report(warning('fold/not-played', 'reads loosely'));
        return { whole: `${config.words} ${new TextDecoder().decode(sources['more'])}` };
      },
    }) as AnyStep,
    step({
      name: 'split',
      doc: '',
      per: 'net',
      needs: { whole: noted },
      makes: { parts },
      aside: true,
      config: () => ({}),
      run: async ({ whole }) => ({ parts: new Map(whole.split(' ').map((word) => [word, word])) }),
    }) as AnyStep,
    step({
      name: 'work',
      doc: '',
      per: 'part',
      needs: { part: item(parts), whole: noted },
      makes: { done },
      aside: true,
      config: (_: Settings, { name }) => ({ name }),
      run: async ({ part, whole }, { config }) => ({ done: `${part} as ${config.name} of ${whole.length}` }),
    }) as AnyStep,
    step({
      name: 'join',
      doc: '',
      per: 'net',
      needs: { dones: each(done), parts },
      makes: { all },
      aside: true,
      config: () => ({}),
      run: async ({ dones, parts: of }) => ({ all: `${[...dones.values()].join(', ')} (${[...of.keys()].join()})` }),
    }) as AnyStep,
    step({
      name: 'call',
      doc: '',
      per: 'net',
      needs: {},
      makes: { called },
      aside: true,
      config: (settings: Settings) => ({ how: settings['how'] }),
      tools: () => [tool('t')],
      async run(_, { config, call }) {
        switch (config.how) {
          case 'refuses':
            throw new FinnError(error('onnx/malformed', 'no such thing'));
          case 'breaks':
            throw new TypeError('what is this');
          case 'ends':
            process.exit(7);
        }
        const one = call({ tool: tool('t'), args: [], files: { a: 'x' }, outputs: { out: 'out' }, label: 'call' });
        if (config.how === 'never ends') {
          writeFileSync(join(folder, 'begun'), '');
          for (;;);
        }
        return { called: new TextDecoder().decode((await one).out) };
      },
    }) as AnyStep,
    step({
      name: 'meet',
      doc: '',
      per: 'net',
      needs: {},
      makes: { meeting },
      aside: true,
      config: (settings: Settings) => ({ mine: settings['mine']!, other: settings['other']! }),
      async run(_, { config: { mine, other } }) {
        writeFileSync(join(folder, mine), '');
        // It computes without a pause until another has begun.
        while (!existsSync(join(folder, other)));
        return { meeting: mine };
      },
    }) as AnyStep,
  ];
}

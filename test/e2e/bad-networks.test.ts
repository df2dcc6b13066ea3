import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inTheMiddle, joins, wholes } from './bad-graphs.ts';
import { convolutions, quantisation } from './bad-layers.ts';
import { good } from './odd-networks.ts';
import { Workplace } from './workplace.ts';

const bad = [...convolutions, ...quantisation, ...joins, ...inTheMiddle, ...wholes];

describe('networks as files, built up to `lower` by the command line', () => {
  let work: Workplace;
  /** By network: the step that failed, and its text; nothing for one that was lowered. */
  const said = new Map<string, { readonly step: string; readonly text: string }>();
  let out = '';
  let status: number | null = null;

  beforeAll(async () => {
    work = new Workplace();
    const makers = [...bad, ...good].map(([, make]) => make);
    makers.forEach((make, i) => void work.write(`n${i}.onnx`, make()));
    const each = (line: (i: number) => string): string => makers.map((_, i) => line(i)).join('\n');
    work.write(
      'bad.yaml',
      `finn: 1
name: bad
networks:
${each((i) => `  n${i}: { model: { file: n${i}.onnx } }`)}
targets:
  zcu104: { board: zcu104, clock_mhz: 100 }
folding:
  slow: { target_fps: 100 }
builds:
${each((i) => `  n${i}: { network: n${i}, target: zcu104, folding: slow }`)}
`,
    );
    const ended = await work.start(['build', 'bad.yaml', '--until', 'lower', '--keep-going', '--plain']);
    status = ended.status;
    out = ended.out + ended.err;
    for (const [, step, name, text] of out.matchAll(/^✗ (\S+) (n\d+)$\n((?:(?![✓✗…-] ).*\n)*)/gm))
      said.set(name!, { step: step!, text: text! });
  }, 300_000);
  afterAll(() => work.remove());

  it('end with status 1, none of them in a bug or a mismatch', () => {
    expect(status).toBe(1);
    expect(out).not.toMatch(/internal\/bug|verify\/mismatch|defect in finn/);
  });

  it.each(bad.map((one, i) => [one[0], i] as const))('%s: refused by name, with a remedy', (_, i) => {
    const [, , at, message, hint] = bad[i]!;
    const { step, text } = said.get(`n${i}`) ?? { step: 'nothing', text: out.slice(-2000) };
    expect(['import', 'streamline', 'lower'], text).toContain(step);
    expect(text).toMatch(new RegExp(`^network (node|nodes|input) .*\\b${at}\\b`, 'm'));
    expect(text.replaceAll('\n', ' ')).toMatch(message);
    expect(text.slice(text.indexOf('hint: '))).toMatch(hint);
    expect(text).toContain('hint: ');
  });

  it.each(good.map((one, i) => [one[0], i] as const))('%s: legal', (_, i) => {
    const name = `n${bad.length + i}`;
    expect(said.get(name)?.text).toBeUndefined();
    expect(out).toMatch(new RegExp(`^✓ lower ${name}\\b`, 'm'));
    const host = good[i]![2];
    if (host !== undefined)
      expect(out).toMatch(new RegExp(`'${host}' \\(\\w+\\) stays on the host, (before|behind) the accelerator`));
  });
});

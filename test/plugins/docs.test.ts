import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { places } from '../../src/passes/plugged.ts';

const page = readFileSync(new URL('../../docs/plugins.md', import.meta.url), 'utf8');
const file = (name: string): string => readFileSync(new URL(`./example/${name}`, import.meta.url), 'utf8');

it.each(['plugins/pick-channels.ts', 'plugins/dead-units.ts', 'plugins/layer-costs.ts'])(
  'docs/plugins.md shows %s as it is',
  (name) => {
    const [, shown] = new RegExp(`^\`${name}\`:\\n\\n\`\`\`ts\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(page) ?? [];
    expect(shown).toBe(file(name));
  },
);

it('docs/plugins.md shows the config as it is, and every place of a pass', () => {
  expect(/```yaml\n([\s\S]*?)```/.exec(page)?.[1]).toBe(file('finn.config.yaml'));
  const named = [...page.matchAll(/^\| `([a-z ]+)` \|/gm)].map(([, place]) => place);
  expect(named).toEqual(['at', ...Object.keys(places)]);
});

// `npm run new operator <name>`: a folder to begin with.
import { fileURLToPath } from 'node:url';
import { newOperator } from './new/operator.ts';

const [kind, name] = process.argv.slice(2);
if (kind !== 'operator' || name === undefined) {
  console.error('usage: npm run new operator <name>');
  process.exit(2);
}
try {
  for (const path of newOperator(name, fileURLToPath(new URL('..', import.meta.url)))) console.log(path);
  console.log('next: `npm run gen`, then docs/add-an-operator.md');
} catch (cause) {
  console.error((cause as Error).message);
  process.exit(2);
}

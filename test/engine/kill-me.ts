// A process that builds until its third step has begun, says so, and never ends: killed.test.ts kills it there. Told to, it
// leaves a scratch folder and exits by itself.
import { buildRow } from './killed.ts';
import { Rig } from './rig.ts';

const rig = new Rig(process.argv[2]);
const alive = setInterval(() => {}, 1000);
await buildRow(rig, async (name) => {
  if (name !== 'c') return;
  process.stdout.write('third\n');
  if (process.argv[3] === 'exit') {
    rig.store.scratch();
    process.exit(130);
  }
  await new Promise(() => {});
});
clearInterval(alive);

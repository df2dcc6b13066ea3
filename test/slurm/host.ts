// A process that runs one call as a job, to be killed by a test: folder of the call, and the script.
import { sha256 } from '../../src/util/hash.ts';
import { script, slurm } from './calls.ts';

const [directory = '', text = ''] = process.argv.slice(2);
await slurm().execute(script(text, { outputs: { out: 'out.txt' } }), {
  directory,
  step: 'synthesize',
  key: sha256(directory),
  signal: new AbortController().signal,
  onLine: (line) => console.log(line),
  onNote: (line) => console.log(line),
});

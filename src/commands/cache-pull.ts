import { error } from '../diagnostics/diagnostic.ts';
import type { Plan } from '../engine/plan.ts';
import { type RemoteCacheOptions, remoteOf, trafficText } from './remote-cache.ts';
import { type Io, openSession } from './session.ts';
import { plural } from './table.ts';
import { wantedOf } from './wanted.ts';

/**
 * `finn cache pull`: fetches what the remote cache has of a recipe's results, and the tool calls that made them, into the
 * local cache. Runs nothing, and fetches no models. 1 where the server was of no use.
 */
export async function cachePull(recipe: string, options: RemoteCacheOptions, io: Io): Promise<number> {
  const session = openSession(recipe, { builds: options.build, building: true }, io);
  const { engine, executor, store, render } = session;
  const remote = remoteOf(session, io);
  const wanted = wantedOf(session, options.until);
  const foresee = (): Promise<Plan> => engine.plan(engine.graph(wanted), { signal: io.signal });
  const here = new Set<string>();
  const tried = new Set<string>();
  let planned = await foresee();
  for (const { key, state } of planned.instances) if (key && state !== 'run') here.add(key);
  // What is fetched makes known what the steps behind it depend on.
  for (;;) {
    const missing = planned.instances.filter(({ key, state }) => state === 'run' && key && !tried.has(key));
    if (missing.length === 0) break;
    for (const { key } of missing) tried.add(key!);
    const got = await Promise.all(missing.map(({ id, key }) => remote.pullStep(id.step, key!)));
    if (!got.includes(true)) break;
    planned = await foresee();
  }
  await executor.close();
  const steps = new Set<string>();
  const calls = new Set<string>();
  for (const { instance } of planned.instances) {
    const result = planned.known.results.get(instance);
    if (result && !here.has(result.key)) steps.add(result.key);
    for (const { key } of result?.record.calls ?? []) if (!store.records.readCall(key)) calls.add(key);
  }
  const got = await Promise.all([...calls].map((key) => remote.pullCall(key)));
  if (io.signal.aborted) return 130;
  const fetchedCalls = got.filter((one) => one).length;
  const missing = planned.instances.filter(({ instance }) => !planned.known.results.has(instance));
  const { pulled, host } = remote;
  if (options.json) {
    const { objects, bytes } = pulled;
    const counts = { steps: steps.size, calls: fetchedCalls, here: here.size, missing: missing.length };
    io.out(JSON.stringify({ host, ...counts, objects, bytes }));
  } else {
    const what = `${plural(steps.size, 'result')} and ${plural(fetchedCalls, 'tool call')}`;
    io.out(`fetched ${what} from ${host}: ${trafficText(pulled)}; ${plural(here.size, 'result')} had been here`);
    if (missing.length > 0) {
      const [first] = missing;
      io.out(
        `${plural(missing.length, 'result')} not there; the first: ${first!.id.step} (${first!.because.join('; ')})`,
      );
    }
  }
  if (remote.readable) return 0;
  io.err(render(error('cache/remote-down', `${host} could not be asked for everything`)));
  return 1;
}

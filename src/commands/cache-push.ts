import { error, fail } from '../diagnostics/diagnostic.ts';
import { type RemoteCacheOptions, remoteOf, trafficText } from './remote-cache.ts';
import { type Io, openSession } from './session.ts';
import { plural } from './table.ts';
import { wantedOf } from './wanted.ts';

/**
 * `finn cache push`: sends what the local cache has of a recipe's results, and the tool calls that made them, to the remote
 * cache. Runs nothing. 1 where not all of that could be sent.
 */
export async function cachePush(recipe: string, options: RemoteCacheOptions, io: Io): Promise<number> {
  const session = openSession(recipe, { builds: options.build }, io);
  const { engine, executor, store, project, render } = session;
  const remote = remoteOf(session, io);
  if (project.remote?.mode === 'read')
    fail('config/wrong-value', `the remote cache at ${remote.host} is only to be read`, {
      hint: 'finn.config.yaml has to say cache.remote.mode: read-write',
    });
  const planned = await engine.plan(engine.graph(wantedOf(session, options.until)), { signal: io.signal });
  await executor.close();
  const steps = new Map<string, string>();
  const calls = new Set<string>();
  for (const { instance, id } of planned.instances) {
    const result = planned.known.results.get(instance);
    if (!result) continue;
    steps.set(result.key, id.step);
    for (const { key } of result.record.calls) if (store.records.readCall(key)) calls.add(key);
  }
  for (const [key, step] of steps) remote.pushStep(step, key);
  for (const key of calls) remote.pushCall(key);
  await remote.settled();
  if (io.signal.aborted) return 130;
  const missing = planned.instances.filter(({ instance }) => !planned.known.results.has(instance)).length;
  const all = steps.size + calls.size;
  const { pushed, host } = remote;
  if (options.json) {
    const { records, objects, bytes } = pushed;
    io.out(JSON.stringify({ host, steps: steps.size, calls: calls.size, missing, sent: records, objects, bytes }));
  } else {
    if (missing > 0) io.out(`${plural(missing, 'result')} not in the local cache: \`finn build\` makes them`);
    const what = `${plural(steps.size, 'result')} and ${plural(calls.size, 'tool call')}`;
    io.out(`sent ${pushed.records === all ? what : `${pushed.records} of ${what}`} to ${host}: ${trafficText(pushed)}`);
  }
  if (pushed.records === all) return 0;
  io.err(render(error('cache/remote-write', `${all - pushed.records} of ${all} were not sent to ${host}`)));
  return 1;
}

/**
 * The picture of lab 2's chapter: step 3 with the solution's graph (`npm run labs-proof -- --pictures 2`).
 *
 * Lives here: what is drawn: how many instances were on, of table and of all services, and when somebody asked for table.
 */
import { curvesOf } from '../runner/api.ts';
import type { Pictures, Work } from '../runner/api.ts';
import { coldStartsOf } from './cold-starts.ts';
import { read } from './solution/play.ts';

const ASLEEP_MS = 20_000;

export async function pictures(work: Work): Promise<Pictures> {
  const cluster = await work.up({ graph: work.path('graph.yaml') });
  await cluster.enter('alice');
  for (let times = 0; times < 2; times += 1) {
    await read(cluster);
    await cluster.running('table', 0, ASLEEP_MS);
  }
  const evidence = await cluster.evidenceOf('both were traced', (all) => coldStartsOf(all).length === 2 && all);
  const { events } = evidence;
  const begin = events[0]?.at ?? 0;
  const { seconds, instances } = curvesOf(events);
  const asOne = events.map((event) => ({ ...event, data: { ...event.data, service_name: 'all services' } }));
  return {
    'there-and-gone': {
      kind: 'plot',
      title: 'Instances that are on',
      seconds: seconds + 1,
      lines: [...curvesOf(asOne).instances, ...instances.filter(({ name }) => name === 'table')],
      marks: coldStartsOf(evidence).map(({ messages }) => ({
        second: (Date.parse(messages[0]?.time ?? '') - begin) / 1000,
        name: 'asked for',
      })),
    },
  };
}

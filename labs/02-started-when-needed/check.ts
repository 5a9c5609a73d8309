/**
 * The check of lab 2: did table come and go by itself, were the times read right, and does the graph do what it should?
 *
 * Lives here: the items. Does not live here: finding cold starts in a trace (cold-starts.ts).
 */
import { z } from 'zod';
import { defineChecks, expectThat } from '../runner/api.ts';
import type { LabCluster, LabEvent, Work } from '../runner/api.ts';
import { coldStartsOf } from './cold-starts.ts';

/** Agents and Manager stamp a message at different moments; a reading may be off by so much, or by a fifth. */
const TOLERANCE_MS = 20;
const TOLERANCE_SHARE = 0.2;
/** Three seconds unused, a drain, and a machine that does other things too. */
const ASLEEP_MS = 12_000;

const milliseconds = z.number({ error: 'a number of milliseconds' });
const shape = z.object({
  exchange: z.string({ error: 'a text in quotes' }),
  waited_ms: milliseconds,
  starting_ms: milliseconds,
});

export const checks = defineChecks({
  'back-to-zero': async (work) => {
    const { events } = await work.evidence();
    const ofTable = events.filter(({ what, data }) => what === 'instance' && data['service_name'] === 'table');
    const started = ofTable.filter(({ data }) => data['status'] === 'on');
    expectThat(started.length > 0, { expected: 'an instance of table in your journal', came: 'none was ever started' });
    const unused = ofTable.find(({ text }) => text.includes('was not used'));
    expectThat(unused !== undefined, {
      expected: 'an instance of table that the Manager drained because it was not used',
      came: endsOf(ofTable),
      remark: 'The graph says when: idle_after. Was your cluster started with --graph graph.yaml?',
    });
    expectThat(
      started.some(({ seq }) => seq > unused.seq),
      { expected: 'another instance of table, started by a request after that', came: 'none' },
    );
  },

  'cold-start': async (work) => {
    const starts = coldStartsOf(await work.evidence());
    expectThat(starts.length > 0, {
      expected: 'a session of table-plug that waited for a new instance',
      came: 'none in your trace',
    });
    const { exchange, waited_ms: waited, starting_ms: starting } = work.yaml('measurements.yaml', shape);
    const start = starts.find((each) => each.exchange === exchange);
    expectThat(start !== undefined, {
      expected: 'exchange: a session_request of table-plug for which an instance had to be executed',
      came: exchange === '' ? 'an empty text' : `'${exchange}', which is none`,
    });
    work.show('A cold start', start.messages);
    near(
      'waited_ms',
      waited,
      start.waitedMs,
      'From the session_request of the gateway to its session_response, in the trace.',
    );
    near('starting_ms', starting, start.startingMs, 'From execution_request to execution_response, in the trace.');
  },

  'login-is-warm': async (work) => {
    const cluster = await theirs(work);
    const { events } = await cluster.evidence();
    const login = events.find(({ data }) => data['service_name'] === 'login' && data['status'] === 'on');
    const asked = events.find(({ what }) => what === 'session');
    expectThat(login !== undefined && (asked === undefined || login.seq < asked.seq), {
      expected: 'an instance of login that is on before the first session is asked for',
      came: login === undefined ? 'none' : 'one that a request started',
    });
  },

  'table-sleeps': async (work) => {
    const cluster = await theirs(work);
    await cluster.enter('alice');
    await cluster.cnapp('alice', ['last-posts']);
    await cluster.running('table', 1);
    await cluster.running('table', 0, ASLEEP_MS);
    const { code, err } = await cluster.cnapp('alice', ['last-posts']);
    expectThat(code === 0, { expected: 'a user who asks again is served', came: err.trim() });
  },
});

/** A cluster with the student's graph, for both items. Its start waits for everything that runs unasked. */
function theirs(work: Work): Promise<LabCluster> {
  work.text('graph.yaml');
  return work.once('theirs', (all) => all.up({ graph: work.path('graph.yaml'), title: 'A cluster with your graph' }));
}

function near(name: string, came: number, real: number, remark: string): void {
  const tolerance = Math.max(TOLERANCE_MS, real * TOLERANCE_SHARE);
  const which = came > real ? 'less' : 'more';
  expectThat(Math.abs(came - real) <= tolerance, {
    expected: `${name} as the trace shows it, within ${Math.round(tolerance)} ms: ${which} than you say`,
    came: `${came} ms`,
    remark,
  });
}

function endsOf(events: readonly LabEvent[]): string {
  const ends = events
    .filter(({ data }) => data['status'] === 'draining' || data['status'] === 'off')
    .map(({ text }) => text);
  return ends.length === 0 ? 'it never ended' : ends.join('\n');
}

/**
 * A cluster that has run for a lesson has a long trace: a check has to read it in a moment.
 *
 * Found by hand: lab 0 looked for the exchanges of `post` once for each message; after five minutes it took a minute.
 */
import { expect } from 'chai';
import { checks } from '../../../labs/00-meet-the-cnapp/check.ts';
import type { Evidence, TraceEntry, Work } from '../../../labs/runner/api.ts';

/** Half an hour of health messages of nine instances on three nodes. */
const MESSAGES = 60_000;

const ANSWERS = {
  my_post: 'Hello',
  opened_by: '1/1002',
  served_by: 'post/7',
  stored_by: 'posts-db/3',
  killed: '',
  told_by: '',
  replaced_by: '',
};

function entry(exchange: string, message: string): TraceEntry {
  return {
    time: '2026-01-01T00:00:00.000Z',
    hop: 'agent-Manager',
    from: '127.0.0.11',
    to: 'Manager',
    exchange,
    message,
  };
}

function session(exchange: string, source: string, plug: string, dest: string): TraceEntry[] {
  const [sourceName, sourceId] = source.split('/');
  const [destName, destId] = dest.split('/');
  const id = `source_service_name: ${sourceName} ~ source_service_instance_id: ${sourceId}`;
  return [
    entry(exchange, `type: session_request ~ ${id} ~ source_plug_name: ${plug}`),
    entry(
      exchange,
      `type: session_response ~ ${id} ~ dest_service_name: ${destName} ~ dest_service_instance_id: ${destId}`,
    ),
  ];
}

it('lab 0 finds the session of a post in the trace of a long lesson within seconds', async function () {
  this.timeout(10_000);
  const beat = 'type: service_instance_health_request ~ service_instance_id: 1';
  const trace = [
    ...session('1/1002', 'api-gateway/1', 'post-plug', 'post/7'),
    ...session('7/1000', 'post/7', 'posts-plug', 'posts-db/3'),
    ...Array.from({ length: MESSAGES }, (_, n) => entry(`Manager/${n}`, beat)),
  ];
  const shown: (readonly TraceEntry[])[] = [];
  const work = {
    evidence: () => Promise.resolve({ trace } as unknown as Evidence),
    yaml: () => ANSWERS,
    show: (_title: string, entries: readonly TraceEntry[]) => shown.push(entries),
  } as unknown as Work;
  await checks['find-your-post']?.(work);
  expect(shown.map((entries) => entries.map(({ exchange }) => exchange))).to.deep.equal([
    ['1/1002', '1/1002', '7/1000', '7/1000'],
  ]);
});

/**
 * The pictures of lab 10's chapter (`npm run labs-proof -- --pictures 10`): an agent of ours on the only node of a cluster.
 *
 * Lives here: what is drawn. The agent is ours and not the solution's, since ours writes down both of its sides.
 */
import { linesOf, typeOf } from '../runner/api.ts';
import type { Evidence, Pictures, TraceEntry, Work } from '../runner/api.ts';

/** A store that died so often waits a while before it is started again; so both requests are under way together. */
const KILLS = 4;

export async function pictures(work: Work): Promise<Pictures> {
  const cluster = await work.up({ nodes: 1 });
  await cluster.enter('alice');
  for (let times = 0; times < KILLS; times += 1) {
    const [store] = await cluster.running('posts-db', 1);
    await cluster.must('kill', 'instance', `posts-db/${store?.service_instance_id ?? 0}`);
  }
  await Promise.all([cluster.cnapp('alice', ['send-post', 'one']), cluster.cnapp('alice', ['last-posts'])]);
  const [first, both] = await cluster.evidenceOf('post and table have their sessions', (evidence) => {
    const found = bothOf(evidence);
    return found.length > 0 && [firstOf(evidence), found];
  });
  return {
    'the-first-program': { kind: 'messages', entries: first },
    'whose-answer': { kind: 'messages', entries: both },
  };
}

/** The registration, and everything about the first instance until the Manager knows that it is ready. */
function firstOf({ trace }: Evidence): TraceEntry[] {
  const asked = trace.find(({ message }) => typeOf(message) === 'execution_request');
  const id = linesOf(asked?.message ?? '').get('service_instance_id');
  const hello = trace.find(
    ({ from, message }) => from.endsWith(`/${id ?? ''}`) && typeOf(message) === 'service_instance_health_response',
  );
  return trace.filter(
    (entry) =>
      typeOf(entry.message).startsWith('initiation_') ||
      (typeOf(entry.message).startsWith('execution_') && entry.exchange === asked?.exchange) ||
      entry === hello,
  );
}

/** The sessions of post and of table to the store. */
function bothOf({ trace }: Evidence): TraceEntry[] {
  const asked = trace.filter(
    ({ hop, message }) => hop === 'instance-agent' && linesOf(message).get('source_plug_name') === 'posts-plug',
  );
  const exchanges = new Set(asked.map(({ exchange }) => exchange));
  const own = trace.filter(({ exchange }) => exchanges.has(exchange));
  const acked = own.filter(({ hop, message }) => hop === 'agent-Manager' && typeOf(message) === 'session_ack');
  return acked.length === 2 ? own : [];
}

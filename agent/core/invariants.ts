/**
 * What is always true of an agent's state.
 *
 * Lives here: the check that tests, fuzzers and the simulator run after every step. Does not live here: any
 * repair. A broken one is a bug in this folder.
 */
import { HELD_PER_INSTANCE_MAX, REPORTS_MAX, UNIDENTIFIED_CONNECTIONS_MAX } from './limits.ts';
import type { AgentState } from './state.ts';

/** The first broken invariant as a sentence, or null. */
export function brokenInvariant(state: AgentState): string | null {
  for (const [id, instance] of state.instances) {
    const { connection, status } = instance;
    if (instance.id !== id) return `instance ${id} is called ${instance.id}`;
    if (connection !== null && state.connections.get(connection)?.instance !== id)
      return `instance ${id} believes to be on connection ${connection}, which does not know it`;
    if (instance.mute && connection !== null) return `instance ${id} is mute and speaks`;
    if (connection !== null && instance.held.length > 0) return `messages are held for instance ${id}, which is there`;
    if (instance.held.length > HELD_PER_INSTANCE_MAX) return `instance ${id} has too many held messages`;
    if (status === 'ended' && connection === null) return `instance ${id} has ended, and is not forgotten`;
    if (status === 'starting' && !state.deadlines.has(`start/${id}`)) return `instance ${id} may start for ever`;
    if (status === 'ended' && !state.deadlines.has(`words/${id}`)) return `instance ${id} may end for ever`;
    if (status === 'ready' && instance.starters.length > 0) return `instance ${id} is ready and its start unanswered`;
    for (const messageId of instance.requests)
      if (!state.requests.has(`${id}/${messageId}`)) return `request ${id}/${messageId} is lost`;
  }
  for (const [key, { instance, message }] of state.requests) {
    if (!state.instances.get(instance)?.requests.includes(message.message_id)) return `request ${key} is nobody's`;
    if (!state.deadlines.has(`request/${key}`)) return `request ${key} may wait for ever`;
  }
  for (const [key, { instance, connection }] of state.asked) {
    if (state.instances.get(instance)?.connection !== connection) return `the question ${key} is on no connection`;
    if (!state.deadlines.has(`asked/${key}`)) return `the question ${key} may wait for ever`;
  }
  for (const [id, { instance }] of state.connections) {
    if (instance !== null && state.instances.get(instance)?.connection !== id)
      return `connection ${id} believes to be instance ${instance}'s, which does not know it`;
    if ((instance === null) !== state.unidentified.has(id)) return `is connection ${id} somebody's?`;
  }
  if (state.unidentified.size > UNIDENTIFIED_CONNECTIONS_MAX) return 'too many strangers';
  if (state.reports.length > REPORTS_MAX) return 'too many reports';
  if (state.link.connection === null && state.asked.size > 0) return 'questions of a Manager that is gone';
  return null;
}

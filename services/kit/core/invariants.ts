/**
 * What always holds between two steps of an instance.
 *
 * Lives here: the predicates, each with a sentence. Does not live here: who checks them (tests, the simulator).
 */
import { SESSIONS_PER_PLUG_MAX, sessionsOf } from './dialogues/replicas.ts';
import { SOURCE_PORT_FIRST, SOURCE_PORT_LAST } from './ports.ts';
import type { InstanceState } from './state.ts';
import { UNSENT_REPORTS_MAX } from './turn.ts';

type Invariant = readonly [sentence: string, holds: (state: InstanceState) => boolean];

const INVARIANTS: readonly Invariant[] = [
  [
    'a session that is being opened has a deadline, and its id was given by this instance',
    ({ openings, deadlines, nextMessageId }) =>
      [...openings.keys()].every((id) => deadlines.has(`opening/${id}`) && id < nextMessageId),
  ],
  [
    'a plug that needs a session opens it, or waits for the agent or the end of a pause',
    ({ plugs, link, deadlines }) =>
      [...plugs.values()].every(
        ({ plug, needed }) => !needed || link !== 'connected' || deadlines.has(`retry/${plug}`),
      ),
  ],
  [
    'a plug has, and opens, a few sessions at most',
    (state) => [...state.plugs.keys()].every((plug) => sessionsOf(state, plug) <= SESSIONS_PER_PLUG_MAX),
  ],
  [
    'a session that is being closed has a deadline',
    ({ sources, dests, deadlines }) =>
      [...sources.values()].every(({ key, closing }) => closing === null || deadlines.has(`close/source/${key}`)) &&
      [...dests.values()].every(({ key, closing }) => closing === null || deadlines.has(`close/dest/${key}`)),
  ],
  [
    'a session that the Manager asked to close is being closed',
    ({ sources, dests }) =>
      [...sources.values(), ...dests.values()].every(({ asks, closing }) => asks.length === 0 || closing === 'Manager'),
  ],
  [
    'a session of a plug belongs to a plug of this instance, from a port of the range (R22)',
    ({ sources, plugs }) =>
      [...sources.values()].every(
        ({ plug, granted }) =>
          plugs.has(plug) && granted.sourcePort >= SOURCE_PORT_FIRST && granted.sourcePort <= SOURCE_PORT_LAST,
      ),
  ],
  [
    'without an agent a deadline counts to the end of the instance (R47)',
    ({ link, ending, deadlines }) =>
      link === 'idle' || link === 'connected' || ending !== null || deadlines.has('orphan/'),
  ],
  [
    'what ends has a deadline',
    ({ ending, deadlines, dests }) =>
      ending === null || ending.phase === 'over' || deadlines.has('ending/') || dests.size > 0,
  ],
  ['reports wait only for an agent that is away', ({ link, unsent }) => link !== 'connected' || unsent.length === 0],
  ['waiting reports are bounded', ({ unsent }) => unsent.length <= UNSENT_REPORTS_MAX],
];

/** The sentence of an invariant that does not hold, or null. */
export function brokenInvariant(state: InstanceState): string | null {
  return INVARIANTS.find(([, holds]) => !holds(state))?.[0] ?? null;
}

/**
 * The laws of the search: after every step of a machine. Those of worlds are in quiet.ts.
 *
 * Lives here: the laws, each a function that gives a sentence when it is broken. Does not live here: the invariants of single
 * machines, which are in their own folders and are asked here too.
 */
import { brokenInvariant as brokenAgent } from '../../agent/core/invariants.ts';
import type { AgentState } from '../../agent/core/state.ts';
import type { ManagerEffect } from '../../manager/core/effects.ts';
import { brokenInvariant as brokenManager } from '../../manager/core/invariants.ts';
import type { ManagerState } from '../../manager/core/state.ts';
import { brokenInvariant as brokenInstance } from '../../services/kit/core/invariants.ts';
import type { InstanceState } from '../../services/kit/core/state.ts';
import { decode } from '../../ssmmp/core/codec.ts';

/** What only listings read: two states that differ in it have the same future. */
export function forgetHistory(state: ManagerState): void {
  state.nextEvent = 1;
  state.endedSessions.length = 0;
  state.endedNext = 0;
}

export function managerLaw(
  before: ManagerState,
): (after: ManagerState, effects: readonly ManagerEffect[]) => string | null {
  const granted = new Set([...before.grants.values()].filter(({ dest }) => dest !== null).map(({ key }) => key));
  const { nextInstanceId, nextMessageId, epoch } = before;
  return (after, effects) => {
    if (after.nextInstanceId < nextInstanceId || after.nextMessageId < nextMessageId || after.epoch < epoch)
      return 'an id or an epoch went back (R11, R12)';
    for (const effect of effects) {
      const broken = effect.kind === 'send' ? brokenGrant(after, granted, effect.line) : null;
      if (broken !== null) return broken;
    }
    return brokenManager(after);
  };
}

/** No session is given to an instance that is not on; a grant of before may be told again. */
function brokenGrant(state: ManagerState, before: ReadonlySet<string>, line: string): string | null {
  if (!line.startsWith('type: session_response')) return null;
  const decoded = decode(line);
  if (!decoded.ok || decoded.message.type !== 'session_response' || decoded.message.status !== 200) return null;
  const { source_service_instance_id: source, message_id: id, dest_service_instance_id: dest } = decoded.message;
  if (before.has(`${source}/${id}`)) return null;
  const status = state.instances.get(dest ?? 0)?.status ?? 'off';
  return status === 'on' ? null : `a session is granted to instance ${dest}, which is ${status} (R32)`;
}

export function agentLaw(): (after: AgentState) => string | null {
  return brokenAgent;
}

export function instanceLaw(): (after: InstanceState) => string | null {
  return brokenInstance;
}

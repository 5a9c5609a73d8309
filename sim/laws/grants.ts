/**
 * No grant to an instance that drains, is gone or out of contact.
 *
 * Lives here: each session_response 200, the moment the Manager makes it. Does not live here: the choice
 * (manager/core/policy).
 */
import { decode } from '../../ssmmp/core/codec.ts';
import type { ManagerEffect, ManagerEvent } from '../../manager/core/effects.ts';
import type { ManagerState } from '../../manager/core/state.ts';
import type { LawOf } from './law.ts';

const GRANT = 'type: session_response';

export const grants: LawOf = () => {
  /** Which instance each request was given. */
  const given = new Map<string, number>();
  return {
    name: 'no grant to an instance that drains, is dead, or whose agent is suspect',
    afterStep({ process, state, input, effects }) {
      if (process.kind !== 'manager') return null;
      const made = effects as readonly ManagerEffect[];
      for (const [at, effect] of made.entries()) {
        if (effect.kind !== 'send' || !effect.line.startsWith(GRANT)) continue;
        const decoded = decode(effect.line);
        if (!decoded.ok || decoded.message.type !== 'session_response' || decoded.message.status !== 200) continue;
        const { dest_service_instance_id: id, source_service_instance_id: source, message_id } = decoded.message;
        const { instances, agents } = state as ManagerState;
        const dest = instances.get(id ?? 0);
        // A request that comes again gets the same answer, though its instance may drain by now (R33).
        const key = `${source ?? 0}/${message_id}`;
        const isRepeated = given.get(key) === id;
        given.set(key, id ?? 0);
        // The message that proved the agent alive also told of the death: whoever was granted finds nobody (R33).
        if (dest === undefined && (state as ManagerState).ended.get(id ?? 0)?.since === input.at) continue;
        if (dest === undefined) return `instance ${id ?? 0} is granted and is off`;
        if (isRepeated) continue;
        // A drain that the same step begins after it waits for it, like for every grant (R33).
        const leftLater = made.slice(at + 1).some((later) => later.kind === 'event' && isLeaving(later.event, dest.id));
        if (dest.status !== 'on' && !leftLater) return `${dest.service}/${dest.id} is granted and is ${dest.status}`;
        const agent = agents.get(dest.agent)?.status;
        if (agent !== 'registered') return `${dest.service}/${dest.id} is granted and its agent is ${agent ?? 'gone'}`;
      }
      return null;
    },
  };
};

function isLeaving({ data }: ManagerEvent, id: number): boolean {
  return data['service_instance_id'] === id && data['before'] === 'on' && data['status'] === 'draining';
}

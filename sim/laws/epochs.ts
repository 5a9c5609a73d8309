/**
 * At most one epoch is obeyed: what an agent believes of the Manager's epoch never goes down while its state lives.
 *
 * Lives here: the epochs seen. Does not live here: who may raise one (R51).
 */
import type { AgentState } from '../../agent/core/state.ts';
import type { ManagerState } from '../../manager/core/state.ts';
import type { LawOf } from './law.ts';

export const epochs: LawOf = () => {
  const seen = new Map<number, number>();
  let managers = 0;
  return {
    name: 'epochs only rise, and an agent obeys the highest it has seen',
    afterStep({ process, state, input }) {
      if (process.kind === 'agent') {
        const { epoch } = state as AgentState;
        const before = seen.get(process.pid) ?? 0;
        if (epoch < before) return `${process.name} obeyed epoch ${before} and obeys ${epoch} now`;
        if (epoch > managers) return `${process.name} obeys epoch ${epoch}, and there was none above ${managers}`;
        seen.set(process.pid, epoch);
      } else if (input.kind === 'manager_started') {
        const { epoch } = state as ManagerState;
        if (epoch < managers) return `the Manager starts with epoch ${epoch} after ${managers}`;
        managers = epoch;
      }
      return null;
    },
  };
};

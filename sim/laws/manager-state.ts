/**
 * The Manager's own invariants, after each of its steps.
 *
 * Lives here: asking manager/core/invariants.ts. Does not live here: any predicate.
 */
import { brokenInvariant } from '../../manager/core/invariants.ts';
import type { ManagerState } from '../../manager/core/state.ts';
import type { LawOf } from './law.ts';

export const managerState: LawOf = () => ({
  name: 'the Manager’s invariants hold after each of its steps',
  afterStep: ({ process, state }) => (process.kind === 'manager' ? brokenInvariant(state as ManagerState) : null),
});

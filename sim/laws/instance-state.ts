/**
 * An instance's own invariants, after each of its steps.
 *
 * Lives here: asking services/kit/core/invariants.ts. Does not live here: any predicate.
 */
import { brokenInvariant } from '../../services/kit/core/invariants.ts';
import type { InstanceState } from '../../services/kit/core/state.ts';
import type { LawOf } from './law.ts';

export const instanceState: LawOf = () => ({
  name: 'an instance’s invariants hold after each of its steps',
  afterStep({ process, state }) {
    if (process.kind !== 'instance') return null;
    const broken = brokenInvariant(state as InstanceState);
    return broken === null ? null : `${process.name}: ${broken}`;
  },
});

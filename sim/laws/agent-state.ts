/**
 * An agent's own invariants, after each of its steps, and its own words when it finds a bug in itself.
 *
 * Lives here: asking agent/core/invariants.ts. Does not live here: any predicate.
 */
import { brokenInvariant } from '../../agent/core/invariants.ts';
import type { AgentState } from '../../agent/core/state.ts';
import type { LawOf } from './law.ts';

export const agentState: LawOf = () => ({
  name: 'an agent’s invariants hold after each of its steps',
  afterStep({ process, state, effects }) {
    if (process.kind !== 'agent') return null;
    for (const effect of effects as readonly { readonly kind: string; readonly text?: string }[])
      if (effect.kind === 'log' && effect.text?.startsWith('bug:') === true) return `${process.name}: ${effect.text}`;
    const broken = brokenInvariant(state as AgentState);
    return broken === null ? null : `${process.name}: ${broken}`;
  },
});

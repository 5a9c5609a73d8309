/**
 * Nobody is offended: among honest peers every message can be read and may be sent.
 *
 * Lives here: what Manager, agents and instances say when they are sent what they do not take. Does not live here: what
 * that is (R03). Breaks and cuts lose messages, but never make a wrong one.
 */
import type { LawOf } from './law.ts';

interface Telling {
  readonly kind: string;
  readonly text?: string;
  readonly data?: { readonly status?: unknown };
  readonly event?: { readonly what: string; readonly text: string };
}

export const readable: LawOf = () => ({
  name: 'among honest peers every message can be read and may be sent',
  afterStep({ process, effects }) {
    for (const effect of effects as readonly Telling[]) {
      if (effect.kind === 'event' && effect.event?.what === 'protocol' && effect.event.text.includes('cannot be read'))
        return `${process.name}: ${effect.event.text}`;
      if (effect.kind !== 'log' || effect.text === undefined) continue;
      const { text } = effect;
      const isOffence = text.startsWith('refused a message') && effect.data?.status !== 409;
      if (isOffence || text.startsWith('the agent sent what cannot be read')) return `${process.name}: ${text}`;
    }
    return null;
  },
});

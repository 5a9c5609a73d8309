/**
 * Deadlines of an agent: what follows when one is due.
 *
 * Lives here: one row a kind. Does not live here: what is done about it (the files that set the deadline).
 */
import { onAskedDue, onHeldDue } from './asked.ts';
import { onStrangerDue } from './connections.ts';
import { onHelloDue, onStartDue } from './dialogues/execution.ts';
import { onRequestDue } from './dialogues/sessions.ts';
import { onLingering } from './dialogues/termination.ts';
import { onLinkDue, onSilence } from './manager-link.ts';
import { finish, onKillDue } from './processes.ts';
import type { Instance } from './state.ts';
import type { DeadlineKind, Turn } from './turn.ts';

const DUE: Readonly<Record<DeadlineKind, (turn: Turn, argument: string) => void>> = {
  link: onLinkDue,
  silence: onSilence,
  stranger: (turn, id) => onStrangerDue(turn, Number(id)),
  start: ofInstance(onStartDue),
  hello: ofInstance(onHelloDue),
  kill: ofInstance(onKillDue),
  words: ofInstance((turn, instance) => (instance.status === 'ended' ? finish : onLingering)(turn, instance)),
  held: ofInstance(onHeldDue),
  request: onRequestDue,
  asked: onAskedDue,
};

/** Works off everything that is due. */
export function onTick(turn: Turn): void {
  const { deadlines } = turn.state;
  for (let key = deadlines.takeDue(turn.at); key !== undefined; key = deadlines.takeDue(turn.at)) {
    const slash = key.indexOf('/');
    DUE[key.slice(0, slash) as DeadlineKind](turn, key.slice(slash + 1));
  }
}

function ofInstance(handle: (turn: Turn, instance: Instance) => void): (turn: Turn, id: string) => void {
  return (turn, id) => {
    const instance = turn.state.instances.get(Number(id));
    if (instance !== undefined) handle(turn, instance);
  };
}

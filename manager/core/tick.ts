/**
 * What follows when a deadline has passed.
 *
 * Lives here: the dispatch of deadlines by their kind. Does not live here: setting them (turn.ts).
 */
import { onCloseTimeout, dropTombstone } from './dialogues/session-close.ts';
import { onExecutionTimeout } from './dialogues/execution.ts';
import { onGrantDeadline } from './dialogues/session.ts';
import { beat, judgeSilence } from './dialogues/health.ts';
import { holderSilent } from './dialogues/initiation.ts';
import { onGracefulTimeout, requestHard } from './dialogues/shutdown.ts';
import { stoppingTimeout } from './dialogues/stopping.ts';
import { reconcile, reconcileAll } from './reconcile.ts';
import { agentOf } from './state.ts';
import type { DeadlineKind, Turn } from './turn.ts';

/** Handles everything that is due at the turn's time. */
export function tick(turn: Turn): void {
  const { deadlines } = turn.state;
  for (let key = deadlines.takeDue(turn.now); key !== undefined; key = deadlines.takeDue(turn.now)) {
    const slash = key.indexOf('/');
    onDeadline(turn, key.slice(0, slash) as DeadlineKind, key.slice(slash + 1));
  }
}

function onDeadline(turn: Turn, kind: DeadlineKind, argument: string): void {
  const { state } = turn;
  switch (kind) {
    case 'beat':
      return beat(turn);
    case 'silence':
      return judgeSilence(turn);
    case 'exchange':
      return onExchangeTimeout(turn, Number(argument));
    case 'grant':
      return onGrantDeadline(turn, argument);
    case 'tombstone':
      return dropTombstone(turn, argument);
    case 'rival':
      return holderSilent(turn, argument);
    case 'hold': {
      const service = state.services.get(argument);
      if (service !== undefined) reconcile(turn, service);
      return;
    }
    case 'settle':
      return reconcileAll(turn);
    case 'hard': {
      const instance = state.instances.get(Number(argument));
      if (instance !== undefined) requestHard(turn, instance);
      return;
    }
    case 'stopping':
      return stoppingTimeout(turn);
  }
}

function onExchangeTimeout(turn: Turn, id: number): void {
  const { state } = turn;
  const exchange = state.exchanges.get(id);
  if (exchange === undefined) return;
  state.exchanges.delete(id);
  const instance = state.instances.get(exchange.instance);
  const connection = instance === undefined ? null : (agentOf(state, instance)?.connection ?? null);
  // The agent has registered again since: what it was asked to do with an instance was sent again then.
  const overtaken = exchange.session === null && connection !== null && connection !== exchange.connection;
  if (overtaken) return;
  switch (exchange.type) {
    case 'execution_response':
      if (instance !== undefined) onExecutionTimeout(turn, instance);
      return;
    case 'source_service_session_close_response':
    case 'dest_service_session_close_response':
      return onCloseTimeout(turn, exchange);
    case 'graceful_shutdown_response':
      if (instance !== undefined) onGracefulTimeout(turn, instance);
      return;
    case 'hard_shutdown_response':
      if (instance !== undefined) requestHard(turn, instance);
      return;
    default:
      return;
  }
}

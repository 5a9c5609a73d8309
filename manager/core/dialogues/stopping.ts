/**
 * Stopping the whole testbed.
 *
 * Lives here: the order in which instances go, and the end of patience. Does not live here: how one goes
 * (shutdown.ts). Users' entries go first, then the services behind them, the stores last, so that whoever
 * still answers has what it needs; after gracefulAllMs the rest is killed.
 */
import { viewOf } from '../../../ssmmp/core/graph.ts';
import type { Instance } from '../state.ts';
import type { Turn } from '../turn.ts';
import { drainInstance, killInstance } from './shutdown.ts';

/** Begins to stop everything; the operator's request is answered when nothing is left. */
export function beginStopping(turn: Turn, request: number): void {
  const { state } = turn;
  if (state.stopping !== null) {
    state.stopping.request = request;
    return;
  }
  state.stopping = { request, since: turn.now };
  turn.event('command', 'operator stops the testbed', { instances: state.instances.size });
  turn.deadline('stopping', '', state.timers.gracefulAllMs);
  continueStopping(turn);
}

/** After each step while stopping: the next rank goes when the one before is gone. */
export function continueStopping(turn: Turn): void {
  const { state } = turn;
  if (state.stopping === null) return;
  if (state.instances.size === 0) {
    if (state.stopping.request !== 0) turn.reply(state.stopping.request, 200, { status: 'off' });
    state.stopping.request = 0;
    turn.clear('stopping', '');
    return;
  }
  let rank = Infinity;
  for (const instance of state.instances.values()) rank = Math.min(rank, rankOf(turn, instance));
  for (const instance of [...state.instances.values()])
    if (rankOf(turn, instance) === rank) drainInstance(turn, instance, 'the testbed stops');
}

/** Patience is over: what still runs is killed. */
export function stoppingTimeout(turn: Turn): void {
  for (const instance of [...turn.state.instances.values()]) killInstance(turn, instance, 'the testbed stops', 'now');
}

function rankOf(turn: Turn, instance: Instance): number {
  switch (viewOf(turn.state.index, instance.service)?.service.kind) {
    case 'gateway':
      return 0;
    case 'service':
      return 1;
    case 'baas':
      return 2;
    case undefined:
      return 0;
  }
}

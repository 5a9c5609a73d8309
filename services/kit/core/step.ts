/**
 * The machine of a service instance. `step` dispatches; what follows from an input stands in its dialogue.
 *
 * Lives here: which dialogue an input or a deadline belongs to. Does not live here: any rule.
 */
import type { Machine, Step } from '../../../ssmmp/machine/machine.ts';
import { agentClosed, agentConnected, listening, orphanDue, reconnectDue, started } from './dialogues/agent-link.ts';
import { beginEnding, endingDue, proceed, serviceStopped, usersDrained } from './dialogues/ending.ts';
import { measured } from './dialogues/health.ts';
import { sessionAccepted } from './dialogues/session-accept.ts';
import { closeDue, idleChecked, idleDue, sessionDrained, sessionEnded } from './dialogues/session-close.ts';
import { dialed, dialFailed, openingDue, retryDue, sessionNeeded } from './dialogues/session-open.ts';
import type { InstanceEffect } from './effects.ts';
import type { InstanceInput, Side } from './inputs.ts';
import { lineReceived, oversizedReceived } from './receive.ts';
import { loadState, saveState, type InstanceState } from './state.ts';
import { Turn, type DeadlineKind } from './turn.ts';

/** The machine; `initialState(settings)` makes a state for it. Nothing of an instance needs to be on disk: no flush. */
export const instanceMachine: Machine<InstanceState, InstanceInput, InstanceEffect> = {
  name: 'instance',
  version: 1,
  step(state, input): Step<InstanceEffect> {
    const turn = new Turn(state, input.at);
    dispatch(turn, input);
    for (let key = state.deadlines.takeDue(input.at); key !== undefined; key = state.deadlines.takeDue(input.at))
      due(turn, key);
    proceed(turn);
    return { effects: turn.effects, flush: false };
  },
  nextDeadline: (state) => state.deadlines.next(),
  save: saveState,
  load: loadState,
};

function dispatch(turn: Turn, input: InstanceInput): void {
  switch (input.kind) {
    case 'started':
      return started(turn);
    case 'listening':
      return listening(turn);
    case 'agent_connected':
      return agentConnected(turn);
    case 'agent_closed':
      return agentClosed(turn, input.why, input.jitter);
    case 'line_received':
      return lineReceived(turn, input.line);
    case 'oversized_received':
      return oversizedReceived(turn);
    case 'measured':
      return measured(turn, input.load);
    case 'session_needed':
      return sessionNeeded(turn, input.plug, input.atLeast ?? 1);
    case 'dialed':
      return dialed(turn, input.opening, input.sourcePort);
    case 'dial_failed':
      return dialFailed(turn, input.opening, input.why);
    case 'session_accepted':
      return sessionAccepted(turn, input.socket, input.sourceAddress, input.sourcePort, input.destPort);
    case 'idle_checked':
      return idleChecked(turn, input.key, input.idleMs);
    case 'session_drained':
      return sessionDrained(turn, input.side, input.key);
    case 'session_ended':
      return sessionEnded(turn, input.side, input.key, input.clean);
    case 'users_drained':
      return usersDrained(turn);
    case 'stop_asked':
      return beginEnding(turn, input.why);
    case 'service_stopped':
      return serviceStopped(turn);
    case 'tick':
      return;
    default:
      // An input of a later version, or garbage: not ours to understand.
      return input satisfies never;
  }
}

function due(turn: Turn, key: string): void {
  const slash = key.indexOf('/');
  const kind = key.slice(0, slash) as DeadlineKind;
  const argument = key.slice(slash + 1);
  switch (kind) {
    case 'reconnect':
      return reconnectDue(turn);
    case 'orphan':
      return orphanDue(turn);
    case 'opening':
      return openingDue(turn, Number(argument));
    case 'retry':
      return retryDue(turn, argument);
    case 'idle':
      return idleDue(turn, argument);
    case 'close': {
      const side: Side = argument.startsWith('source/') ? 'source' : 'dest';
      return closeDue(turn, side, argument.slice(side.length + 1));
    }
    case 'ending':
      return endingDue(turn);
  }
}

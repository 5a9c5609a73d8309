/**
 * The agent's machine: one input in, effects out.
 *
 * Lives here: the dispatch. Does not live here: anything else. The contract is ssmmp/machine/machine.ts.
 */
import type { Machine, Step } from '../../ssmmp/machine/machine.ts';
import { scaledTimers } from '../../ssmmp/core/timers.ts';
import { onProcessChecked, takeBack } from './adoption.ts';
import { onConnectionOpened, onInstanceConnectionClosed } from './connections.ts';
import { onPortsProbed, onSocketsProbed } from './dialogues/execution.ts';
import type { AgentEffect } from './effects.ts';
import type { AgentInput } from './inputs.ts';
import { onLinkLost, onManagerConnected, onManagerUnreached } from './manager-link.ts';
import { instanceOfRun, onProcessEnded, onProcessFailed, onProcessStarted, onStopRequested } from './processes.ts';
import { onLine, onOversized } from './receive.ts';
import { loadAgentState, saveAgentState, type AgentState, type Instance } from './state.ts';
import { onTick } from './tick.ts';
import { Turn } from './turn.ts';

export const agentMachine: Machine<AgentState, AgentInput, AgentEffect> = {
  name: 'agent',
  version: 1,
  step,
  nextDeadline: (state) => state.deadlines.next(),
  save: saveAgentState,
  load: loadAgentState,
};

const NOTHING: Step<AgentEffect> = { effects: [], flush: false };

function step(state: AgentState, input: AgentInput): Step<AgentEffect> {
  if (input.kind === 'agent_started') {
    if (state.settings !== null) return NOTHING;
    state.settings = input.settings;
    state.timers = scaledTimers(input.settings.timerScale, input.settings.timerPreset);
    state.jitter = input.settings.seed | 0;
  }
  // Nothing happens to an agent that has not been told who it is.
  if (state.settings === null) return NOTHING;
  const turn = new Turn(state, state.settings, input.at);
  dispatch(turn, input);
  return { effects: turn.effects, flush: false };
}

function dispatch(turn: Turn, input: AgentInput): void {
  const { state } = turn;
  const withInstance = (of: { instance: number; run: number }, handle: (instance: Instance) => void): void => {
    const instance = instanceOfRun(turn, of);
    if (instance !== null) handle(instance);
  };
  switch (input.kind) {
    case 'agent_started':
      return takeBack(turn, input.remembered);
    case 'manager_connected':
      return onManagerConnected(turn, input.connection);
    case 'manager_unreached':
      return onManagerUnreached(turn, input.why);
    case 'connection_opened':
      return onConnectionOpened(turn, input.connection, input.address);
    case 'line_received':
      return onLine(turn, input.connection, input.line);
    case 'oversized_received':
      return onOversized(turn, input.connection);
    case 'connection_closed': {
      if (input.connection === state.link.connection) return onLinkLost(turn, input.why);
      const connection = state.connections.get(input.connection);
      return connection === undefined ? undefined : onInstanceConnectionClosed(turn, connection);
    }
    case 'ports_probed':
      return withInstance(input, (instance) => onPortsProbed(turn, instance, input.taken));
    case 'process_started':
      return withInstance(input, (instance) => onProcessStarted(turn, instance, input.pid, input.startTime));
    case 'process_failed':
      return withInstance(input, (instance) => onProcessFailed(turn, instance, input.why));
    case 'process_ended':
      return withInstance(input, (instance) => onProcessEnded(turn, instance, input.code, input.signal));
    case 'process_checked':
      return withInstance(input, (instance) => onProcessChecked(turn, instance, input.alive));
    case 'sockets_probed':
      return withInstance(input, (instance) => onSocketsProbed(turn, instance, input.accepting));
    case 'stop_requested':
      return onStopRequested(turn);
    case 'tick':
      return onTick(turn);
  }
}

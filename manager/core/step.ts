/**
 * One step of the Manager: dispatch, nothing else.
 *
 * Lives here: which dialogue an input or a message belongs to, and the checks that come before any
 * dialogue (readable? right hop? registered?). Does not live here: any dialogue.
 */
import { decode } from '../../ssmmp/core/codec.ts';
import type { Message } from '../../ssmmp/core/catalog.ts';
import { refusal } from '../../ssmmp/core/refusal.ts';
import type { Machine, Step } from '../../ssmmp/machine/machine.ts';
import { onCommand } from './dialogues/commands.ts';
import { onExecutionResponse } from './dialogues/execution.ts';
import { hear, onAgentHealth, onInstanceHealth } from './dialogues/health.ts';
import { holderAnswered, onConnectionClosed, onInitiation } from './dialogues/initiation.ts';
import { onCloseInfo, onCloseResponse } from './dialogues/session-close.ts';
import { onSessionAck, onSessionRequest } from './dialogues/session.ts';
import { onGracefulResponse, onHardResponse } from './dialogues/shutdown.ts';
import { continueStopping } from './dialogues/stopping.ts';
import { onTermination } from './dialogues/termination.ts';
import type { ManagerEffect } from './effects.ts';
import type { ManagerInput } from './inputs.ts';
import type { PolicyOracle } from './oracle.ts';
import { emptyCordonedNodes } from './operations/drain-node.ts';
import { continueMigrations } from './operations/migrate.ts';
import { rebalanceArrived } from './operations/rebalance.ts';
import { continueReplacing } from './operations/replace.ts';
import { answerWaiters } from './operations/waiters.ts';
import { loadManager, saveManager } from './save.ts';
import { onStarted } from './start.ts';
import type { Agent, ConnectionInfo, ManagerState } from './state.ts';
import { tick } from './tick.ts';
import { Turn } from './turn.ts';

/** The Manager as a machine that asks `oracle` where the graph names policies in files. */
export function managerWith(oracle: PolicyOracle | null): Machine<ManagerState, ManagerInput, ManagerEffect> {
  return {
    name: 'manager',
    version: 3,
    step: (state, input) => step(state, input, oracle),
    nextDeadline: (state) => state.deadlines.next(),
    save: saveManager,
    load: loadManager,
  };
}

/** The Manager as a machine. Its journal starts with `manager_started`. Policies in files are not asked: for replays. */
export const managerMachine = managerWith(null);

function step(state: ManagerState, input: ManagerInput, oracle: PolicyOracle | null): Step<ManagerEffect> {
  const turn = new Turn(state, input.at, oracle, input.answers);
  switch (input.kind) {
    case 'manager_started':
      onStarted(turn, input);
      break;
    case 'connection_opened':
      state.lastConnection = Math.max(state.lastConnection, input.connection);
      state.connections.set(input.connection, {
        id: input.connection,
        address: input.address,
        agent: null,
        offences: 0,
      });
      break;
    case 'line_received':
      onLine(turn, input.connection, input.line);
      break;
    case 'oversized_received':
      turn.close(input.connection, 'a message longer than 64 KiB (R07)');
      break;
    case 'connection_closed':
      closed(turn, input.connection, input.why);
      break;
    case 'command_received':
      onCommand(turn, input.request, input.body);
      break;
    case 'tick':
      tick(turn);
      break;
  }
  if (state.migrations.size > 0) continueMigrations(turn);
  if (state.replacing.size > 0) continueReplacing(turn);
  // After those two: an arrival that takes another's place gets its sessions by the drain they begin.
  if (turn.arrived.length > 0) rebalanceArrived(turn);
  if (state.waiters.size > 0) {
    emptyCordonedNodes(turn);
    answerWaiters(turn);
  }
  if (state.stopping !== null) continueStopping(turn);
  const { effects, flush, answers } = turn;
  return answers.length === 0 ? { effects, flush } : { effects, flush, recorded: { answers } };
}

function closed(turn: Turn, id: number, why: string): void {
  const connection = turn.state.connections.get(id);
  turn.state.connections.delete(id);
  if (connection !== undefined) onConnectionClosed(turn, connection, why);
}

function onLine(turn: Turn, id: number, line: string): void {
  const connection = turn.state.connections.get(id);
  if (connection === undefined) return;
  const decoded = decode(line);
  if (!decoded.ok) return turn.offend(connection, decoded.problem, decoded.type, decoded.messageId, decoded.lines);
  const { message } = decoded;
  if (message.sub_type !== null && message.sub_type !== 'agent_to_Manager')
    return offendWith(turn, connection, message, `'${message.sub_type}' is not the hop from an agent to the Manager`);
  if (message.type === 'initiation_request') return onInitiation(turn, connection, message);
  const agent = connection.agent === null ? undefined : turn.state.agents.get(connection.agent);
  if (agent === undefined || agent.connection !== id) {
    // It was an agent's, which has another one now or is lost: what still comes is of its past, and no offence.
    if (connection.agent !== null && message.type !== 'session_request') return;
    return notRegistered(turn, connection, message);
  }
  hear(turn, agent);
  dispatch(turn, connection, agent, message);
}

function dispatch(turn: Turn, connection: ConnectionInfo, agent: Agent, message: Message): void {
  switch (message.type) {
    case 'execution_response':
      return onExecutionResponse(turn, connection.id, message);
    case 'session_request':
      return onSessionRequest(turn, agent, message);
    case 'session_ack':
      turn.state.owesFlush = true;
      return onSessionAck(turn, agent, message);
    case 'source_service_session_close_info':
    case 'dest_service_session_close_info':
      turn.state.owesFlush = true;
      return onCloseInfo(turn, agent, message);
    case 'source_service_session_close_response':
    case 'dest_service_session_close_response':
      return onCloseResponse(turn, connection.id, message);
    case 'graceful_shutdown_response':
      return onGracefulResponse(turn, connection.id, message);
    case 'hard_shutdown_response':
      return onHardResponse(turn, connection.id, message);
    case 'service_instance_termination_info':
      turn.state.owesFlush = true;
      return onTermination(turn, agent, message);
    case 'service_instance_health_response':
      return onInstanceHealth(turn, agent, message);
    case 'agent_health_control_response':
      holderAnswered(turn, agent, message.message_id);
      return onAgentHealth(turn, agent, message);
    case 'initiation_request':
      return onInitiation(turn, connection, message);
    case 'initiation_response':
    case 'execution_request':
    case 'session_response':
    case 'source_service_session_close_request':
    case 'dest_service_session_close_request':
    case 'graceful_shutdown_request':
    case 'hard_shutdown_request':
    case 'service_instance_health_request':
    case 'agent_health_control_request':
      return offendWith(turn, connection, message, `${message.type} is the Manager's to send`);
  }
}

/** Before its registration an agent has nothing to say: a request for a session is answered 409, the rest counted. */
function notRegistered(turn: Turn, connection: ConnectionInfo, message: Message): void {
  if (message.type !== 'session_request')
    return offendWith(turn, connection, message, `${message.type} before this connection registered`);
  const answer = refusal(message.type, message.message_id, fieldsAsText(message), 409, 'Manager', 'agent');
  if (answer !== null) turn.send(connection.id, answer);
}

function offendWith(turn: Turn, connection: ConnectionInfo, message: Message, problem: string): void {
  turn.offend(connection, problem, message.type, message.message_id, fieldsAsText(message));
}

function fieldsAsText(message: Message): Map<string, string> {
  return new Map(Object.entries(message).map(([name, value]) => [name, String(value)]));
}

/**
 * A line came in: from the Manager or on the instances' port.
 *
 * Lives here: reading it, checking the hop and the sender, and which dialogue it belongs to. Does not live
 * here: any answer but a refusal. Everything behind this file may trust what it is given.
 */
import { subTypeOn, type Message } from '../../ssmmp/core/catalog.ts';
import { decode, type Unreadable } from '../../ssmmp/core/codec.ts';
import { UNREADABLE_MESSAGES_MAX } from '../../ssmmp/core/names.ts';
import { refusal } from '../../ssmmp/core/refusal.ts';
import { closeConnection, offend, speakerOf, welcome, type Named } from './connections.ts';
import { onExecutionRequest } from './dialogues/execution.ts';
import { onAgentHealthRequest, onInstanceHealthRequest, onInstanceHealthResponse } from './dialogues/health.ts';
import { onInitiationResponse } from './dialogues/initiation.ts';
import {
  onCloseRequest,
  onCloseResponse,
  onSessionReport,
  onSessionRequest,
  onSessionResponse,
} from './dialogues/sessions.ts';
import { onGracefulRequest, onGracefulResponse, onHardRequest } from './dialogues/shutdown.ts';
import { onTerminationInfo } from './dialogues/termination.ts';
import { dropLink } from './manager-link.ts';
import type { Connection } from './state.ts';
import { linesOf, MANAGER, nameOf, type Turn } from './turn.ts';

const NOBODY: Named = { id: null, service: null, address: null };

export function onLine(turn: Turn, connectionId: number, line: string): void {
  const { state } = turn;
  if (connectionId === state.link.connection) return fromManager(turn, line);
  const connection = state.connections.get(connectionId);
  if (connection !== undefined) fromInstance(turn, connection, line);
}

/** A message longer than 64 KiB cannot be read; the connection is closed (R07). */
export function onOversized(turn: Turn, connectionId: number): void {
  const why = 'a message longer than 64 KiB (R07)';
  if (connectionId === turn.state.link.connection) return dropLink(turn, why);
  if (!turn.state.connections.has(connectionId)) return;
  turn.log('warn', `closed connection ${connectionId}: ${why}`);
  closeConnection(turn, connectionId, why);
}

function fromManager(turn: Turn, line: string): void {
  const { link } = turn.state;
  link.heardAt = turn.at;
  const decoded = decode(line);
  if (!decoded.ok) return offendManager(turn, decoded.problem, decoded);
  const { message } = decoded;
  const wrong = (problem: string): void => offendManager(turn, problem, { ...unreadable(message), problem });
  if (subTypeOn(message.type, 'Manager', 'agent') !== message.sub_type)
    return wrong(`${message.type} with sub_type ${message.sub_type ?? 'none'} is not for an agent from its Manager`);
  if (link.status !== 'registered' && message.type !== 'initiation_response')
    return wrong(`${message.type} before the registration was answered`);
  turn.trace('agent-Manager', MANAGER, turn.self, message, line);
  switch (message.type) {
    case 'initiation_response':
      return onInitiationResponse(turn, message);
    case 'execution_request':
      return onExecutionRequest(turn, message);
    case 'session_response':
      return onSessionResponse(turn, message);
    case 'source_service_session_close_request':
    case 'dest_service_session_close_request':
      return onCloseRequest(turn, message);
    case 'graceful_shutdown_request':
      return onGracefulRequest(turn, message);
    case 'hard_shutdown_request':
      return onHardRequest(turn, message);
    case 'service_instance_health_request':
      return onInstanceHealthRequest(turn, message);
    case 'agent_health_control_request':
      return onAgentHealthRequest(turn, message);
    case 'initiation_request':
    case 'execution_response':
    case 'session_request':
    case 'session_ack':
    case 'source_service_session_close_info':
    case 'dest_service_session_close_info':
    case 'source_service_session_close_response':
    case 'dest_service_session_close_response':
    case 'graceful_shutdown_response':
    case 'hard_shutdown_response':
    case 'service_instance_termination_info':
    case 'service_instance_health_response':
    case 'agent_health_control_response':
      return; // never on this hop: the check above refused it
  }
}

function fromInstance(turn: Turn, connection: Connection, line: string): void {
  if (connection.isSentAway) return;
  const decoded = decode(line);
  if (!decoded.ok)
    return offend(turn, connection, decoded.problem, decoded.type, decoded.messageId, decoded.lines, 400);
  const { message } = decoded;
  if (subTypeOn(message.type, 'instance', 'agent') !== message.sub_type) {
    const problem = `${message.type} with sub_type ${message.sub_type ?? 'none'} is not for an agent from an instance`;
    return offend(turn, connection, problem, message.type, message.message_id, linesOf(message), 400);
  }
  const isNew = connection.instance === null;
  const instance = speakerOf(turn, connection, message, line, namedIn(message));
  if (instance === null) return;
  turn.trace('instance-agent', nameOf(instance), turn.self, message, line);
  switch (message.type) {
    case 'session_request':
      onSessionRequest(turn, instance, message);
      break;
    case 'session_ack':
    case 'source_service_session_close_info':
    case 'dest_service_session_close_info':
      onSessionReport(turn, message);
      break;
    case 'source_service_session_close_response':
    case 'dest_service_session_close_response':
      onCloseResponse(turn, connection, message);
      break;
    case 'graceful_shutdown_response':
      onGracefulResponse(turn, connection, instance, message);
      break;
    case 'service_instance_termination_info':
      onTerminationInfo(turn, instance, message);
      break;
    case 'service_instance_health_response':
      onInstanceHealthResponse(turn, connection, instance, message);
      break;
    case 'initiation_request':
    case 'initiation_response':
    case 'execution_request':
    case 'execution_response':
    case 'session_response':
    case 'source_service_session_close_request':
    case 'dest_service_session_close_request':
    case 'graceful_shutdown_request':
    case 'hard_shutdown_request':
    case 'hard_shutdown_response':
    case 'service_instance_health_request':
    case 'agent_health_control_request':
    case 'agent_health_control_response':
      return; // never on this hop: the check above refused it
  }
  if (isNew) welcome(turn, instance);
}

/** What a message of an instance says of its sender. */
function namedIn(message: Message): Named {
  switch (message.type) {
    case 'session_request':
    case 'source_service_session_close_info':
      return {
        id: message.source_service_instance_id,
        service: message.source_service_name,
        address: message.source_service_instance_network_address,
      };
    case 'session_ack':
      return { id: message.source_service_instance_id, service: message.source_service_name, address: null };
    case 'dest_service_session_close_info':
      return {
        id: message.dest_service_instance_id,
        service: message.dest_service_name,
        address: message.dest_service_instance_network_address,
      };
    case 'service_instance_termination_info':
      return {
        id: message.service_instance_id,
        service: message.service_name,
        address: message.service_instance_network_address,
      };
    case 'service_instance_health_response':
      return { id: message.service_instance_id, service: null, address: null };
    default:
      return NOBODY;
  }
}

/** Counts an offence of the Manager; the third closes its connection, and the agent connects again. */
function offendManager(turn: Turn, problem: string, found: Unreadable): void {
  const { link } = turn.state;
  link.offences += 1;
  turn.log('warn', `refused a message of the Manager: ${problem}`, { offence: link.offences, type: found.type });
  const response = refusal(found.type, found.messageId, found.lines, 400, 'agent', 'Manager');
  if (response !== null) turn.sendToManager(response);
  if (link.offences >= UNREADABLE_MESSAGES_MAX)
    dropLink(turn, `${UNREADABLE_MESSAGES_MAX} messages that cannot be taken (R03)`);
}

function unreadable(message: Message): Unreadable {
  return { ok: false, problem: '', type: message.type, messageId: message.message_id, lines: linesOf(message) };
}

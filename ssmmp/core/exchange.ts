/**
 * Which exchange a message belongs to.
 *
 * Lives here: the key (originator, message_id) of R10 as text. Does not live here: keeping exchanges. Request,
 * response and acknowledgement share it on both hops, so traces of Manager and agents can be put together.
 */
import type { Message } from './catalog.ts';
import { HELLO_MESSAGE_ID } from './names.ts';

/**
 * `Manager/30001`, `5/1000` (instance 5) or `127.0.0.11/1` (an agent, at `agent`). An instance that reports a
 * close without knowing its id is `?`.
 */
export function exchangeOf(message: Message, agent: string): string {
  return `${originatorOf(message, agent)}/${message.message_id}`;
}

function originatorOf(message: Message, agent: string): string {
  switch (message.type) {
    case 'initiation_request':
    case 'initiation_response':
      return agent;
    case 'session_request':
    case 'session_response':
    case 'session_ack':
    case 'source_service_session_close_info':
      return String(message.source_service_instance_id ?? '?');
    case 'dest_service_session_close_info':
      return String(message.dest_service_instance_id ?? '?');
    case 'service_instance_termination_info':
      return String(message.service_instance_id);
    case 'service_instance_health_response':
      return message.message_id === HELLO_MESSAGE_ID ? String(message.service_instance_id) : 'Manager';
    case 'execution_request':
    case 'execution_response':
    case 'source_service_session_close_request':
    case 'source_service_session_close_response':
    case 'dest_service_session_close_request':
    case 'dest_service_session_close_response':
    case 'graceful_shutdown_request':
    case 'graceful_shutdown_response':
    case 'hard_shutdown_request':
    case 'hard_shutdown_response':
    case 'service_instance_health_request':
    case 'agent_health_control_request':
    case 'agent_health_control_response':
      return 'Manager';
  }
}

const HEALTH_ANSWER = /^type: (agent_health_control|service_instance_health)_response /;
const HEALTH = /^type: (agent_health_control|service_instance_health)_re(quest|sponse) /;

/** Is this line of the health exchanges, which come all the time and matter to nobody for the moment? */
export function isHealthLine(line: string): boolean {
  return HEALTH.test(line);
}

/** An answer of such an exchange. */
export function isHealthAnswer(line: string): boolean {
  return HEALTH_ANSWER.test(line);
}

/**
 * Status codes, by the response that carries them.
 *
 * Lives here: the table of the rulings and what a code means. Does not live here: who sends one when.
 * 1xx information, 2xx success, 3xx redirection, 4xx the requester's error, 5xx the responder's. Any
 * status from 300 up is a failure, whatever its number (R27).
 */
import type { MessageType } from './catalog.ts';

/** Meaning of each code in each response; a receiver takes any code by its class. */
export const STATUS = {
  initiation_response: {
    200: 'registered',
    400: 'unreadable',
    401: 'not admitted',
    403: 'claimed and observed address differ',
    409: 'address held by a live agent',
    503: 'the Manager is recovering',
  },
  execution_response: {
    200: 'running and listening',
    400: 'unreadable',
    404: 'not in the repository',
    409: 'port taken',
    421: 'not my address',
    500: 'ended early',
    503: 'draining',
    504: 'not ready in time',
  },
  session_response: {
    200: 'granted',
    400: 'unreadable',
    403: 'not an edge of the graph',
    404: 'unknown service',
    409: 'the source is not alive',
    429: 'too many requests under way',
    503: 'no instance available',
    504: 'start timed out',
  },
  session_ack: { 200: 'connected', 502: 'refused or reset', 504: 'no connection in time' },
  source_service_session_close_info: { 111: 'closed by business logic', 122: 'connection broken' },
  dest_service_session_close_info: { 111: 'closed by business logic', 122: 'connection broken' },
  source_service_session_close_response: { 200: 'closed', 400: 'unreadable', 404: 'no such session' },
  dest_service_session_close_response: { 200: 'closed', 400: 'unreadable', 404: 'no such session' },
  graceful_shutdown_response: { 200: 'shut down', 400: 'unreadable', 404: 'unknown instance', 409: 'still busy' },
  hard_shutdown_response: { 200: 'killed and reaped', 400: 'unreadable', 404: 'unknown instance', 500: 'could not' },
  service_instance_health_response: {
    199: 'alive, overloaded: no new sessions',
    200: 'fine',
    400: 'unreadable',
    404: 'unknown instance',
    500: 'degraded',
  },
  agent_health_control_response: { 199: 'start nothing new here', 200: 'fine', 400: 'unreadable', 503: 'draining' },
} as const satisfies Partial<Record<MessageType, Record<number, string>>>;

/** Session ended by business logic; session ended because its connection broke (R42). */
export const CLOSED_BY_LOGIC = 111;
export const CLOSED_BROKEN = 122;
export const OVERLOADED = 199;
export const OK = 200;

/** Did the request fail (R27)? */
export function isFailure(status: number): boolean {
  return status >= 300;
}

/** A close status other than 111 is read as 122 (table of the rulings). */
export function closeStatus(status: number): 111 | 122 {
  return status === CLOSED_BY_LOGIC ? CLOSED_BY_LOGIC : CLOSED_BROKEN;
}

/** The meaning of `status` in a response of this type, in words. */
export function statusText(type: MessageType, status: number): string {
  const row = (STATUS as Partial<Record<MessageType, Record<number, string>>>)[type];
  return row?.[status] ?? (isFailure(status) ? 'failed' : 'done');
}

/**
 * What the agent says: one line to one message to its dialogue.
 *
 * Lives here: which messages reach an instance, and what becomes of the others (R03). Does not live here: any answer.
 */
import { subTypeOn, type Message } from '../../../ssmmp/core/catalog.ts';
import { decode, type Unreadable } from '../../../ssmmp/core/codec.ts';
import { UNREADABLE_MESSAGES_MAX } from '../../../ssmmp/core/names.ts';
import { refusal } from '../../../ssmmp/core/refusal.ts';
import { gracefulRequest } from './dialogues/ending.ts';
import { healthRequest } from './dialogues/health.ts';
import { destCloseRequest, sourceCloseRequest } from './dialogues/session-close.ts';
import { sessionResponse } from './dialogues/session-open.ts';
import type { Turn } from './turn.ts';

const UNREADABLE = 400;

export function lineReceived(turn: Turn, line: string): void {
  if (turn.state.link !== 'connected') return;
  const decoded = decode(line);
  if (!decoded.ok) return offend(turn, decoded);
  const { message } = decoded;
  const hop = subTypeOn(message.type, 'agent', 'instance');
  if (hop === undefined || hop !== message.sub_type) return wrongHop(turn, message);
  switch (message.type) {
    case 'session_response':
      return sessionResponse(turn, message);
    case 'source_service_session_close_request':
      return sourceCloseRequest(turn, message);
    case 'dest_service_session_close_request':
      return destCloseRequest(turn, message);
    case 'graceful_shutdown_request':
      return gracefulRequest(turn, message);
    case 'service_instance_health_request':
      turn.state.askedAt = turn.now;
      return healthRequest(turn, message);
    default:
      return wrongHop(turn, message);
  }
}

/** R07: what is longer than a message may be cannot be answered; the connection is closed. */
export function oversizedReceived(turn: Turn): void {
  turn.do({ kind: 'close_agent', why: 'a message over 64 KiB (R07)' });
}

function wrongHop(turn: Turn, message: Message): void {
  offend(turn, {
    ok: false,
    problem: `${message.type} with sub_type ${message.sub_type ?? 'none'} is not for an instance`,
    type: message.type,
    messageId: message.message_id,
    lines: new Map(),
  });
}

/** R03: answered with 400 where there is an answer, counted, and the third closes the connection. */
function offend(turn: Turn, { problem, type, messageId, lines }: Unreadable): void {
  const { state } = turn;
  state.offences += 1;
  turn.warn(`the agent sent what cannot be read: ${problem}`);
  const known = new Map([['service_instance_id', String(state.settings.instanceId)], ...lines]);
  const answer = refusal(type, messageId, known, UNREADABLE, 'instance', 'agent');
  if (answer !== null) turn.send(answer);
  if (state.offences >= UNREADABLE_MESSAGES_MAX)
    turn.do({ kind: 'close_agent', why: `${UNREADABLE_MESSAGES_MAX} unreadable messages (R03)` });
}

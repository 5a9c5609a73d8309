/**
 * The connection to the agent: connect, say hello, come back after a break, give up after a minute without it.
 *
 * Lives here: R25 (hello), R39 and R43 (acks and reports again after a reconnect), R47 (orphan), reconnect back-off.
 * Does not live here: what the agent says (receive.ts).
 *
 *     idle -started-> connecting -agent_connected-> connected -agent_closed-> waiting -reconnect due-> connecting
 *
 * Sessions go on without an agent; only opening and reporting wait for it.
 */
import { HELLO_MESSAGE_ID } from '../../../../ssmmp/core/names.ts';
import { OK } from '../../../../ssmmp/core/status.ts';
import type { Turn } from '../turn.ts';
import { acknowledge, askForNeeded, forgetRequested } from './session-open.ts';
import { beginEnding } from './ending.ts';

/** The process is up. */
export function started(turn: Turn): void {
  if (turn.state.link !== 'idle') return;
  turn.deadline('orphan', '', turn.state.timers.orphanMs);
  connect(turn);
}

/** The pause after a break is over. */
export function reconnectDue(turn: Turn): void {
  if (turn.state.link === 'waiting') connect(turn);
}

function connect(turn: Turn): void {
  turn.state.link = 'connecting';
  turn.do({ kind: 'connect_agent' });
}

export function agentConnected(turn: Turn): void {
  const { state } = turn;
  if (state.link !== 'connecting') return;
  state.link = 'connected';
  state.linkTries = 0;
  state.offences = 0;
  turn.clear('orphan', '');
  if (state.listening) hello(turn);
  // R39, R43: what is live is acknowledged again, then what ended meanwhile is reported; the Manager compares.
  for (const session of state.sources.values()) acknowledge(turn, session.id, session.granted, OK);
  turn.forgetRead();
  // What the agent had read of the reports before, nobody knows: twice changes nothing (R42).
  const reports = [...state.sent.splice(0).map(({ message }) => message), ...state.unsent.splice(0)];
  for (const report of reports) turn.report(report);
  askForNeeded(turn);
}

/** Every configured socket listens. */
export function listening(turn: Turn): void {
  if (turn.state.listening) return;
  turn.state.listening = true;
  if (turn.state.link === 'connected') hello(turn);
}

/** R25: an unasked health answer says who is on this connection, and that its sockets listen. */
function hello(turn: Turn): void {
  turn.send({
    type: 'service_instance_health_response',
    message_id: HELLO_MESSAGE_ID,
    sub_type: turn.subType('service_instance_health_response'),
    service_instance_id: turn.state.settings.instanceId,
    status: OK,
  });
}

export function agentClosed(turn: Turn, why: string, jitter: number): void {
  const { state } = turn;
  if (state.link !== 'connecting' && state.link !== 'connected') return;
  if (state.link === 'connected') {
    turn.warn(`the connection to the agent broke: ${why}`);
    turn.deadline('orphan', '', state.timers.orphanMs);
    state.healthAsks = [];
    forgetRequested(turn);
  }
  state.link = 'waiting';
  turn.deadline('reconnect', '', reconnectPauseMs(turn, jitter));
  state.linkTries += 1;
}

/** First pause to longest pause, doubling, with chance so that the children of one agent do not come all at once. */
function reconnectPauseMs(turn: Turn, jitter: number): number {
  const { reconnectFirstMs, reconnectMostMs } = turn.state.timers;
  const most = Math.min(reconnectMostMs, reconnectFirstMs * 2 ** Math.min(turn.state.linkTries + 1, 16));
  const share = jitter >= 0 && jitter <= 1 ? jitter : 0;
  return Math.round(reconnectFirstMs + share * (most - reconnectFirstMs));
}

/** R47: without an agent for 60 s the instance drains and ends. */
export function orphanDue(turn: Turn): void {
  beginEnding(turn, 'no agent for too long (R47)');
}

/**
 * Reports: messages for the Manager that nobody answers (acks, reports of a close, of a death).
 *
 * Lives here: keeping them while there is no Manager, and sending them again when a connection broke. Does
 * not live here: what they say.
 *
 * A report that was written to a connection is not yet read by the Manager: one that died a moment later takes
 * it along. So a report is kept until the Manager was heard `lostMs` and `suspectMs` after it was sent, and is sent again
 * after the next registration. A Manager to which nothing gets through gives the connection up after `lostMs`; one that still
 * speaks on it has heard this agent since, and what it reads is on its disk with its next beat. Twice changes nothing (R20,
 * R39, R42).
 */
import type { Message } from '../../ssmmp/core/catalog.ts';
import { REPORTS_MAX } from './limits.ts';
import type { Turn } from './turn.ts';

/** Sends a report, at once or after the next registration. */
export function report(turn: Turn, message: Message): void {
  const { state } = turn;
  const isRegistered = state.link.status === 'registered';
  forgetRead(turn);
  if (state.reports.length >= REPORTS_MAX) {
    const dropped = state.reports.shift();
    if (dropped?.sentAt === null)
      turn.log('warn', `more than ${REPORTS_MAX} reports wait for the Manager: the oldest is dropped`, {
        type: dropped.message.type,
      });
  }
  state.reports.push({ message, sentAt: isRegistered ? turn.at : null });
  if (isRegistered) turn.sendToManager(message);
}

/** After a registration: everything that the Manager may not have read, in order. */
export function sendReports(turn: Turn): void {
  for (const kept of turn.state.reports) {
    kept.sentAt = turn.at;
    turn.sendToManager(kept.message);
  }
}

/** Drops what the Manager has surely read. Nothing before it has answered: that a new connection was made says nothing of it. */
function forgetRead(turn: Turn): void {
  const { reports, link, timers } = turn.state;
  if (link.status !== 'registered') return;
  let read = 0;
  for (const { sentAt } of reports) {
    if (sentAt === null || sentAt + timers.lostMs + timers.suspectMs > link.heardAt) break;
    read += 1;
  }
  if (read > 0) reports.splice(0, read);
}

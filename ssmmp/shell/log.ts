/**
 * Logs of Manager and agents: JSON lines by pino on standard error.
 *
 * Lives here: how a log is made. Does not live here: where the lines end up (whoever started the process
 * collects them) and the logs of services (services/kit, which loads pino only when there is something to say).
 */
import { pino, type Logger } from 'pino';

export type { Logger };

/** Lines that could not be written wait up to this sum; beyond it they are dropped. */
const WAITING_CHARACTERS_MAX = 256 * 1024;

/** A logger whose lines name the process: `node`, `service`, `instance` as they apply. */
export function openLog(names: Record<string, string | number>): Logger {
  const target = pino.destination({ fd: 2, sync: true, maxLength: WAITING_CHARACTERS_MAX });
  // A disk that is full takes no log either. That ends nobody: the lines wait, some are dropped, the rest comes later.
  target.on('error', () => undefined);
  const level = process.env['SSMMP_LOG_LEVEL'] ?? 'info';
  return pino({ base: names, timestamp: pino.stdTimeFunctions.isoTime, level }, target);
}

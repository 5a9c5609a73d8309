/**
 * Logs of Manager and agents: JSON lines by pino on standard error.
 *
 * Lives here: how a log is made. Does not live here: where the lines end up (whoever started the process
 * collects them) and the logs of services (services/kit, which loads pino only when there is something to say).
 */
import { pino, type Logger } from 'pino';

export type { Logger };

/** A logger whose lines name the process: `node`, `service`, `instance` as they apply. */
export function openLog(names: Record<string, string | number>): Logger {
  return pino(
    { base: names, timestamp: pino.stdTimeFunctions.isoTime, level: process.env['SSMMP_LOG_LEVEL'] ?? 'info' },
    pino.destination({ fd: 2, sync: true }),
  );
}

/**
 * The log of a service: JSON lines on stdout in pino's shape, which its agent collects.
 *
 * Lives here: writing a line. Does not live here: where the lines end up.
 */
import type { Logger } from '../service.ts';

const LEVELS = { info: 30, warn: 40, error: 50 } as const;

/** A logger whose lines name the instance. */
export function openLog(names: object, now: () => number): Logger {
  const prefix = JSON.stringify(names).slice(1, -1);
  let broken = false;
  const line = (level: number, obj: object, msg: string): void => {
    if (broken) return;
    const fields = JSON.stringify(obj).slice(1, -1);
    const time = new Date(now()).toISOString();
    process.stdout.write(
      `{"level":${level},"time":"${time}",${prefix}${fields === '' ? '' : `,${fields}`},"msg":${JSON.stringify(msg)}}\n`,
    );
  };
  // The agent may be gone while the instance goes on: then there is nobody to tell.
  process.stdout.on('error', () => (broken = true));
  return {
    info: (obj, msg) => line(LEVELS.info, obj, msg),
    warn: (obj, msg) => line(LEVELS.warn, obj, msg),
    error: (obj, msg) => line(LEVELS.error, obj, msg),
  };
}

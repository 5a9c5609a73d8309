/**
 * The log of a service: JSON lines on stdout in pino's shape, which its agent collects.
 *
 * Lives here: writing a line. Does not live here: where the lines end up.
 *
 * The Manager's and the agents' logs are pino's (ssmmp/shell/log.ts). A service's are not: loading pino costs 9 ms of
 * the 26 ms in which an instance starts, and 1.3 MB of the 7 MB that are its own, and there are as many instances as
 * the graph has vertices, most of which say nothing. Its line format is short enough to write here.
 */
import type { Logger } from '../service.ts';

const LEVELS = { info: 30, warn: 40, error: 50 } as const;
/** Bytes that wait for an agent that does not read (it may be stopped); beyond it lines are dropped, and counted. */
export const UNREAD_BYTES_MAX = 1024 * 1024;

/** A logger whose lines name the instance. `out`: for tests; opened with the first line, because opening stdout costs a millisecond. */
export function openLog(
  names: object,
  now: () => number,
  out: () => Pick<NodeJS.WriteStream, 'write' | 'on' | 'writableLength'> = () => process.stdout,
): Logger {
  const prefix = JSON.stringify(names).slice(1, -1);
  let stream: ReturnType<typeof out> | null = null;
  let broken = false;
  let dropped = 0;
  const write = (level: number, fields: string, msg: string): void => {
    const time = new Date(now()).toISOString();
    const more = fields === '' ? '' : `,${fields}`;
    stream?.write(`{"level":${level},"time":"${time}",${prefix}${more},"msg":${JSON.stringify(msg)}}\n`);
  };
  const line = (level: number, obj: object, msg: string): void => {
    if (stream === null) {
      stream = out();
      // The agent may be gone while the instance goes on: then there is nobody to tell.
      stream.on('error', () => (broken = true));
    }
    if (broken) return;
    if (stream.writableLength > UNREAD_BYTES_MAX) {
      dropped += 1;
      return;
    }
    if (dropped > 0) write(LEVELS.warn, '', `${dropped} lines were dropped: nobody read them`);
    dropped = 0;
    write(level, JSON.stringify(obj).slice(1, -1), msg);
  };
  return {
    info: (obj, msg) => line(LEVELS.info, obj, msg),
    warn: (obj, msg) => line(LEVELS.warn, obj, msg),
    error: (obj, msg) => line(LEVELS.error, obj, msg),
  };
}

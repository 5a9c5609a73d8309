/**
 * The supervisor's command line.
 *
 * Lives here: options, their defaults and checks. Does not live here: what they do. What stands behind `--` is the
 * Manager's own command line.
 */
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { splitAddressPort } from '../../ssmmp/core/address.ts';

export const USAGE = `usage: node dist/supervisor.js --state-dir DIR --manager FILE --operator ADDR:PORT [options] -- MANAGER'S ARGUMENTS

  --state-dir DIR        the Manager's state directory; the supervisor's lock and record are there too
  --manager FILE         the Manager's program (dist/manager.js)
  --operator ADDR:PORT   where the Manager is asked whether it lives (its operator port)
  --mirror DIR           where the copy of its journal is kept (default: mirror in the state directory)
  --log FILE             the Manager's log (default: manager.log in the state directory)
  --timer-scale X        factor on every timer (default 1, or SSMMP_TIMER_SCALE)
`;

const OPERATOR_PORT = 55570;
const TIMER_SCALE_MIN = 0.01;
const TIMER_SCALE_MAX = 100;

export interface SupervisorOptions {
  /** Absolute paths. */
  readonly stateDir: string;
  readonly managerFile: string;
  readonly mirror: string;
  readonly logFile: string;
  readonly operator: { readonly address: string; readonly port: number };
  readonly timerScale: number;
  /** As the Manager gets them, its mirror included. */
  readonly managerArgs: readonly string[];
}

/** Reads the arguments (without node and script); a sentence when they are wrong. */
export function readOptions(args: string[], env: Record<string, string | undefined>): SupervisorOptions | string {
  let parsed;
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      options: {
        'state-dir': { type: 'string' },
        manager: { type: 'string' },
        operator: { type: 'string' },
        mirror: { type: 'string' },
        log: { type: 'string' },
        'timer-scale': { type: 'string', default: env['SSMMP_TIMER_SCALE'] ?? '1' },
      },
    });
  } catch (error) {
    return (error as Error).message;
  }
  const { values, positionals } = parsed;
  const { manager, 'state-dir': stateDirText, operator: operatorText } = values;
  if (manager === undefined || stateDirText === undefined || operatorText === undefined)
    return '--state-dir, --manager and --operator are needed';
  const operator = splitAddressPort(operatorText, OPERATOR_PORT);
  if (operator === null) return `--operator ${operatorText}: expected ADDR, ADDR:PORT or [IPV6]:PORT`;
  const timerScale = Number(values['timer-scale']);
  if (!(timerScale >= TIMER_SCALE_MIN && timerScale <= TIMER_SCALE_MAX))
    return `--timer-scale ${values['timer-scale']}: expected a number from ${TIMER_SCALE_MIN} to ${TIMER_SCALE_MAX}`;
  const stateDir = resolve(stateDirText);
  const mirror = resolve(values.mirror ?? join(stateDir, 'mirror'));
  return {
    stateDir,
    managerFile: resolve(manager),
    mirror,
    logFile: resolve(values.log ?? join(stateDir, 'manager.log')),
    operator,
    timerScale,
    managerArgs: [...positionals, '--mirror', mirror],
  };
}

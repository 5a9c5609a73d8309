/**
 * The kit's front door: `runService`, called by every services/<name>/main.ts.
 *
 * Lives here: the process: arguments, environment, signals, exit codes. Does not live here: the instance
 * (shell/instance.ts).
 */
import { setFlagsFromString } from 'node:v8';
import { isTimerPreset } from '../../ssmmp/core/timers.ts';
import { startClock } from '../../ssmmp/shell/clock.ts';
import type { JournalWriter } from '../../ssmmp/shell/driver.ts';
import { ARGUMENT_NAMES, readArguments } from './core/arguments.ts';
import type { ServiceContext, ServiceDefinition } from './service.ts';
import { Instance } from './shell/instance.ts';
import { openLog } from './shell/log.ts';
import { rehearse } from './shell/rehearse.ts';
import { hasRolePipe, waitForRole } from './shell/spare.ts';

/** Port of the agent where SSMMP_AGENT_PORT names no other (R16). */
const AGENT_PORT = 55556;
/** Exit code where the arguments are no instance's. */
const USAGE = 64;
const FAILED = 1;
/**
 * How much of a function runs before V8 thinks of optimizing it, in bytes of its bytecode; V8's own is 67,584. A new instance
 * takes all of a service's requests at once, and until its functions are optimized they cost more: with this, a third of a
 * second and not two thirds (docs/decisions/0017-optimized-early.md).
 */
const INTERRUPT_BUDGET = 10_000;

/**
 * Runs a service as the instance that the process's five arguments name; a process without any is a warm spare and
 * waits for them on stdin. Call it once, last in main.ts. Exit codes: 0 ended as asked, 1 the service failed, 64 wrong
 * arguments.
 */
export function runService(definition: ServiceDefinition | ((context: ServiceContext) => ServiceDefinition)): void {
  // Not on the command line: there it makes V8 refuse the compiled form of Node's own modules, ten milliseconds of a start.
  setFlagsFromString(`--interrupt-budget=${INTERRUPT_BUDGET}`);
  const args = process.argv.slice(2);
  if (args.length > 0) return start(args, definition);
  if (!hasRolePipe()) return usage('no arguments (a warm spare waits for them on a pipe; stdin is none)');
  rehearse(startClock());
  waitForRole((line) => {
    if (line === null) return process.exit(0);
    const role = readRole(line);
    if (typeof role === 'string') usage(role);
    else start(role, definition);
  });
}

function readRole(line: string): string[] | string {
  try {
    const role: unknown = JSON.parse(line);
    if (Array.isArray(role) && role.every((word) => typeof word === 'string')) return role as string[];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return 'stdin: expected one JSON line, an array of the five arguments as strings';
}

function usage(problem: string): void {
  console.error(`${problem}\nexpected: ${ARGUMENT_NAMES.join(' ')}`);
  console.error(
    "for example: registration 7 127.0.0.11 'registration-socket, 54001' 'users-plug, users-socket, users-db'",
  );
  console.error('(an agent starts services so; see ssmmp agent and docs/protocol.md)');
  process.exit(USAGE);
}

function start(args: string[], definition: ServiceDefinition | ((context: ServiceContext) => ServiceDefinition)): void {
  const { env } = process;
  const scale = Number(env['SSMMP_TIMER_SCALE'] ?? 1);
  const timers = env['SSMMP_TIMERS'] ?? 'lab';
  const settings = readArguments(args, scale > 0 ? scale : 1, isTimerPreset(timers) ? timers : 'lab');
  if (typeof settings === 'string') return usage(settings);
  const now = startClock();
  const log = openLog({ pid: process.pid, service: settings.serviceName, instance: settings.instanceId }, now);
  const fail = (error: unknown, what: string): void => {
    const known = error instanceof Error ? error : new Error(String(error));
    log.error({ err: { type: known.name, message: known.message, stack: known.stack } }, what);
    process.exit(FAILED);
  };
  process.on('uncaughtException', (error) => fail(error, 'uncaught exception'));
  process.on('unhandledRejection', (error) => fail(error, 'unhandled rejection'));
  const run = (journal: JournalWriter | undefined): Promise<void> => {
    const instance = new Instance({
      settings,
      agentPort: Number(env['SSMMP_AGENT_PORT'] ?? AGENT_PORT),
      dataDir: env['SSMMP_DATA_DIR'] ?? null,
      env: { ...env } as Record<string, string>,
      log,
      now,
      ...(journal === undefined ? {} : { journal }),
      exit: (code) => process.exit(code),
    });
    return instance.run(definition).then(() => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => instance.stop(signal));
    });
  };
  const folder = env['SSMMP_RECORD_DIR'];
  const recorded =
    folder === undefined
      ? run(undefined)
      : import('./shell/record.ts').then(({ startRecording }) => run(startRecording(folder, settings, now())));
  recorded.catch((error: unknown) => fail(error, 'the service could not start'));
}

/**
 * The supervisor as a program.
 *
 * Lives here: flags in, exit code out, signals. Does not live here: the supervisor (shell/supervisor.ts).
 *
 *   stderr   the log, JSON lines
 *   exit     0 stopped as told, 1 it or the first Manager could not start, 64 usage
 */
import { openLog } from '../ssmmp/shell/log.ts';
import { readOptions, USAGE } from './shell/options.ts';
import { StartError, startSupervisor } from './shell/supervisor.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 64;

const args = process.argv.slice(2);
const options = args.includes('--help') && !args.includes('--') ? null : readOptions(args, process.env);
if (options === null) {
  process.stdout.write(USAGE);
} else if (typeof options === 'string') {
  process.stderr.write(`${options}\n\n${USAGE}`);
  process.exitCode = EXIT_USAGE;
} else {
  const log = openLog({ actor: 'supervisor' });
  let stop = (): void => undefined;
  // From before the start on: without a listener a signal ends a process, and the Manager that it has just started would be nobody's.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => stop());
  try {
    const supervisor = startSupervisor(options, log);
    stop = () => supervisor.stop();
    void supervisor.ended.then((code) => process.exit(code));
  } catch (error) {
    if (error instanceof StartError) log.fatal(error.message);
    else log.fatal(error, 'the supervisor cannot start');
    process.exitCode = EXIT_FAILED;
  }
}

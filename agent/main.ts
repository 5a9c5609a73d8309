/**
 * The agent as a program.
 *
 * Lives here: flags in, exit code out, signals. Does not live here: the agent (shell/agent.ts).
 *
 *   stdout   one line `ready ADDR:PORT` when instances can connect
 *   stderr   the log, JSON lines
 *   SIGUSR2  break the link to the Manager and connect anew (docs/faults.md)
 *   exit     0 stopped as told, 1 could not start or was refused by the Manager (R52), 64 usage
 */
import { openLog } from '../ssmmp/shell/log.ts';
import { startAgent, StartError } from './shell/agent.ts';
import { readOptions, USAGE } from './shell/options.ts';

const EXIT_USAGE = 64;

const options = readOptions(process.argv.slice(2), process.env);
if (options === 'help') {
  process.stdout.write(USAGE);
} else if (typeof options === 'string') {
  process.stderr.write(`agent: ${options}\n\n${USAGE}`);
  process.exitCode = EXIT_USAGE;
} else {
  const log = openLog({ node: options.address });
  let relink = (): void => undefined;
  let isToldToStop = false;
  let stop = (): void => void (isToldToStop = true);
  // From the first moment on: without a listener these signals end a process, and leave what it has just started.
  if (process.platform !== 'win32') process.on('SIGUSR2', () => relink());
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => stop());
  startAgent(options, process.env, log).then(
    (agent) => {
      relink = () => agent.relink();
      stop = () => agent.stop();
      if (isToldToStop) stop();
      process.stdout.write(`ready ${agent.listening}\n`);
      void agent.ended.then((code) => process.exit(code));
    },
    (error: unknown) => {
      // What a person can mend is a sentence; anything else is a bug and keeps its stack.
      if (error instanceof StartError) log.fatal(error.message);
      else log.fatal(error, 'the agent cannot start');
      process.exit(1);
    },
  );
}

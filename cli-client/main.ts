/**
 * The command `cnapp`: gives a run (shell/run.ts) the process it lives in: arguments, streams, signals, exit code.
 *
 * Theory. A terminal's Ctrl-C may arrive twice (npm passes its own on), so the second is taken as the first. A reader of
 * our stdout that leaves early (`cnapp last-posts | head -1`) ends us quietly.
 */
import { runCommandLine } from './shell/run.ts';

const interrupt = new AbortController();
process.on('SIGINT', () => interrupt.abort());
process.on('SIGTERM', () => interrupt.abort());
process.on('SIGHUP', () => interrupt.abort());

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  process.stderr.write(`cnapp: stdout cannot be written: ${error.message}\n`); // a full disk
  process.exit(1);
});

const io = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
};

runCommandLine(process.argv.slice(2), io, interrupt.signal).then(
  // What is written to a pipe must have left before the exit, which stdin would otherwise put off; and the handler above
  // must have heard of a stdout that took nothing.
  (code) => process.stdout.write('', () => process.stderr.write('', () => setImmediate(() => process.exit(code)))),
  (error: unknown) => {
    console.error('cnapp: this is a bug, please report it:', error);
    process.exit(1);
  },
);

/**
 * Runs `cnapp` in this process: words and stdin in; exit code, stdout and stderr out.
 *
 * Lives here: the streams. Does not live here: the process, its signals and its exit (main.test.ts has those), a terminal
 * (terminal.test.ts).
 */
import { PassThrough } from 'node:stream';
import { runCommandLine } from '../../../cli-client/shell/run.ts';

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** What a run finds around it. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** All of stdin, or a stream that the test writes and ends itself. Empty when left out. */
  readonly stdin?: string | Buffer | PassThrough;
  /** Aborted for a Ctrl-C. */
  readonly interrupt?: AbortController;
}

/** A whole run. Words with spaces in them come as a list. */
export async function cnapp(words: string | readonly string[], around: Surroundings): Promise<Ended> {
  const { env, cwd, stdin = '', interrupt = new AbortController() } = around;
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const [out, err] = [collect(stdout), collect(stderr)];
  const io = { stdin: stdin instanceof PassThrough ? stdin : new PassThrough().end(stdin), stdout, stderr, env, cwd };
  const code = await runCommandLine(typeof words === 'string' ? words.split(' ') : words, io, interrupt.signal);
  stdout.end();
  stderr.end();
  return { code, out: await out, err: await err };
}

async function collect(stream: PassThrough): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/**
 * A warm spare: a process that is started before anybody knows as which instance.
 *
 * Lives here: waiting for the role, one JSON line on stdin. Does not live here: what a role is (core/arguments.ts).
 * The modules are loaded and compiled by the time the line comes, and a rehearsal has been held (rehearse.ts).
 */
import { fstatSync } from 'node:fs';
import { Socket } from 'node:net';

/** Longest role in bytes: the two configurations of a service with very many sockets and plugs. */
const ROLE_BYTES_MAX = 256 * 1024;

/** Is there a pipe on stdin, from which a role may come? Children's pipes are FIFOs or socket pairs, whoever made them. */
export function hasRolePipe(): boolean {
  const stat = fstatSync(0);
  return stat.isFIFO() || stat.isSocket();
}

/** Calls back with the first line of stdin; null when it ends before: whoever would hand out the role is gone. */
export function waitForRole(done: (line: string | null) => void): void {
  const stdin = new Socket({ fd: 0, readable: true, writable: false });
  let text = '';
  const finish = (line: string | null): void => {
    stdin.removeAllListeners();
    stdin.on('error', () => undefined); // the agent's end of the pipe does not matter any more
    stdin.destroy();
    done(line);
  };
  stdin.setEncoding('utf8');
  stdin.on('data', (chunk: string) => {
    text += chunk;
    const end = text.indexOf('\n');
    if (end !== -1) finish(text.slice(0, end));
    else if (text.length > ROLE_BYTES_MAX) finish(null);
  });
  stdin.on('error', () => finish(null));
  stdin.on('end', () => finish(null));
}

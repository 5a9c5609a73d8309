/**
 * A stranger with a socket, and what must not suffer from it: another user, the memory of every process.
 *
 * Lives here: connections that send anything, floods, crowds, a witness who posts and reads all the time, a look at the
 * processes of a cluster. Does not live here: any expectation, except that the witness's requests succeed.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { processesNaming, until } from './cluster.ts';
import { PlainUser, sleep, type Done } from './plain-user.ts';

const FLOOD = fileURLToPath(new URL('flood.mjs', import.meta.url));
/** What is kept of what comes back. */
const KEPT_CHARS = 64 * 1024;

/** One raw connection. */
export class Stranger {
  readonly socket: Socket;
  /** The end of what came back. */
  received = '';
  /** Milliseconds from connecting to the other side's end; null while it is open. */
  closedAfterMs: number | null = null;
  private readonly openedMs = performance.now();

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => (this.received = (this.received + text).slice(-KEPT_CHARS)));
    const closed = (): void => void (this.closedAfterMs ??= performance.now() - this.openedMs);
    socket.on('end', closed).on('close', closed).on('error', closed);
  }

  /** `from`: the local address. Resolves when connected. */
  static open(host: string, port: number, from?: string): Promise<Stranger> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true, ...(from === undefined ? {} : { localAddress: from }) });
      const stranger = new Stranger(socket);
      socket.once('connect', () => resolve(stranger));
      socket.once('error', reject);
    });
  }

  write(text: string | Buffer): this {
    if (this.socket.writable) this.socket.write(text, 'latin1');
    return this;
  }

  /** Resolves with the milliseconds after which the other side closed. */
  closed(what: string, withinMs: number): Promise<number> {
    return until(`${what} is closed; it answered ${this.received.slice(-200)}`, () => this.closedAfterMs, withinMs);
  }

  /** Resolves with everything that came, once it matches. */
  hears(pattern: RegExp, withinMs = 3000): Promise<string> {
    const seen = (): string | null => (pattern.test(this.received) ? this.received : null);
    return until(`an answer like ${String(pattern)}`, seen, withinMs).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}; got '${this.received.slice(-500)}'`);
    });
  }

  gone(): void {
    this.socket.destroy();
  }
}

export interface Place {
  readonly host: string;
  readonly port: number;
}

/** Opens many connections that say `text`, or nothing. Those that are refused count as closed. */
export async function crowd(
  { host, port }: Place,
  count: number,
  text = '',
): Promise<{ open(): number; leave(): void }> {
  const sockets: Socket[] = [];
  for (let at = 0; at < count; at += 250) {
    const some = Array.from({ length: Math.min(250, count - at) }, () => connect({ host, port }));
    await Promise.all(
      some.map(
        (socket) =>
          new Promise<void>((resolve) => {
            socket.resume();
            socket.once('connect', () => {
              if (text !== '') socket.write(text, 'latin1');
              resolve();
            });
            socket.once('error', () => resolve());
          }),
      ),
    );
    for (const socket of some) socket.on('error', () => undefined);
    sockets.push(...some);
  }
  return {
    open: () => sockets.filter((socket) => !socket.readableEnded && !socket.destroyed).length,
    leave: () => sockets.forEach((socket) => socket.resetAndDestroy()),
  };
}

/**
 * Garbage on `count` connections of each place at once, over and over, connecting again when thrown out. In a process of
 * its own (flood.mjs), so that the witness is not held up by its neighbour. Resolves with the bytes sent.
 */
export function flood(places: readonly Place[], count: number, ms: number): Promise<number> {
  const args = [FLOOD, String(count), String(ms), ...places.map(({ host, port }) => `${host}:${port}`)];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { timeout: ms + 20_000 }, (error, out) =>
      error === null ? resolve(Number(out)) : reject(new Error(`the flood failed: ${error.message}`)),
    );
  });
}

/** Another user, who posts and reads all the time and is to notice nothing. */
export class Witness {
  private readonly all: Done[] = [];
  private readonly user: PlainUser;
  private readonly thinkMs: number;
  private stopping = false;
  private work: Promise<void> = Promise.resolve();
  /** Posts that were acknowledged and then not among the last ten. */
  private lost = 0;

  constructor(gateway: Place, thinkMs = 50) {
    this.user = new PlainUser('witness', { hosts: [gateway.host], port: gateway.port }, (done) => this.all.push(done));
    this.thinkMs = thinkMs;
  }

  async start(): Promise<void> {
    await this.user.enter('a quiet password');
    await this.user.post('the first one');
    await this.user.read();
    this.all.length = 0;
    this.work = this.go();
  }

  /** What went wrong, in words; empty when nothing did. Call it as often as you like. */
  complaints(withinMs: number): string[] {
    const { busySinceMs } = this.user;
    const hangs = busySinceMs !== null && performance.now() - busySinceMs > withinMs;
    return [
      ...(hangs ? ['a request hangs'] : []),
      ...(this.lost > 0 ? [`${this.lost} posts are not there`] : []),
      ...this.all
        .filter(
          ({ status, repeats, startMs, endMs }) => status !== 200 || repeats.length > 0 || endMs - startMs > withinMs,
        )
        .map(({ type, status, said, repeats, startMs, endMs }) =>
          [type, status, said, `${Math.round(endMs - startMs)} ms`, ...repeats].join(' '),
        ),
    ];
  }

  get requests(): number {
    return this.all.length;
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await this.work;
    this.user.close();
  }

  private async go(): Promise<void> {
    while (!this.stopping) {
      const id = await this.user.post('I see nothing');
      const posts = await this.user.read();
      // Others post too, but not ten in between.
      if (posts?.some(({ postId }) => postId === id) !== true) this.lost += 1;
      await sleep(this.thinkMs);
    }
  }
}

export interface ProcessRow {
  readonly pid: number;
  /** `agent.js --address …` */
  readonly what: string;
  readonly memoryMb: number;
}

/** The processes of a cluster with the memory they take; Linux, empty elsewhere. */
export function processesOf(subnet: string): ProcessRow[] {
  return processesNaming(`${subnet}.`).map((row) => {
    const pid = Number(/^\d+/.exec(row)?.[0]);
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const memoryMb = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024;
    return { pid, what: row.replace(/^.*?(dist|services)\//, '').slice(0, 70), memoryMb };
  });
}

/** Connections that this process may open at once, or the system's usual limit where it does not tell. */
export function openFilesMax(): number {
  try {
    return Number(/^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 1024);
  } catch {
    return 1024; // not Linux
  }
}

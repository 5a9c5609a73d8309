// A load that goes on while something else happens: how many requests were answered in a stretch of time, and how fast.
//
// Each client has one request under way and sends the next when it is answered, after a pause where one is wished for. What is
// measured in a stretch is what was answered in it. An answer that is an error, or belongs to no request, breaks the load.
import { openClient, type LineClient } from './line-client.ts';
import { quantile } from './stats.ts';

export interface Stretch {
  /** Requests answered a second. */
  readonly rate: number;
  /** Latencies in milliseconds. */
  readonly p99: number;
  readonly longest: number;
}

export interface SteadyLoadOptions {
  readonly address: string;
  readonly port: number;
  readonly clients: number;
  /** Type and contents of the requests. */
  readonly type: string;
  readonly text: string;
  /** Between an answer and the client's next request; 0: none. */
  readonly pauseMs: number;
}

const ANSWER = 'Type: echo_response ~ Message_id: ';
const CONTENTS = ' ~ Line_1: ';
/** A newcomer that has answered nothing for so long will not. */
const NEWCOMER_PATIENCE_MS = 10_000;

export class SteadyLoad {
  private readonly options: SteadyLoadOptions;
  private readonly clients: LineClient[] = [];
  private readonly endedAt: number[] = [];
  private readonly took: number[] = [];
  private readonly seen = new Set<string>();
  private onNewcomer: (at: number) => void = () => undefined;
  private running = true;
  private broken: Error | null = null;

  private constructor(options: SteadyLoadOptions) {
    this.options = options;
  }

  static async start(options: SteadyLoadOptions): Promise<SteadyLoad> {
    const load = new SteadyLoad(options);
    for (let i = 0; i < options.clients; i += 1) {
      const client = await openClient(options.address, options.port);
      load.clients.push(client);
      load.drive(client);
    }
    return load;
  }

  /** When (performance.now()) the first answer comes whose contents no answer has had so far. One wait at a time. */
  newcomer(): Promise<number> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(this.broken ?? new Error('no answer with new contents')),
        NEWCOMER_PATIENCE_MS,
      );
      this.onNewcomer = (at) => {
        clearTimeout(timer);
        resolve(at);
      };
    });
  }

  /** What was answered between these two times. Throws when the load broke. */
  stretch(from: number, to: number): Stretch {
    if (this.broken !== null) throw this.broken;
    const took: number[] = [];
    for (let i = this.endedAt.length - 1; i >= 0 && (this.endedAt[i] as number) >= from; i -= 1)
      if ((this.endedAt[i] as number) < to) took.push(this.took[i] as number);
    return {
      rate: (1000 * took.length) / (to - from),
      p99: quantile(took, 0.99),
      longest: took.reduce((max, ms) => Math.max(max, ms), 0),
    };
  }

  stop(): void {
    this.running = false;
    for (const { socket } of this.clients) socket.removeAllListeners('close').destroy();
  }

  private drive(client: LineClient): void {
    const { type, text, pauseMs } = this.options;
    let id = 0;
    let sentAt = 0;
    const send = (): void => {
      if (!this.running) return;
      id += 1;
      sentAt = performance.now();
      client.socket.write(`Type: ${type} ~ Message_id: ${id}${CONTENTS}${text}\n`, 'latin1');
    };
    client.onLine = (line) => {
      const now = performance.now();
      const begin = `${ANSWER}${id}${CONTENTS}`;
      if (!line.startsWith(begin)) return this.fail(`not an answer to request ${id}: ${line.slice(0, 200)}`);
      this.endedAt.push(now);
      this.took.push(now - sentAt);
      const contents = line.slice(begin.length);
      if (!this.seen.has(contents)) {
        this.seen.add(contents);
        this.onNewcomer(now);
      }
      if (pauseMs === 0) send();
      else setTimeout(send, pauseMs);
    };
    client.socket.once('close', () => this.fail('a connection was closed under load'));
    send();
  }

  private fail(why: string): void {
    this.broken ??= new Error(why);
    this.running = false;
  }
}

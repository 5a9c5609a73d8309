// The whole testbed as a person starts it, and a user of its gateway who knows only the string protocol of cnapp.md.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNode, type Child } from './children.ts';
import type { LineClient } from './line-client.ts';
import { connectWhenThere } from './testbed.ts';

export const SUBNET = '127.0.46';
export const GATEWAY = `${SUBNET}.11`;
export const GATEWAY_PORT = 8080;

export interface App {
  readonly up: Child;
  readonly stateDir: string;
  /** Ends it as Ctrl-C does, and removes its state. */
  stop(): Promise<void>;
}

/** `ssmmp up`; resolves when the gateway takes connections. */
export async function startApp(flags: readonly string[] = [], env: Record<string, string> = {}): Promise<App> {
  const stateDir = join(mkdtempSync(join(tmpdir(), 'ssmmp-bench-')), 'state');
  const up = startNode(['dist/ssmmp.js', 'up', '--subnet', SUBNET, '--state-dir', stateDir, ...flags], { env });
  (await connectWhenThere(GATEWAY, GATEWAY_PORT)).socket.destroy();
  return {
    up,
    stateDir,
    stop: async () => {
      await up.end('SIGINT');
      rmSync(join(stateDir, '..'), { recursive: true, force: true });
    },
  };
}

/** A response: its status and the contents of its lines by name. */
export interface Answer {
  readonly status: number;
  readonly lines: ReadonlyMap<string, string>;
}

interface Waiting {
  take(answer: Answer): void;
  lose(error: Error): void;
}

/** One connection to the gateway. Any number of requests may be under way. */
export class User {
  private readonly client: LineClient;
  private readonly waiting = new Map<number, Waiting>();
  private lastId = 0;

  constructor(client: LineClient) {
    this.client = client;
    // Without this a bench whose connection breaks would wait for ever.
    client.socket.once('close', () => {
      for (const { lose } of this.waiting.values()) lose(new Error('the gateway closed before it had answered'));
    });
    client.onLine = (line) => {
      const lines = new Map<string, string>();
      for (const part of line.split(' ~ ')) {
        const colon = part.indexOf(': ');
        lines.set(part.slice(0, colon), part.slice(colon + 2));
      }
      const id = Number(lines.get('Message_id'));
      const asked = this.waiting.get(id);
      if (asked === undefined) throw new Error(`an answer that nobody waits for: ${line.slice(0, 300)}`);
      this.waiting.delete(id);
      asked.take({ status: Number(lines.get('Status')), lines });
    };
  }

  static async connect(address = GATEWAY, port = GATEWAY_PORT): Promise<User> {
    return new User(await connectWhenThere(address, port));
  }

  /** `contents` are the lines 1, 2, …, already encoded. Any status is an answer. */
  ask(type: string, ...contents: string[]): Promise<Answer> {
    if (this.client.socket.destroyed) return Promise.reject(new Error('the gateway has closed the connection'));
    this.lastId += 1;
    const id = this.lastId;
    const lines = contents.map((text, index) => ` ~ Line_${index + 1}: ${text}`).join('');
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { take: resolve, lose: reject });
      this.client.socket.write(`Type: ${type} ~ Message_id: ${id}${lines}\n`, 'latin1');
    });
  }

  /** The same, and throws when the status is not 200. Asks again on 503, as cnapp.md says one should. */
  async demand(type: string, ...contents: string[]): Promise<Answer> {
    for (let attempt = 0; ; attempt += 1) {
      const answer = await this.ask(type, ...contents);
      if (answer.status === 200) return answer;
      if (answer.status !== 503 || attempt > 20) {
        throw new Error(`${type} was answered ${answer.status}: ${answer.lines.get('Line_3') ?? ''}`);
      }
      await new Promise((resolve) => setTimeout(resolve, Number(answer.lines.get('Line_4') ?? 100)));
    }
  }

  /** Registers and logs in; the token. */
  async enter(name: string, password: string): Promise<string> {
    await this.demand('registration_request', name, password);
    return (await this.demand('login_request', name, password)).lines.get('Line_3') as string;
  }

  close(): void {
    this.client.socket.destroy();
  }
}

/** Does `count` things with so many under way at a time. */
export async function inFlight(count: number, most: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: most }, async () => {
      while (next < count) await work(next++);
    }),
  );
}

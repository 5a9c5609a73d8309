/**
 * A stranger's Manager for one agent: it says what a test tells it to and waits for what the agent says. It shares
 * no code with ours: lines are split the plain way.
 */
import { createServer, type Server, type Socket } from 'node:net';

export type Said = Record<string, string>;

const DEADLINE_MS = 15_000;

export class StrangersManager {
  private readonly server: Server;
  private agent: Socket | null = null;
  private readonly heard: Said[] = [];
  private waiter: (() => void) | null = null;

  private constructor() {
    this.server = createServer((socket) => {
      this.agent = socket;
      let held = '';
      socket.on('error', () => socket.destroy());
      socket.on('data', (chunk) => {
        held += chunk.toString('latin1');
        for (let end = held.indexOf('\n'); end !== -1; end = held.indexOf('\n')) {
          this.heard.push(
            Object.fromEntries(
              held
                .slice(0, end)
                .split(' ~ ')
                .map((part) => [part.slice(0, part.indexOf(': ')), part.slice(part.indexOf(': ') + 2)]),
            ),
          );
          held = held.slice(end + 1);
        }
        this.waiter?.();
      });
    });
  }

  static async listen(address: string): Promise<StrangersManager> {
    const manager = new StrangersManager();
    await new Promise<void>((resolve) => manager.server.listen(55555, address, resolve));
    return manager;
  }

  say(...lines: (readonly [name: string, contents: string | number | undefined])[]): void {
    this.agent?.write(`${lines.map(([name, contents]) => `${name}: ${contents}`).join(' ~ ')}\n`);
  }

  /** The next message of a type; others stay to be waited for. */
  async expect(type: string): Promise<Said> {
    const end = Date.now() + DEADLINE_MS;
    for (;;) {
      const at = this.heard.findIndex((said) => said['type'] === type);
      if (at !== -1) return this.heard.splice(at, 1)[0] as Said;
      const left = end - Date.now();
      if (left <= 0) throw new Error(`no ${type} within ${DEADLINE_MS} ms; heard ${JSON.stringify(this.heard)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.waiter = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  async close(): Promise<void> {
    this.agent?.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/**
 * Help for tests of the Manager's shell: a Manager on an address of its own, and peers that speak raw lines.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Graph } from '../../../ssmmp/core/graph.ts';
import { parseGraph } from '../../../ssmmp/core/graph-parse.ts';
import type { JournalFs } from '../../../ssmmp/shell/journal-segments.ts';
import { startManager, type RunningManager } from '../../../manager/shell/manager.ts';
import type { ManagerOptions } from '../../../manager/shell/options.ts';

/** The subnet of these tests. */
export const SUBNET = '127.0.50';
export const PORT = 55555;
export const OPERATOR_PORT = 55570;
export const DNS_PORT = 55557;

export function testGraph(): Graph {
  const text = [
    'cnapp: tiny',
    'alias: gateway.tiny.test',
    'services:',
    '  gate: {kind: gateway, public: {user-socket: 8080}, replicas: {min: 1, max: 2}}',
    '  store: {kind: baas}',
    'edges:',
    '  - [gate, [store-plug, store-socket], store]',
  ].join('\n');
  const result = parseGraph(text, 'tiny.yaml');
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.graph;
}

export function testOptions(address: string, stateDir: string, more: Partial<ManagerOptions> = {}): ManagerOptions {
  return {
    graphFile: 'tiny.yaml',
    address,
    stateDir,
    mirror: null,
    port: PORT,
    operatorPort: OPERATOR_PORT,
    dnsPort: DNS_PORT,
    portFirst: 54000,
    portLast: 55552,
    sharedAddress: false,
    strict: false,
    timerScale: 1,
    timerPreset: 'lab',
    flush: true,
    ...more,
  };
}

/** A Manager under test, with everything it left cleaned up at the end. */
export class TestManager {
  readonly address: string;
  readonly stateDir = mkdtempSync(join(tmpdir(), 'ssmmp-manager-'));
  manager: RunningManager | null = null;
  private readonly peers: Peer[] = [];

  constructor(host: number) {
    this.address = `${SUBNET}.${host}`;
  }

  async start(more: Partial<ManagerOptions> = {}, disk?: JournalFs): Promise<RunningManager> {
    this.manager = await startManager(testOptions(this.address, this.stateDir, more), {
      graph: testGraph(),
      log: pino({ level: 'silent' }),
      ...(disk === undefined ? {} : { disk }),
    });
    return this.manager;
  }

  async stop(): Promise<void> {
    await this.manager?.stop();
    this.manager = null;
  }

  async remove(): Promise<void> {
    for (const peer of this.peers) peer.socket.destroy();
    await this.stop();
    rmSync(this.stateDir, { recursive: true, force: true });
  }

  /** A connection to the port for agents, from an address of its own. */
  async peer(host: number): Promise<Peer> {
    const peer = await Peer.connect(this.address, `${SUBNET}.${host}`);
    this.peers.push(peer);
    return peer;
  }

  /** A peer that has registered as an agent. */
  async agent(host: number, services = '(gate, store)'): Promise<Peer> {
    const peer = await this.peer(host);
    peer.say(
      `type: initiation_request ~ message_id: 1 ~ agent_network_address: ${SUBNET}.${host} ~ service_repository: ${services}`,
    );
    await peer.hear('initiation_response');
    return peer;
  }

  get token(): string {
    return readFileSync(join(this.stateDir, 'operator-token'), 'utf8').trim();
  }

  url(path: string): string {
    return `http://${this.address}:${OPERATOR_PORT}${path}`;
  }

  /** Asks the operator port; with the token unless other headers are given. */
  async ask(path: string, init: RequestInit = {}): Promise<{ status: number; body: never; headers: Headers }> {
    const headers = init.headers ?? { authorization: `Bearer ${this.token}` };
    const response = await fetch(this.url(path), { ...init, headers });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
    return { status: response.status, body: (isJson ? JSON.parse(text) : text) as never, headers: response.headers };
  }
}

/** A raw connection: what it received, line by line, and whether it was closed. */
export class Peer {
  readonly socket: Socket;
  readonly lines: string[] = [];
  isClosed = false;
  private rest = '';

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      const parts = (this.rest + chunk).split('\n');
      this.rest = parts.pop() ?? '';
      this.lines.push(...parts);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => (this.isClosed = true));
  }

  static connect(host: string, localAddress: string, port = PORT): Promise<Peer> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, localAddress });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new Peer(socket));
      });
    });
  }

  say(line: string): void {
    this.socket.write(`${line}\n`);
  }

  /** The next line of this type, taken out. */
  async hear(type: string): Promise<string> {
    let found: string | undefined;
    await until(() => {
      const index = this.lines.findIndex((line) => line.startsWith(`type: ${type} `));
      if (index !== -1) [found] = this.lines.splice(index, 1);
      return found !== undefined;
    }, `a ${type}`);
    return found as string;
  }
}

/** One line of a message. */
export function lineOf(message: string, name: string): string {
  return (
    message
      .split(' ~ ')
      .find((line) => line.startsWith(`${name}: `))
      ?.slice(name.length + 2) ?? ''
  );
}

/** Waits for a condition; throws after `withinMs`. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  withinMs = 5_000,
): Promise<void> {
  const end = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`no ${what} within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

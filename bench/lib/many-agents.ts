// A thousand agents in one process: they register, "start" every instance they are asked to, and open and close sessions.
//
// They talk to the Manager as real agents do, with real lines, but have no processes behind them: every instance exists in the
// answers only. Lines are written from templates and read with indexOf, so that this process, which is on both sides of the
// ratio, is not what is measured. The same cycles run against baselines/splitter.mjs, which answers requests and ignores the
// rest, so `register` and the starts are left out there.
import { connect, type Socket } from 'node:net';

export const GATEWAY = 'gateway';
export const STORE = 'store';
const PLUG = 'store-plug';
const SOCKET = 'store-socket';

/** The graph of the bench: a gateway on every node and one store that all of them use. */
export function manyAgentsGraph(agents: number): object {
  return {
    cnapp: 'bench',
    services: {
      [GATEWAY]: { kind: 'gateway', public: { 'user-socket': 8080 }, replicas: { min: agents, max: agents } },
      [STORE]: { kind: 'baas' },
    },
    edges: [[GATEWAY, [PLUG, SOCKET], STORE]],
  };
}

/** A cycle is request, response, ack, and the reports of both ends about the close. */
export const MESSAGES_A_CYCLE = 5;

/** Ports of plugs: the lowest stay open, the others take turns. */
const PORT_FIRST = 20_000;
const PORT_LAST = 31_999;

class Agent {
  readonly address: string;
  readonly socket: Socket;
  gatewayId = 0;
  out = '';
  inFlight = 0;
  lastMessageId = 1000;
  lastPort = PORT_FIRST;
  /** Sessions that this agent keeps open before it begins to cycle. */
  toHold = 0;

  constructor(address: string, socket: Socket) {
    this.address = address;
    this.socket = socket;
  }
}

export class ManyAgents {
  private readonly agents: Agent[] = [];
  private readonly dirty: Agent[] = [];
  private store: { agent: Agent; id: number; port: number } | null = null;
  private registered = 0;
  private gateways = 0;
  private isCycling = false;
  private readonly steps: Array<() => void> = [];
  private cycles = 0;
  private open = 0;
  private wake: () => void = () => undefined;

  /** Connects them all, each from an address of its own. */
  static async connect(count: number, host: string, port: number): Promise<ManyAgents> {
    const all = new ManyAgents();
    for (let from = 0; from < count; from += 100) {
      await Promise.all(
        Array.from({ length: Math.min(100, count - from) }, (_, index) => all.connectOne(from + index, host, port)),
      );
    }
    return all;
  }

  /** Registers all and resolves when the Manager has started a gateway at each, and the store somewhere. */
  async register(): Promise<void> {
    for (const agent of this.agents) {
      this.write(
        agent,
        `type: initiation_request ~ message_id: 1 ~ agent_network_address: ${agent.address} ~ service_repository: (${GATEWAY}, ${STORE})`,
      );
    }
    await this.until(
      () => this.registered === this.agents.length && this.gateways === this.agents.length && this.store !== null,
    );
  }

  /** Without a Manager: what registration would have given. */
  pretend(): void {
    for (const [index, agent] of this.agents.entries()) agent.gatewayId = index + 1;
    this.store = { agent: this.agents[0] as Agent, id: this.agents.length + 1, port: 54000 };
  }

  /** Opens this many sessions at every agent, to stay. */
  async hold(sessionsAnAgent: number): Promise<void> {
    for (const agent of this.agents) {
      agent.toHold = sessionsAnAgent;
      if (sessionsAnAgent > 0) this.request(agent);
    }
    await this.until(() => this.open === 0);
  }

  /** Cycles for so long with so many in flight at each agent; messages of both directions, and seconds. */
  async cycle(inFlight: number, durationMs: number): Promise<{ messages: number; seconds: number }> {
    this.cycles = 0;
    this.isCycling = true;
    const started = performance.now();
    for (const agent of this.agents) for (let i = 0; i < inFlight; i += 1) this.request(agent);
    const timer = setTimeout(() => (this.isCycling = false), durationMs);
    await this.until(() => !this.isCycling && this.open === 0);
    clearTimeout(timer);
    return { messages: this.cycles * MESSAGES_A_CYCLE, seconds: (performance.now() - started) / 1000 };
  }

  close(): void {
    for (const { socket } of this.agents) socket.destroy();
  }

  private connectOne(index: number, host: string, port: number): Promise<void> {
    const address = `127.46.${1 + Math.floor(index / 200)}.${1 + (index % 200)}`;
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, localAddress: address, noDelay: true });
      const agent = new Agent(address, socket);
      this.agents[index] = agent;
      let rest = '';
      socket.setEncoding('latin1');
      socket.once('error', reject);
      socket.once('connect', () => resolve());
      socket.on('data', (chunk: unknown) => {
        const text = rest === '' ? (chunk as string) : rest + (chunk as string);
        let from = 0;
        for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', from)) {
          this.onLine(agent, text.slice(from, end));
          from = end + 1;
        }
        rest = text.slice(from);
      });
    });
  }

  private onLine(agent: Agent, line: string): void {
    if (line.startsWith('type: session_response')) return this.granted(agent, line);
    const id = contents(line, 'message_id');
    if (line.startsWith('type: agent_health_control_request')) {
      return this.write(
        agent,
        `type: agent_health_control_response ~ message_id: ${id} ~ sub_type: agent_to_Manager ~ agent_network_address: ${agent.address} ~ status: 200`,
      );
    }
    if (line.startsWith('type: service_instance_health_request')) {
      const instance = contents(line, 'service_instance_id');
      return this.write(
        agent,
        `type: service_instance_health_response ~ message_id: ${id} ~ sub_type: agent_to_Manager ~ service_instance_id: ${instance} ~ status: 200`,
      );
    }
    if (line.startsWith('type: initiation_response')) {
      if (contents(line, 'status') !== '200') throw new Error(`not registered: ${line}`);
      this.registered += 1;
    } else if (line.startsWith('type: execution_request')) {
      const instance = Number(contents(line, 'service_instance_id'));
      if (contents(line, 'service_name') === STORE) {
        this.store = { agent, id: instance, port: Number(contents(line, 'socket_configuration').split(', ')[1]) };
      } else {
        agent.gatewayId = instance;
        this.gateways += 1;
      }
      this.write(agent, `type: execution_response ~ message_id: ${id} ~ status: 200`);
    } else {
      throw new Error(`nothing here expects this: ${line}`);
    }
    this.wake();
  }

  private request(agent: Agent): void {
    this.open += 1;
    agent.lastMessageId += 1;
    this.write(
      agent,
      `type: session_request ~ message_id: ${agent.lastMessageId} ~ sub_type: agent_to_Manager ~ source_service_name: ${GATEWAY} ~ source_service_instance_id: ${agent.gatewayId} ~ source_service_instance_network_address: ${agent.address} ~ source_plug_name: ${PLUG} ~ dest_service_name: ${STORE} ~ dest_socket_name: ${SOCKET}`,
    );
  }

  private granted(agent: Agent, line: string): void {
    if (!line.endsWith('status: 200') && contents(line, 'status') !== '200') throw new Error(`not granted: ${line}`);
    const store = this.store as NonNullable<typeof this.store>;
    const port = (agent.lastPort = agent.lastPort === PORT_LAST ? PORT_FIRST + 1000 : agent.lastPort + 1);
    const source = `source_service_name: ${GATEWAY} ~ source_service_instance_id: ${agent.gatewayId}`;
    this.write(
      agent,
      `type: session_ack ~ message_id: ${contents(line, 'message_id')} ~ sub_type: agent_to_Manager ~ ${source} ~ source_plug_port: ${port} ~ dest_socket_new_port: ${store.port} ~ status: 200`,
    );
    if (agent.toHold > 0) {
      this.open -= 1;
      agent.toHold -= 1;
      if (agent.toHold > 0) this.request(agent);
      else this.wake();
      return;
    }
    this.later(() => this.reportClose(agent, port));
  }

  /** Both ends report that a session is over; then the agent is free for the next one. */
  private reportClose(agent: Agent, port: number): void {
    const store = this.store as NonNullable<typeof this.store>;
    const source = `source_service_name: ${GATEWAY} ~ source_service_instance_id: ${agent.gatewayId}`;
    const dest = `dest_service_instance_network_address: ${store.agent.address}`;
    const end = `dest_socket_name: ${SOCKET} ~ dest_socket_port: ${store.port} ~ dest_socket_new_port: ${store.port} ~ status: 111`;
    this.write(
      agent,
      `type: source_service_session_close_info ~ message_id: ${(agent.lastMessageId += 1)} ~ sub_type: agent_to_Manager ~ ${source} ~ source_service_instance_network_address: ${agent.address} ~ source_plug_name: ${PLUG} ~ source_plug_port: ${port} ~ dest_service_name: ${STORE} ~ dest_service_instance_id: ${store.id} ~ ${dest} ~ ${end}`,
    );
    this.write(
      store.agent,
      `type: dest_service_session_close_info ~ message_id: ${(store.agent.lastMessageId += 1)} ~ sub_type: agent_to_Manager ~ source_service_instance_network_address: ${agent.address} ~ source_plug_name: ${PLUG} ~ source_plug_port: ${port} ~ dest_service_name: ${STORE} ~ ${dest} ~ dest_service_instance_id: ${store.id} ~ ${end}`,
    );
    this.later(() => {
      this.open -= 1;
      this.cycles += 1;
      if (this.isCycling) this.request(agent);
      else if (this.open === 0) this.wake();
    });
  }

  /** Does it in the next turn: what a real agent hears from its instances at different times is not one write either. */
  private later(step: () => void): void {
    if (this.steps.push(step) > 1) return;
    setImmediate(() => {
      for (const each of this.steps.splice(0)) each();
    });
  }

  /** Written at the end of the turn, one write an agent. */
  private write(agent: Agent, line: string): void {
    if (agent.out === '' && this.dirty.push(agent) === 1) setImmediate(() => this.flush());
    agent.out += `${line}\n`;
  }

  private flush(): void {
    for (const agent of this.dirty.splice(0)) {
      const text = agent.out;
      agent.out = '';
      agent.socket.write(text, 'latin1');
    }
  }

  private until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(
          new Error(`stuck: ${this.registered} registered, ${this.gateways} gateways, ${this.open} requests open`),
        );
      }, 120_000);
      const look = setInterval(() => this.wake(), 10);
      this.wake = () => {
        if (!isSo()) return;
        clearTimeout(timer);
        clearInterval(look);
        this.wake = () => undefined;
        resolve();
      };
      this.wake();
    });
  }
}

/** The contents of the line `name` in a message. */
function contents(message: string, name: string): string {
  const from = message.indexOf(` ~ ${name}: `) + name.length + 5;
  const end = message.indexOf(' ~ ', from);
  return end === -1 ? message.slice(from) : message.slice(from, end);
}

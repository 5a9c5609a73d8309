/**
 * An instance's process: the kit's machine, its connections, and a service of the simplest kind on top of it.
 *
 * Lives here: what services/kit/shell does with the machine's effects. Does not live here: any rule of SSMMP
 * (services/kit/core), the way of a request (data-path.ts), what a store keeps (shared-disk.ts).
 */
import { readArguments, type InstanceSettings } from '../services/kit/core/arguments.ts';
import type { InstanceEffect } from '../services/kit/core/effects.ts';
import type { InstanceInput } from '../services/kit/core/inputs.ts';
import { isPublicPort } from '../services/kit/core/ports.ts';
import { initialState, type InstanceState } from '../services/kit/core/state.ts';
import { instanceMachine } from '../services/kit/core/step.ts';
import { DataPath } from './data-path.ts';
import type { SimEvent } from './events.ts';
import type { Connection } from './network.ts';
import { SimProcess, type Unstamped } from './process.ts';
import { AGENT_PORT, type World } from './world.ts';

/** Looking at the load, stopping a socket, closing files: a moment. */
const MOMENT_US = 100;
/** From the first input until the sockets listen. */
const LISTEN_US = 2_000;

export class InstanceProcess extends SimProcess {
  readonly kind = 'instance';
  readonly name: string;
  readonly settings: InstanceSettings;
  readonly startTime: string;
  readonly state: InstanceState;
  readonly data: DataPath;
  /** Its program runs. */
  hasBegun = false;
  private agent: Connection | null = null;
  private effects: InstanceEffect[] = [];
  private isPerforming = false;

  constructor(world: World, pid: number, node: number, args: readonly string[]) {
    super(world, pid, node);
    const settings = readArguments(args, world.options.timerScale);
    if (typeof settings === 'string')
      throw new Error(`an agent starts an instance with arguments it cannot read: ${settings}`);
    this.settings = settings;
    this.name = `${settings.serviceName}/${settings.instanceId}`;
    this.startTime = `started-${pid}`;
    this.state = initialState(settings);
    this.data = new DataPath(world, this);
  }

  boot(): void {
    const { world, settings } = this;
    if (world.starts.failing.has(settings.serviceName)) return world.endProcess(this, 1, null);
    this.hasBegun = true;
    this.input({ kind: 'started' });
    if (!this.data.claim()) return world.endProcess(this, 1, null);
    world.after(LISTEN_US, { kind: 'listen', process: this.pid });
  }

  /** What the data path tells the machine; a moment later, as from the event loop. */
  soon(input: Unstamped<InstanceInput>): void {
    this.world.after(MOMENT_US, { kind: 'input', process: this.pid, input });
  }

  /** The same at once. */
  tell(input: Unstamped<InstanceInput>): void {
    this.input(input);
  }

  /** SIGTERM. */
  stop(): void {
    this.input({ kind: 'stop_asked', why: 'SIGTERM' });
  }

  onConnected(connection: Connection): void {
    if (connection.purpose === 'session') return this.data.dialed(connection);
    this.agent = connection;
    this.input({ kind: 'agent_connected' });
  }

  onConnectFailed(connection: Connection, why: 'refused' | 'timeout'): void {
    if (connection.purpose === 'session') return this.data.dialFailed(connection, why);
    this.input({ kind: 'agent_closed', why, jitter: this.world.chance.process.next() });
  }

  onAccepted(connection: Connection): void {
    this.data.accepted(connection);
  }

  onLine(connection: Connection, end: 0 | 1, line: string): void {
    if (connection.purpose === 'session') this.data.line(connection, end, line);
    else this.input({ kind: 'line_received', line });
  }

  onClosed(connection: Connection, end: 0 | 1, why: string): void {
    if (connection.purpose === 'session') return this.data.closed(connection, end, why);
    if (this.agent !== connection) return;
    this.agent = null;
    this.input({ kind: 'agent_closed', why, jitter: this.world.chance.process.next() });
  }

  onEvent(event: SimEvent): void {
    switch (event.kind) {
      case 'listen':
        return this.listen();
      case 'input':
        return this.input(event.input as Unstamped<InstanceInput>);
      case 'user_request':
        return this.data.userRequest(event.user, event.operation);
      case 'store_synced':
        return this.data.synced(event.operations);
      default:
        throw new Error(`an instance has no business with '${event.kind}'`);
    }
  }

  protected nextDeadline(): number | null {
    return instanceMachine.nextDeadline(this.state);
  }

  protected tick(): void {
    this.input({ kind: 'tick' });
  }

  private listen(): void {
    const { world, settings } = this;
    const listeners = world.nodes[this.node]?.listeners;
    if (listeners === undefined) return;
    if (settings.sockets.some(({ port }) => listeners.has(port))) return world.endProcess(this, 1, null);
    for (const { port } of settings.sockets) listeners.set(port, this.pid);
    this.input({ kind: 'listening' });
  }

  private input(input: Unstamped<InstanceInput>): void {
    if (!this.isAlive) return;
    const stamped = { ...input, at: this.clock() } as InstanceInput;
    const { effects } = instanceMachine.step(this.state, stamped);
    this.effects.push(...effects);
    this.world.stepped({ process: this, machine: instanceMachine, state: this.state, input: stamped, effects });
    if (this.isPerforming) return;
    this.isPerforming = true;
    for (let effect = this.effects.shift(); effect !== undefined; effect = this.effects.shift()) {
      if (!this.isAlive) return;
      this.perform(effect);
    }
    this.isPerforming = false;
    this.arm();
  }

  private perform(effect: InstanceEffect): void {
    const { world, data } = this;
    switch (effect.kind) {
      case 'connect_agent':
        world.network.connect(this, 0, { address: this.settings.address, port: AGENT_PORT }, 'agent', 0);
        return;
      case 'close_agent':
        if (this.agent !== null) world.network.reset(this.agent, effect.why);
        return;
      case 'send':
        if (this.agent !== null) world.network.send(this.agent, 0, `${effect.line}\n`);
        return;
      case 'dial':
        return data.dial(effect.opening, effect.sourcePort, effect.destAddress, effect.destPort);
      case 'abandon_dial':
        return data.abandonDial(effect.opening);
      case 'use_session':
        return data.useSession(effect.opening, effect.plug, effect.key);
      case 'spread':
        return data.spread(effect.plug, effect.sessions);
      case 'check_need':
        return data.checkNeed(effect.plug);
      case 'no_session':
        return data.noSession(effect.plug, effect.final);
      case 'check_idle': {
        const idleMs = data.idleMs(effect.key);
        if (idleMs !== null) this.input({ kind: 'idle_checked', key: effect.key, idleMs });
        return;
      }
      case 'drain':
        return data.drain(effect.side, effect.key);
      case 'close_session':
        return data.closeSession(effect.side, effect.key);
      case 'measure':
        return this.soon({ kind: 'measured', load: data.load() });
      case 'stop_listening': {
        const listeners = world.nodes[this.node]?.listeners;
        for (const { port } of this.settings.sockets) if (listeners?.get(port) === this.pid) listeners.delete(port);
        return data.stopUsers();
      }
      case 'close_users':
        return data.closeUsers();
      case 'stop_service':
        return this.soon({ kind: 'service_stopped' });
      case 'exit':
        return world.endProcess(this, effect.code, null);
      case 'log':
        return;
    }
  }

  /** Is it a gateway, whose public port users reach? */
  get isPublic(): boolean {
    return this.settings.sockets.some(({ port }) => isPublicPort(port));
  }
}

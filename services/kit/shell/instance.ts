/**
 * One running instance: its machine, and everything real around it.
 *
 * Lives here: what goes into the machine and how its effects are performed. Does not live here: any rule of SSMMP
 * (core/), any byte of a request (the session classes), the process (services/kit/main.ts).
 */
import type { JournalWriter } from '../../../ssmmp/shell/driver.ts';
import { Driver } from '../../../ssmmp/shell/driver.ts';
import type { InstanceSettings } from '../core/arguments.ts';
import type { InstanceEffect } from '../core/effects.ts';
import type { InstanceInput } from '../core/inputs.ts';
import { initialState, type InstanceState } from '../core/state.ts';
import { instanceMachine } from '../core/step.ts';
import type { Logger, ServiceContext, ServiceDefinition } from '../service.ts';
import { AgentLink } from './agent-link.ts';
import type { Shared } from './dest-session.ts';
import { HALF_LINE_MS } from './listener.ts';
import { startMeasuring } from './measure.ts';
import { dialerOf } from './forwarder-dialer.ts';
import { Plugs } from './plugs.ts';
import { Sockets } from './sockets.ts';

/** Exit code of an instance that may not go on. */
const ABANDONED = 1;

export interface InstanceOptions {
  readonly settings: InstanceSettings;
  readonly agentPort: number;
  readonly dataDir: string | null;
  readonly env: Readonly<Record<string, string>>;
  readonly log: Logger;
  now(): number;
  /** Records the machine's steps when given. */
  journal?: JournalWriter;
  /** The end: the machine's last effect. */
  exit(code: number): void;
}

export class Instance {
  readonly context: ServiceContext;
  readonly driver: Driver<InstanceState, InstanceInput, InstanceEffect>;
  private readonly options: InstanceOptions;
  private readonly link: AgentLink;
  private readonly plugs: Plugs;
  private readonly sockets: Sockets;
  private readonly measure = startMeasuring();
  private definition: ServiceDefinition | null = null;

  constructor(options: InstanceOptions) {
    this.options = options;
    const { settings, log, now } = options;
    this.driver = new Driver(instanceMachine, initialState(settings), {
      now,
      perform: (effect) => this.perform(effect),
      ...(options.journal === undefined ? {} : { journal: options.journal }),
      journalFailed: (error) => {
        log.error({ err: { message: error.message } }, 'the recording failed');
        options.exit(1);
      },
      tick: () => ({ kind: 'tick' }),
    });
    const { driver } = this;
    this.link = new AgentLink(settings.address, options.agentPort, {
      connected: () => driver.input({ kind: 'agent_connected' }),
      line: (line) => driver.input({ kind: 'line_received', line }),
      oversized: () => driver.input({ kind: 'oversized_received' }),
      closed: (why) => driver.input({ kind: 'agent_closed', why, jitter: Math.random() }),
    });
    this.plugs = new Plugs(settings.plugs, dialerOf(options.env), log, now, this.driver.state.timers.muteMs, {
      needed: (plug, atLeast) => driver.input({ kind: 'session_needed', plug, atLeast }),
      dialed: (opening, sourcePort) =>
        driver.input({ kind: 'dialed', opening, ...(sourcePort === undefined ? {} : { sourcePort }) }),
      dialFailed: (opening, why) => driver.input({ kind: 'dial_failed', opening, why }),
      drained: (key) => driver.input({ kind: 'session_drained', side: 'source', key }),
      ended: (key, clean) => driver.input({ kind: 'session_ended', side: 'source', key, clean }),
    });
    const halfLineMs = HALF_LINE_MS * settings.timerScale;
    const shared: Shared = { log, halfLineMs, inFlight: 0, requests: 0 };
    this.sockets = new Sockets(shared, {
      accepted: (socket, sourceAddress, sourcePort, destPort) =>
        driver.input({ kind: 'session_accepted', socket, sourceAddress, sourcePort, destPort }),
      drained: (key) => driver.input({ kind: 'session_drained', side: 'dest', key }),
      ended: (key, clean) => driver.input({ kind: 'session_ended', side: 'dest', key, clean }),
    });
    this.context = this.makeContext();
  }

  /** Connects to the agent, starts the service, listens; then the machine says hello. Rejects when the service cannot start. */
  async run(create: ServiceDefinition | ((context: ServiceContext) => ServiceDefinition)): Promise<void> {
    this.driver.input({ kind: 'started' });
    const definition = typeof create === 'function' ? create(this.context) : create;
    this.definition = definition;
    await definition.start?.(this.context);
    await this.sockets.listen(this.options.settings.sockets, definition, this.context);
    this.driver.input({ kind: 'listening' });
  }

  /** Somebody who is not the Manager wants the instance to end. */
  stop(why: string): void {
    this.driver.input({ kind: 'stop_asked', why });
  }

  /** What ServiceContext.abandon promises: a session that breaks says what an answer could not, that nothing was done. */
  private abandon(why: string): void {
    this.options.log.error({}, `ends at once: ${why}`);
    this.destroy();
    this.options.exit(ABANDONED);
  }

  /** Closes everything at once and tells nobody: as a crash would. */
  destroy(): void {
    this.driver.stop();
    this.link.destroy();
    this.plugs.destroy();
    this.sockets.destroy();
  }

  /** The port a socket listens on; null where there is no such socket (or the service serves it itself). */
  listeningPort(socket: string): number | null {
    return this.sockets.portOf(socket);
  }

  /** Breaks every accepted connection, as a network would, for tests. */
  breakSessions(): void {
    this.sockets.breakConnections();
  }

  private makeContext(): ServiceContext {
    const { settings, dataDir, env, log, now } = this.options;
    return {
      serviceName: settings.serviceName,
      instanceId: settings.instanceId,
      address: settings.address,
      dataDir,
      env,
      log,
      socketNames: settings.sockets.map(({ socket }) => socket),
      plugNames: settings.plugs.map(({ plug }) => plug),
      plug: (name) => this.plugs.matched(name),
      orderedPlug: (name) => this.plugs.ordered(name),
      now,
      abandon: (why) => this.abandon(why),
    };
  }

  private perform(effect: InstanceEffect): void {
    const { plugs, sockets, link } = this;
    switch (effect.kind) {
      case 'connect_agent':
        return link.connect();
      case 'close_agent':
        this.options.log.warn({}, `closes the connection to the agent: ${effect.why}`);
        return link.destroy();
      case 'send':
        return link.send(effect.line);
      case 'dial': {
        const { opening, sourcePort, destAddress, destPort } = effect;
        return plugs.dial(opening, this.options.settings.address, sourcePort, destAddress, destPort);
      }
      case 'abandon_dial':
        return plugs.abandonDial(effect.opening);
      case 'use_session':
        return plugs.use(effect.opening, effect.plug, effect.key, effect.part);
      case 'spread':
        return plugs.spread(effect.plug, effect.sessions);
      case 'check_need':
        return plugs.checkNeed(effect.plug);
      case 'no_session':
        return plugs.refused(effect.plug, effect.why, effect.final, effect.retryAfterMs);
      case 'check_idle': {
        const idleMs = plugs.idleMs(effect.key);
        if (idleMs !== null) this.driver.input({ kind: 'idle_checked', key: effect.key, idleMs });
        return;
      }
      case 'drain':
        return effect.side === 'source' ? plugs.drain(effect.key) : sockets.drain(effect.key);
      case 'close_session':
        return effect.side === 'source' ? plugs.close(effect.key) : sockets.close(effect.key);
      case 'measure':
        return this.measure((utilization, lagMs) =>
          this.driver.input({ kind: 'measured', load: { utilization, lagMs, ...sockets.load() } }),
        );
      case 'stop_listening':
        return this.later('stopping the sockets', sockets.stop(), () => this.driver.input({ kind: 'users_drained' }));
      case 'close_users':
        return sockets.closeUsers();
      case 'stop_service':
        return this.later(
          'stopping the service',
          Promise.resolve().then(() => this.definition?.stop?.()),
          () => this.driver.input({ kind: 'service_stopped' }),
        );
      case 'exit':
        this.driver.stop();
        return link.end(() => this.options.exit(effect.code));
      case 'log':
        return this.options.log[effect.level]({}, effect.text);
    }
  }

  private later(what: string, work: Promise<void>, done: () => void): void {
    work
      .catch((error: unknown) => this.options.log.error({ err: { message: String(error) } }, `${what} failed`))
      .then(done, () => undefined);
  }
}

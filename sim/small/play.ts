/**
 * What happens in a small world: one move, and everything that follows from it at once.
 *
 * Lives here: inputs, arrivals and faults. Does not live here: which moves there are (moves.ts), what effects do (perform.ts), laws.
 *
 * Queues: `m<c>` lines to the Manager on connection c · `a<c>` lines to the agent there · `x<n>.<c>` lines of an instance to the
 * agent of node n · `i<c>` the other way · `d<id>.<opening>` a dial under way · `s<id>.<side>.<key>` what a session tells one end ·
 * `p<id>` what a process tells its agent (boot, end).
 */
import type { AgentInput, AgentSettings, Remembered } from '../../agent/core/inputs.ts';
import { newAgentState } from '../../agent/core/state.ts';
import type { Command, ManagerInput } from '../../manager/core/inputs.ts';
import type { InstanceInput, Side } from '../../services/kit/core/inputs.ts';
import { sessionKey } from '../../ssmmp/core/address.ts';
import { BrokenLaw } from './cells.ts';
import type { Memory } from './memory.ts';
import {
  performAgent,
  performInstance,
  performManager,
  WATCHED,
  type Mark,
  type Stage,
  type Without,
} from './perform.ts';
import type { SmallAgent, SmallInstance, World } from './world.ts';

/** Plays on one world, which it changes. */
export class Play implements Stage {
  readonly memory: Memory;
  readonly world: World;
  /** What of interest happened in this move: `g` a grant, `d` a drain, `c` a crash of an instance of `watched`. */
  readonly marks = new Set<Mark>();

  constructor(memory: Memory, world: World) {
    this.memory = memory;
    this.world = world;
  }

  manager(input: Without<ManagerInput>): void {
    const { world, memory } = this;
    const { cell, effects } = memory.managers.step(
      world.manager,
      this.keyOf(input),
      () => ({ ...input, at: world.now }) as ManagerInput,
    );
    world.manager = cell;
    for (const effect of effects) performManager(this, effect);
  }

  agent(node: number, input: Without<AgentInput>): void {
    const { world, memory } = this;
    const agent = world.agents[node] as SmallAgent;
    const { cell, effects } = memory.agents.step(
      agent.cell,
      this.keyOf(input),
      () => ({ ...input, at: world.now }) as AgentInput,
    );
    world.agents[node] = { ...agent, cell };
    for (const effect of effects) performAgent(this, node, effect);
  }

  instance(id: number, input: Without<InstanceInput>): void {
    const { world, memory } = this;
    const instance = this.find(id);
    if (instance === undefined) return;
    const { cell, effects } = memory.instances.step(
      instance.cell,
      this.keyOf(input),
      () => ({ ...input, at: world.now }) as InstanceInput,
    );
    this.change({ ...instance, cell });
    for (const effect of effects) performInstance(this, id, effect);
  }

  find(id: number): SmallInstance | undefined {
    return this.world.instances.find((instance) => instance.id === id);
  }

  /** The Manager process is killed and started again: nothing on its way to or from it arrives. */
  restartManager(): void {
    const { world, memory } = this;
    for (const { link } of world.agents) {
      if (link === 0) continue;
      world.queues.delete(`m${link}`);
      world.queues.delete(`a${link}`);
      this.push(`a${link}`, 'closed');
    }
    world.epoch += 1;
    const { startedWith: graph, settings } = memory.managers.state(world.manager);
    this.manager({ kind: 'manager_started', epoch: world.epoch, graph, settings });
  }

  /** The connection of an agent to the Manager breaks: what is on it is lost, and each end finds out in its time. */
  cutLink(node: number): void {
    const { link } = this.world.agents[node] as SmallAgent;
    for (const name of [`m${link}`, `a${link}`]) {
      this.world.queues.delete(name);
      this.push(name, 'closed');
    }
  }

  /** The agent process is killed and started again. */
  restartAgent(node: number): void {
    const { world, memory } = this;
    const { link, disk } = world.agents[node] as SmallAgent;
    if (link !== 0) {
      world.queues.delete(`a${link}`);
      this.push(`m${link}`, 'closed');
    }
    for (const instance of [...world.instances]) {
      if (instance.node !== node || instance.connection === 0) continue;
      world.queues.delete(`i${instance.connection}`);
      this.push(`i${instance.connection}`, 'closed');
    }
    for (const name of [...world.queues.keys()]) if (name.startsWith(`x${node}.`)) world.queues.delete(name);
    const remembered = disk < 0 ? null : (JSON.parse(memory.words.text(disk)) as Remembered);
    world.agents[node] = { cell: memory.agents.keep(newAgentState()), link: 0, disk };
    this.agent(node, { kind: 'agent_started', settings: memory.settings[node] as AgentSettings, remembered });
  }

  command(body: Command): void {
    this.manager({ kind: 'command_received', request: 1 + this.world.budget.commands, body });
  }

  /** An instance is killed. */
  crash(id: number): void {
    if (this.find(id)?.service === WATCHED) this.marks.add('c');
    this.die(id, null, 'SIGKILL');
  }

  /** The process of an instance is gone, and with it its connections. */
  die(id: number, code: number | null, signal: string | null): void {
    const { world } = this;
    const instance = this.find(id);
    if (instance === undefined) return;
    world.instances = world.instances.filter((other) => other.id !== id);
    for (const name of [...world.queues.keys()])
      if (
        name.startsWith(`d${id}.`) ||
        name.startsWith(`s${id}.`) ||
        name === `i${instance.connection}` ||
        name === `p${id}`
      )
        world.queues.delete(name);
    if (instance.connection !== 0) this.push(`x${instance.node}.${instance.connection}`, 'closed');
    this.push(`p${id}`, `ended ${instance.node} ${instance.run} ${code ?? '-'} ${signal ?? '-'}`);
    for (const { key, source, dest, sourceOpen, destOpen } of [...world.sessions])
      if (source === id && sourceOpen) this.closeEnd('source', key, false);
      else if (dest === id && destOpen) this.closeEnd('dest', key, false);
  }

  push(queue: string, event: string): void {
    const { queues } = this.world;
    queues.set(queue, [...(queues.get(queue) ?? []), this.memory.words.number(event)]);
  }

  /** One end of a session's connection is closed; the other end finds out in its time. */
  closeEnd(side: Side, key: string, clean: boolean): void {
    const { world } = this;
    const at = world.sessions.findIndex(
      (session) => session.key === key && (side === 'source' ? session.sourceOpen : session.destOpen),
    );
    const session = world.sessions[at];
    if (session === undefined) return;
    const after = { ...session, [side === 'source' ? 'sourceOpen' : 'destOpen']: false };
    if (!after.sourceOpen && !after.destOpen) {
      world.sessions.splice(at, 1);
      return;
    }
    world.sessions[at] = after;
    const [other, end] = side === 'source' ? (['dest', session.dest] as const) : (['source', session.source] as const);
    this.push(`s${end}.${other}.${key}`, clean ? 'ended clean' : 'ended broken');
  }

  private keyOf(input: object): string {
    return `${this.world.now} ${this.memory.words.number(JSON.stringify(input))}`;
  }

  change(instance: SmallInstance): void {
    const at = this.world.instances.findIndex(({ id }) => id === instance.id);
    if (at !== -1) this.world.instances[at] = instance;
  }

  /** Takes the head of a queue and lets it happen. */
  deliver(queue: string): void {
    const { world, memory } = this;
    const [head, ...rest] = world.queues.get(queue) as readonly number[];
    if (rest.length === 0) world.queues.delete(queue);
    else world.queues.set(queue, rest);
    const event = memory.words.text(head as number);
    const kind = queue[0];
    const name = queue.slice(1);
    if (kind === 'm' || kind === 'a') this.onLink(kind, Number(name), event);
    else if (kind === 'x') this.onWord(name, event);
    else if (kind === 'i') this.onChild(Number(name), event);
    else if (kind === 'p') this.onProcess(Number(name), event);
    else if (kind === 'd') this.onDial(name, event);
    else this.onSession(name, event);
  }

  private onLink(kind: 'm' | 'a', connection: number, event: string): void {
    const node = this.world.agents.findIndex(({ link }) => link === connection);
    if (kind === 'm') {
      if (event === 'closed') return this.manager({ kind: 'connection_closed', connection, why: 'closed' });
      return this.manager({ kind: 'line_received', connection, line: event });
    }
    if (node === -1) return;
    if (event !== 'closed') return this.agent(node, { kind: 'line_received', connection, line: event });
    this.world.agents[node] = { ...(this.world.agents[node] as SmallAgent), link: 0 };
    this.agent(node, { kind: 'connection_closed', connection, why: 'closed' });
  }

  private onWord(name: string, event: string): void {
    const [node, connection] = name.split('.').map(Number) as [number, number];
    if (event === 'closed') return this.agent(node, { kind: 'connection_closed', connection, why: 'closed' });
    this.agent(node, { kind: 'line_received', connection, line: event });
  }

  private onChild(connection: number, event: string): void {
    const instance = this.world.instances.find((one) => one.connection === connection);
    if (instance === undefined) return;
    if (event !== 'closed') return this.instance(instance.id, { kind: 'line_received', line: event });
    this.change({ ...instance, connection: 0 });
    this.instance(instance.id, { kind: 'agent_closed', why: 'closed', jitter: 0 });
  }

  private onProcess(id: number, event: string): void {
    if (event !== 'boot') {
      const [, node, run, code, signal] = event.split(' ') as [string, string, string, string, string];
      return this.agent(Number(node), {
        kind: 'process_ended',
        instance: id,
        run: Number(run),
        code: code === '-' ? null : Number(code),
        signal: signal === '-' ? null : signal,
      });
    }
    const instance = this.find(id);
    if (instance === undefined) return;
    this.change({ ...instance, booted: true });
    this.instance(id, { kind: 'started' });
    this.instance(id, { kind: 'listening' });
  }

  private onDial(name: string, event: string): void {
    const { world, memory } = this;
    const [id, opening] = name.split('.').map(Number) as [number, number];
    const [sourcePort, address, port] = event.split(' ') as [string, string, string];
    const source = this.find(id) as SmallInstance;
    const dest = this.world.instances.find((one) => one.booted && this.listens(one, address, Number(port)));
    if (dest === undefined) {
      if (world.budget.faults === memory.faults)
        throw new BrokenLaw(
          `a session that was granted is refused, and nothing has failed (R33): ${id} → ${address}:${port}`,
        );
      return this.instance(id, { kind: 'dial_failed', opening, why: 'refused' });
    }
    const sourceAddress = (this.memory.settings[source.node] as AgentSettings).address;
    const key = sessionKey(sourceAddress, Number(sourcePort), address, Number(port));
    this.world.sessions.push({ key, source: id, dest: dest.id, sourceOpen: true, destOpen: true });
    const socket = this.socketOf(dest, Number(port));
    this.instance(dest.id, {
      kind: 'session_accepted',
      socket,
      sourceAddress,
      sourcePort: Number(sourcePort),
      destPort: Number(port),
    });
    this.instance(id, { kind: 'dialed', opening });
  }

  private listens(instance: SmallInstance, address: string, port: number): boolean {
    const settings = this.memory.settings[instance.node] as AgentSettings;
    return settings.address === address && this.socketOf(instance, port) !== '';
  }

  private socketOf(instance: SmallInstance, port: number): string {
    const { settings, ending } = this.memory.instances.state(instance.cell);
    if (ending !== null) return '';
    return settings.sockets.find((socket) => socket.port === port)?.socket ?? '';
  }

  private onSession(name: string, event: string): void {
    const [id = '', side = '', ...rest] = name.split('.');
    const key = rest.join('.');
    const end = { side: side as Side, key };
    if (event === 'drained') return this.instance(Number(id), { kind: 'session_drained', ...end });
    this.closeEnd(end.side, key, true);
    this.instance(Number(id), { kind: 'session_ended', ...end, clean: event === 'ended clean' });
  }
}

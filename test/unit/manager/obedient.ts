/**
 * A Manager with three nodes that do as they are told at once: starts succeed, sessions that are asked to close
 * are closed, shutdowns are obeyed, granted sessions are acknowledged.
 *
 * Lives here: the obeying, and a readable log of both sides for transcripts (`>` what the Manager sends, `<` what
 * agents say, `#` events, `=` replies to operators; health is left out). No real time.
 */
import type { ManagerEffect } from '../../../manager/core/effects.ts';
import { programName } from '../../../manager/core/instances.ts';
import type { PolicyOracle } from '../../../manager/core/oracle.ts';
import type { Instance } from '../../../manager/core/state.ts';
import type { Message } from '../../../ssmmp/core/catalog.ts';
import { encode } from '../../../ssmmp/core/codec.ts';
import { graphOf, SMALL, sessionAck, sessionRequest, TestManager } from './harness.ts';

const ADDRESSES = ['127.0.0.11', '127.0.0.12', '127.0.0.13'] as const;
/** What every node can run: the services of SMALL, and one that a graph may bring later. */
const REPOSITORY = ['gate', 'front', 'side', 'store', 'more', 'front.v1', 'front.v2'];

export class Obedient {
  readonly m: TestManager;
  /** Services whose starts fail. */
  readonly broken = new Set<string>();
  /** Services that no repository has with the plugs or sockets they are started with: answered 404. */
  readonly lacking = new Set<string>();
  /** Services whose shutdowns and starts are not answered: they stay under way. */
  readonly slow = new Set<string>();
  /** Does a plug whose session is closed by the Manager ask for another at once? */
  reopens = false;
  readonly log: string[] = [];
  private nextPort = 20000;
  private nextId = 1000;

  constructor(graph = SMALL, oracle: PolicyOracle | null = null) {
    this.m = new TestManager(graph, {}, oracle);
    for (const address of ADDRESSES) {
      const connection = this.m.open(address);
      this.obey(this.m.register(connection, address, REPOSITORY, { x_node: address }));
    }
  }

  /** Does what the effects ask for, and what that causes, until nothing is asked any more. */
  obey(effects: readonly ManagerEffect[]): void {
    this.log.push(...effects.flatMap(shown));
    for (const effect of effects)
      if (effect.kind === 'send') for (const [on, message] of this.answersTo([effect])) this.say(on, message);
  }

  pass(ms: number): void {
    for (let left = ms; left > 0; left -= 100) this.obey(this.m.pass(Math.min(100, left)));
  }

  /** The first instance of `service` opens one more session. */
  open(service: string, plug: string, socket: string, dest: string): void {
    const source = this.of(service)[0];
    if (source === undefined) throw new Error(`no instance of ${service}`);
    this.say(
      this.homeOf(source),
      sessionRequest((this.nextId += 1), [programName(source), source.id], plug, socket, dest),
    );
  }

  /** The live instances of a service. */
  of(service: string): Instance[] {
    return [...this.m.state.instances.values()].filter((instance) => instance.service === service);
  }

  /** `ssmmp apply`, or with `dryRun` `ssmmp plan`. */
  apply(request: number, graph: string, dryRun = false): void {
    this.command(request, { command: 'apply', graph: graphOf(graph), file: 'test.yaml', dry_run: dryRun });
  }

  /** The connection of an instance's agent. */
  homeOf(instance: Instance | undefined): number {
    return this.m.state.agents.get(instance?.agent ?? '')?.connection ?? 0;
  }

  /** Sessions of the instances of a service as destinations, fewest first. */
  spread(service: string): number[] {
    return this.of(service)
      .map(({ incoming }) => incoming.size)
      .sort();
  }

  command(request: number, body: Parameters<TestManager['command']>[1]): void {
    this.obey(this.m.command(request, body));
  }

  /** The reply to an operator's request so far. */
  reply(request: number): { status: number; body: Readonly<Record<string, unknown>> } | undefined {
    for (const { out } of this.m.journal)
      for (const effect of out) if (effect.kind === 'reply' && effect.request === request) return effect;
    return undefined;
  }

  private say(on: number, message: Message): void {
    this.log.push(`< ${on} ${encode(message)}`);
    this.obey(this.m.say(on, message));
  }

  private answersTo(effects: readonly ManagerEffect[]): [number, Message][] {
    const { m } = this;
    const sub_type = 'agent_to_Manager';
    const answers: [number, Message][] = [];
    for (const { on, message_id, service_name } of m.sent('execution_request', effects)) {
      const status = this.broken.has(service_name) ? 500 : this.lacking.has(service_name) ? 404 : 200;
      if (!this.slow.has(service_name))
        answers.push([on, { type: 'execution_response', message_id, sub_type: null, status }]);
    }
    for (const asked of m.sent('source_service_session_close_request', effects)) {
      answers.push([
        asked.on,
        { type: 'source_service_session_close_response', message_id: asked.message_id, sub_type, status: 200 },
      ]);
      if (this.reopens) {
        const source: [string, number] = [asked.source_service_name, asked.source_service_instance_id];
        const again = sessionRequest(
          (this.nextId += 1),
          source,
          asked.source_plug_name,
          asked.dest_socket_name,
          asked.dest_service_name,
        );
        answers.push([asked.on, again]);
      }
    }
    for (const { on, message_id } of m.sent('dest_service_session_close_request', effects))
      answers.push([on, { type: 'dest_service_session_close_response', message_id, sub_type, status: 200 }]);
    for (const { on, message_id, service_name } of m.sent('graceful_shutdown_request', effects))
      if (!this.slow.has(service_name))
        answers.push([on, { type: 'graceful_shutdown_response', message_id, sub_type, status: 200 }]);
    for (const { on, message_id, service_instance_id } of m.sent('hard_shutdown_request', effects))
      answers.push([on, { type: 'hard_shutdown_response', message_id, sub_type, service_instance_id, status: 200 }]);
    for (const grant of m.sent('session_response', effects)) {
      if (grant.status !== 200) continue;
      const source: [string, number] = [
        grant.source_service_name as string,
        grant.source_service_instance_id as number,
      ];
      answers.push([
        grant.on,
        sessionAck(grant.message_id, source, (this.nextPort += 1), grant.dest_socket_port as number),
      ]);
    }
    return answers;
  }
}

/** An effect as transcripts write it; none for health, which comes all the time. */
export function shown(effect: ManagerEffect): string[] {
  switch (effect.kind) {
    case 'send':
      return effect.line.includes('health') ? [] : [`> ${effect.connection} ${effect.line}`];
    case 'close':
      return [`x ${effect.connection} ${effect.why}`];
    case 'reply':
      return [`= ${effect.status} ${JSON.stringify(effect.body)}`];
    case 'event':
      return [`# ${effect.event.text}`];
  }
}

// Transcripts of the agent's machine: one dialogue a file in agent/, to be read from top to bottom.
//
// Commands: what happens to the agent. Below `----`: everything it does about it, but for its log and its trace.
//
//     start [strict] [port=N] [child=id/ready|starting …]   the agent starts, with what it remembers
//     reached | unreached                                   the Manager's port accepts, or does not
//     manager                                               the Manager sends the lines below
//     connect C [from=ADDRESS]                              somebody connects to the instances' port: connection C
//     line C                                                the lines below come in on connection C
//     oversized C                                           a message that never ends
//     closed C                                              connection C is gone (`manager` for the Manager's)
//     ports I [taken=P]                                     yield of probe_ports for instance I
//     started I pid=P · failed I · ended I code=N|signal=S · checked I alive|dead · accepting I yes|no
//     wait MS                                               time passes
//     stop                                                  SIGTERM
//     log                                                   what it told people since the last `log`
//     remembered                                            what it keeps for its next life
import { join } from 'node:path';
import type { AgentEffect } from '../../agent/core/effects.ts';
import { ADDRESS, service, TestAgent } from '../unit/agent/test-agent.ts';
import { describeTranscripts, type Command, type Handler } from './runner.ts';

const REPOSITORY = [
  service('post', { sockets: ['post-socket'], plugs: ['posts-plug'], env: { LOG: 'debug' } }),
  service('posts-db'),
];

describeTranscripts('transcripts: agent', join(import.meta.dirname, 'agent'), makeHandler);

function makeHandler(): Handler {
  const agent = new TestAgent();
  let connections = 0;
  return (command) => {
    const { name, words, args, input } = command;
    const target = words[0] ?? '';
    const instance = agent.run(Number(target));
    switch (name) {
      case 'start':
        return show(start(agent, command));
      case 'reached':
        connections += 1;
        return show(agent.input({ kind: 'manager_connected', connection: connections }));
      case 'unreached':
        return show(agent.input({ kind: 'manager_unreached', why: 'connect ECONNREFUSED' }));
      case 'manager':
        return input.flatMap((line) => show(agent.fromManager(line)));
      case 'connect':
        return show(
          agent.input({ kind: 'connection_opened', connection: Number(target), address: args['from'] ?? ADDRESS }),
        );
      case 'line':
        return input.flatMap((line) => show(agent.from(Number(target), line)));
      case 'oversized':
        return show(agent.input({ kind: 'oversized_received', connection: Number(target) }));
      case 'closed':
        return show(agent.closed(target === 'manager' ? agent.manager : Number(target)));
      case 'ports':
        return show(agent.input({ kind: 'ports_probed', ...instance, taken: numbers(args['taken']) }));
      case 'started':
        return show(agent.input({ kind: 'process_started', ...instance, pid: Number(args['pid']), startTime: 'then' }));
      case 'failed':
        return show(agent.input({ kind: 'process_failed', ...instance, why: 'spawn ENOENT' }));
      case 'ended':
        return show(
          agent.ended(Number(target), args['code'] === undefined ? null : Number(args['code']), args['signal'] ?? null),
        );
      case 'checked':
        return show(agent.input({ kind: 'process_checked', ...instance, alive: words[1] === 'alive' }));
      case 'accepting':
        return show(agent.input({ kind: 'sockets_probed', ...instance, accepting: words[1] === 'yes' }));
      case 'wait':
        return show(agent.wait(Number(target)));
      case 'stop':
        return show(agent.input({ kind: 'stop_requested' }));
      case 'log':
        return agent.logs.splice(0);
      case 'remembered':
        return remembered(agent);
      default:
        throw new Error(`line ${command.line}: no command '${name}'`);
    }
  };
}

function start(agent: TestAgent, { words, args }: Command): AgentEffect[] {
  const children = (args['children'] ?? '').split(',').filter((text) => text !== '');
  const instances = children.map((text) => {
    const [id = '', state] = text.split('/');
    const pid = 1000 + Number(id);
    return {
      id: Number(id),
      service: 'post',
      pid,
      startTime: 'then',
      sockets: [],
      ready: state === 'ready',
      mute: false,
    };
  });
  const before =
    args['children'] === undefined
      ? null
      : { node: 'n1', cluster: 'c', epoch: Number(args['epoch'] ?? 1), spent: [], instances };
  return agent.start(
    { repository: REPOSITORY, strict: words.includes('strict'), port: Number(args['port'] ?? 55556) },
    before,
  );
}

/** What it did, one line each. */
function show(effects: readonly AgentEffect[]): string[] {
  // A connection that was just closed is no longer the Manager's in the state; it is for the reader.
  const called = (connection: number): string => (connection < 10 ? 'Manager' : String(connection));
  return effects.flatMap((effect): string[] => {
    switch (effect.kind) {
      case 'send':
        return [`> ${called(effect.connection)}  ${effect.line}`];
      case 'close':
        return [`close ${called(effect.connection)}: ${effect.why}`];
      case 'connect_manager':
        return ['connect_manager'];
      case 'probe_ports':
      case 'probe_sockets':
        return [`${effect.kind} of ${effect.instance}: ${effect.ports.join(', ')}`];
      case 'spawn':
        return [
          `spawn ${effect.instance}: ${JSON.stringify(effect.args)}`,
          `  ${Object.entries(effect.env)
            .map(([key, value]) => `${key}=${value}`)
            .join(' ')}`,
        ];
      case 'kill':
        return [`kill group ${effect.pid} of ${effect.instance}: ${effect.signal}`];
      case 'check_process':
        return [`check_process of ${effect.instance}: pid ${effect.pid} started ${effect.startTime}`];
      case 'stop':
        return [`stop with code ${effect.code}: ${effect.why}`];
      case 'remember':
      case 'trace':
      case 'log':
        return [];
    }
  });
}

function remembered(agent: TestAgent): string[] {
  if (agent.remembered === null) return ['nothing'];
  const { node, cluster, epoch, instances } = agent.remembered;
  return [
    `node ${node}, cluster ${cluster ?? 'unknown'}, epoch ${epoch}`,
    ...instances.map(
      ({ id, service: name, pid, startTime, ready }) =>
        `${name}/${id} pid ${pid} started ${startTime}${ready ? ', ready' : ''}`,
    ),
  ];
}

function numbers(text: string | undefined): number[] {
  return (text ?? '')
    .split(',')
    .filter((word) => word !== '')
    .map(Number);
}

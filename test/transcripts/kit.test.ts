// Transcripts of an instance's machine: one dialogue a file in kit/, to be read from top to bottom.
//
// Commands: what happens to the instance. Below `----`: everything it does about it, but for its log.
//
//     start [id=N] [address=A]            the process is up, its sockets do not listen yet
//     listening | connected | broken      its sockets listen; the agent is reached; the agent's connection breaks
//     agent                               the agent says the lines below
//     oversized                           the agent says a message that never ends
//     need P                              requests wait at plug P and it has no session
//     dialed N | failed N WHY             the yield of dial N (port_in_use, refused, timeout)
//     accepted PORT                       a session from that port of 127.0.49.12 is accepted
//     drained SIDE KEY                    no request is under way any more on a session that drains
//     ended SIDE KEY clean|broken         the connection of a session is gone
//     idle KEY MS                         how long a session has had no request
//     measured [lag=MS] [flight=N]        how busy it is
//     users drained · service stopped     the yield of stop_listening and stop_service
//     sigterm · wait MS                   a person; time passes
//     log                                 what it told people since the last `log`
import { join } from 'node:path';
import type { InstanceEffect } from '../../services/kit/core/effects.ts';
import type { Side } from '../../services/kit/core/inputs.ts';
import { OTHER, TestInstance } from '../unit/kit/test-instance.ts';
import { describeTranscripts, type Command, type Handler } from './runner.ts';

describeTranscripts('transcripts: instance', join(import.meta.dirname, 'kit'), makeHandler);

function makeHandler(): Handler {
  let instance = new TestInstance();
  let logs: string[] = [];
  const show = (effects: readonly InstanceEffect[]): string[] => {
    for (const effect of effects) if (effect.kind === 'log') logs.push(`${effect.level}: ${effect.text}`);
    return effects.flatMap(shown);
  };
  return (command) => {
    const { name, words, args, input, line } = command;
    const [first = '', second = '', third = ''] = words;
    switch (name) {
      case 'start':
        instance = new TestInstance({
          ...(args['id'] === undefined ? {} : { instanceId: Number(args['id']) }),
          ...(args['address'] === undefined ? {} : { address: args['address'] }),
          sockets: [{ socket: 'post-socket', port: 54001 }],
        });
        logs = [];
        return show(instance.input({ kind: 'started' }));
      case 'listening':
        return show(instance.input({ kind: 'listening' }));
      case 'connected':
        return show(instance.input({ kind: 'agent_connected' }));
      case 'broken':
        return show(instance.input({ kind: 'agent_closed', why: 'ECONNRESET', jitter: 0 }));
      case 'agent':
        return input.flatMap((text) => show(instance.fromAgent(text)));
      case 'oversized':
        return show(instance.input({ kind: 'oversized_received' }));
      case 'need':
        return show(instance.input({ kind: 'session_needed', plug: first, atLeast: Number(second || 1) }));
      case 'dialed':
        return show(instance.input({ kind: 'dialed', opening: Number(first) }));
      case 'failed':
        return show(instance.input({ kind: 'dial_failed', opening: Number(first), why: whyOf(second, command) }));
      case 'accepted':
        return show(
          instance.input({
            kind: 'session_accepted',
            socket: 'post-socket',
            sourceAddress: OTHER,
            sourcePort: Number(first),
            destPort: 54001,
          }),
        );
      case 'drained':
        return show(instance.drained(first as Side, second));
      case 'ended':
        return show(
          instance.input({ kind: 'session_ended', side: first as Side, key: second, clean: third === 'clean' }),
        );
      case 'idle':
        return show(instance.input({ kind: 'idle_checked', key: first, idleMs: Number(second) }));
      case 'measured': {
        const load = { utilization: 0.2, lagMs: Number(args['lag'] ?? 1), inFlight: Number(args['flight'] ?? 3) };
        return show(instance.input({ kind: 'measured', load: { ...load, requests: 500 } }));
      }
      case 'users':
        return show(instance.input({ kind: 'users_drained' }));
      case 'service':
        return show(instance.input({ kind: 'service_stopped' }));
      case 'sigterm':
        return show(instance.input({ kind: 'stop_asked', why: 'SIGTERM' }));
      case 'wait':
        return show(instance.wait(Number(first)));
      case 'log':
        return logs.splice(0);
      default:
        throw new Error(`line ${line}: no command '${name}'`);
    }
  };
}

function whyOf(word: string, { line }: Command): 'port_in_use' | 'refused' | 'timeout' {
  if (word === 'port_in_use' || word === 'refused' || word === 'timeout') return word;
  throw new Error(`line ${line}: a dial fails with port_in_use, refused or timeout`);
}

/** What it did, one line each. */
function shown(effect: InstanceEffect): string[] {
  switch (effect.kind) {
    case 'send':
      return [`> ${effect.line}`];
    case 'close_agent':
      return [`close_agent: ${effect.why}`];
    case 'dial':
      return [
        `dial ${effect.opening}: from port ${effect.sourcePort} to ${effect.destAddress} port ${effect.destPort}`,
      ];
    case 'abandon_dial':
      return [`abandon_dial ${effect.opening}`];
    case 'use_session':
      return [`use_session ${effect.key} for ${effect.plug}`];
    case 'spread':
      return [`spread ${effect.plug} over ${effect.sessions}`];
    case 'check_need':
      return [`check_need of ${effect.plug}`];
    case 'no_session':
      return [`no_session for ${effect.plug}${effect.final ? ', final' : ''}: ${effect.why}`];
    case 'check_idle':
      return [`check_idle ${effect.key}`];
    case 'drain':
    case 'close_session':
      return [`${effect.kind} ${effect.side} ${effect.key}`];
    case 'exit':
      return [`exit with code ${effect.code}`];
    case 'log':
      return [];
    case 'connect_agent':
    case 'measure':
    case 'stop_listening':
    case 'close_users':
    case 'stop_service':
      return [effect.kind];
  }
}

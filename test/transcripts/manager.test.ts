/**
 * Transcripts of the Manager's core.
 *
 * Commands: `graph` (YAML below) or `graph example`; `open N ADDRESS`; `agent N ADDRESS` (opens and registers with the
 * repository in brackets below); `from N` (lines below are what agent N says); `pass MS`; `close N`; `restart`;
 * `stop INSTANCE [hard]`; `shutdown`. Out comes what the Manager sends (`> N line`), its events (`# text`), replies
 * (`= status text`) and connections it closes (`x N why`). Health is answered 200 and not shown.
 */
import { fileURLToPath } from 'node:url';
import type { ManagerEffect } from '../../manager/core/effects.ts';
import type { Command } from '../../manager/core/inputs.ts';
import { exampleGraph, graphOf, TestManager } from '../unit/manager/harness.ts';
import { Obedient, shown } from '../unit/manager/obedient.ts';
import { describeTranscripts, type Handler } from './runner.ts';

function show(effects: readonly ManagerEffect[]): string[] {
  return effects.flatMap(shown);
}

function makeHandler(): Handler {
  let m = new TestManager();
  return ({ name, words, input }) => {
    const [first, second] = words;
    switch (name) {
      case 'graph':
        m = new TestManager(first === 'example' ? exampleGraph() : graphOf(input.join('\n')));
        return show(m.last);
      case 'open':
        m.input({ kind: 'connection_opened', connection: Number(first), address: second ?? '' });
        return show(m.last);
      case 'agent': {
        m.input({ kind: 'connection_opened', connection: Number(first), address: second ?? '' });
        const repository = input
          .join('')
          .replaceAll(/[()]/g, '')
          .split(', ')
          .filter((name) => name !== '');
        return show(m.register(Number(first), second ?? '', repository));
      }
      case 'from':
        return input.flatMap((line) => show(m.say(Number(first), line)));
      case 'pass':
        return show(m.pass(Number(first)));
      case 'close':
        return show(m.closeConnection(Number(first)));
      case 'restart':
        return show(m.restart());
      case 'stop':
        return show(m.command(1, { command: 'stop', instance: first ?? '', hard: second === 'hard' }));
      case 'shutdown':
        return show(m.command(2, { command: 'shutdown' }));
      default:
        throw new Error(`no command '${name}'; see the head of manager.test.ts`);
    }
  };
}

describeTranscripts('transcripts of the Manager', fileURLToPath(new URL('./manager', import.meta.url)), makeHandler);

/**
 * Transcripts of operations, with three nodes that obey: `open SERVICE PLUG SOCKET DEST`, `command {json}`, `pass MS`,
 * `graph` (YAML below), `apply` and `apply dry` (YAML below), `restart`. Out comes the whole dialogue: `>` the Manager, `<` an agent, `#` events, `=` the reply.
 */
function makeObedient(): Handler {
  let cluster = new Obedient();
  cluster.reopens = true;
  cluster.log.length = 0;
  return ({ name, words, input }) => {
    switch (name) {
      case 'graph':
        cluster = new Obedient(input.join('\n'));
        cluster.reopens = true;
        break;
      case 'open': {
        const [service, plug, socket, dest] = words as [string, string, string, string];
        cluster.open(service, plug, socket, dest);
        break;
      }
      case 'command':
        cluster.command(1, JSON.parse(input.join('')) as Command);
        break;
      case 'apply':
        cluster.apply(1, input.join('\n'), words[0] === 'dry');
        break;
      case 'restart':
        cluster.obey(cluster.m.restart());
        break;
      case 'pass':
        cluster.pass(Number(words[0]));
        break;
      default:
        throw new Error(`no command '${name}'; see manager.test.ts`);
    }
    return cluster.log.splice(0);
  };
}

describeTranscripts('transcripts of operations', fileURLToPath(new URL('./operations', import.meta.url)), makeObedient);

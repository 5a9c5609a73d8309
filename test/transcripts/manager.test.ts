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
import { exampleGraph, graphOf, TestManager } from '../unit/manager/harness.ts';
import { describeTranscripts, type Handler } from './runner.ts';

function show(effects: readonly ManagerEffect[]): string[] {
  return effects.flatMap((effect) => {
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
  });
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

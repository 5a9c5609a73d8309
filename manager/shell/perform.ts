/**
 * What the Manager's effects do.
 *
 * Lives here: one line for each kind of effect. Does not live here: when (the driver: after the journal).
 */
import type { Logger } from '../../ssmmp/shell/log.ts';
import type { ManagerEffect, ManagerEvent } from '../core/effects.ts';
import type { AgentListener } from './agent-listener.ts';
import type { Commands } from './commands.ts';
import type { EventLog } from './event-log.ts';
import type { Traffic } from './traffic.ts';

export interface Performers {
  readonly agents: Pick<AgentListener, 'send' | 'close'>;
  readonly commands: Pick<Commands, 'reply'>;
  readonly events: Pick<EventLog, 'add'>;
  readonly traffic: Pick<Traffic, 'count'>;
  readonly log: Logger;
}

/** Performs one effect of the step at `at`. */
export function perform(effect: ManagerEffect, at: number, performers: Performers): void {
  const { agents, commands, events, traffic, log } = performers;
  switch (effect.kind) {
    case 'send':
      agents.send(effect.connection, effect.line);
      traffic.count('sent', effect.line);
      return;
    case 'close':
      log.info({ connection: effect.connection }, `connection closed: ${effect.why}`);
      agents.close(effect.connection);
      return;
    case 'reply':
      commands.reply(effect.request, effect.status, effect.body);
      return;
    case 'event':
      logEvent(log, effect.event);
      events.add(effect.event, at);
      return;
  }
}

/** Sessions come and go by the thousand; they are in the journal and the stream of events, and in the log on demand. */
function logEvent(log: Logger, { seq, what, text, data }: ManagerEvent): void {
  if (what !== 'session') log.info({ seq, what, ...data }, text);
  else if (log.isLevelEnabled('debug')) log.debug({ seq, what, ...data }, text);
}

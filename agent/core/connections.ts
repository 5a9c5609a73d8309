/**
 * Connections to the instances' port: who is there (R25).
 *
 * Lives here: strangers and their limits, finding out which instance speaks, offences. Does not live here:
 * what is said (receive.ts, dialogues/).
 *
 * Any message that names an instance of this agent identifies its connection, if it comes from this machine.
 * From then on only that connection may speak for the instance: a second one is refused and closed as long as
 * the first is open. An honest instance that has connected again is back a moment later.
 */
import type { Message, MessageType } from '../../ssmmp/core/catalog.ts';
import { UNREADABLE_MESSAGES_MAX } from '../../ssmmp/core/names.ts';
import { refusal } from '../../ssmmp/core/refusal.ts';
import { deliverHeld, holdAsked } from './asked.ts';
import { UNIDENTIFIED_CONNECTIONS_MAX } from './limits.ts';
import { finish } from './processes.ts';
import type { Connection, Instance } from './state.ts';
import { linesOf, nameOf, type Turn } from './turn.ts';

/** An instance connects at its node's own address; from where, the system may choose the loopback address. */
const LOOPBACK = ['127.0.0.1', '::1'];

export function onConnectionOpened(turn: Turn, id: number, address: string): void {
  const { state, settings } = turn;
  if (state.connections.has(id)) return;
  if (address !== settings.address && !LOOPBACK.includes(address)) {
    turn.log('warn', `closed a connection from ${address}: instances of this node connect from ${settings.address}`);
    return turn.close(id, 'not from this node');
  }
  state.connections.set(id, { id, address, instance: null, offences: 0, isSentAway: false });
  state.unidentified.add(id);
  turn.deadline('stranger', id, state.timers.unidentifiedMs);
  if (state.unidentified.size <= UNIDENTIFIED_CONNECTIONS_MAX) return;
  for (const oldest of state.unidentified)
    return closeConnection(turn, oldest, 'too many connections that say nothing');
}

/** It has named no instance for too long. */
export function onStrangerDue(turn: Turn, id: number): void {
  if (turn.state.unidentified.has(id)) closeConnection(turn, id, 'it named no instance in time');
}

export function onInstanceConnectionClosed(turn: Turn, connection: Connection): void {
  const { state } = turn;
  removeConnection(turn, connection);
  const instance = connection.instance === null ? undefined : state.instances.get(connection.instance);
  if (instance === undefined || instance.connection !== connection.id) return;
  instance.connection = null;
  if (instance.status === 'ended') return finish(turn, instance);
  turn.log('info', `${nameOf(instance)} has no connection any more`, { service_instance_id: instance.id });
  holdAsked(turn, instance);
}

/**
 * The instance that says this, or null when it may not be said here; then it is refused already. `named` is
 * what the message says of its sender.
 */
export function speakerOf(
  turn: Turn,
  connection: Connection,
  message: Message,
  line: string,
  named: Named,
): Instance | null {
  const { state, settings } = turn;
  const refuse = (status: number, problem: string): null => {
    const who = whoIs(turn, connection);
    turn.trace('instance-agent', who, turn.self, message, line);
    offend(turn, connection, problem, message.type, message.message_id, linesOf(message), status);
    return null;
  };
  if (connection.instance !== null && named.id !== null && named.id !== connection.instance)
    return refuse(409, `instance ${connection.instance} named itself ${named.id}`);
  const id = connection.instance ?? named.id;
  if (id === null) return refuse(400, `a ${message.type} on a connection that has named no instance (R25)`);
  const instance = state.instances.get(id);
  if (instance === undefined || instance.status === 'probing') {
    refuse(409, `no instance ${id} runs here`);
    sendAway(turn, connection, id, named.service);
    return null;
  }
  if (named.service !== null && named.service !== instance.service)
    return refuse(400, `instance ${id} is of ${instance.service}, not of ${named.service}`);
  if (named.address !== null && named.address !== settings.address)
    return refuse(400, `instance ${id} is at ${settings.address}, not at ${named.address}`);
  if (instance.connection === connection.id) return instance;
  if (instance.connection !== null) {
    refuse(409, `${nameOf(instance)} speaks on another connection, which is open`);
    closeConnection(turn, connection.id, 'its instance speaks on another connection');
    return null;
  }
  connection.instance = id;
  instance.connection = connection.id;
  instance.mute = false;
  state.unidentified.delete(connection.id);
  turn.clear('stranger', connection.id);
  return instance;
}

/** What a message says of the instance that sends it; null where it says nothing. */
export interface Named {
  readonly id: number | null;
  readonly service: string | null;
  readonly address: string | null;
}

/** An instance was found to be on this connection just now: what was held for it goes out. */
export function welcome(turn: Turn, instance: Instance): void {
  if (instance.held.length > 0) deliverHeld(turn, instance);
}

/** A message that cannot be read or may not be sent: answered where there is an answer, counted, the third closes (R03). */
export function offend(
  turn: Turn,
  connection: Connection,
  problem: string,
  type: MessageType | null,
  messageId: number | null,
  lines: ReadonlyMap<string, string>,
  status: number,
): void {
  connection.offences += 1;
  const who = whoIs(turn, connection);
  turn.log('warn', `refused a message of ${who}: ${problem}`, { offence: connection.offences, type, status });
  const response = refusal(type, messageId, lines, status, 'agent', 'instance');
  if (response !== null) turn.send(connection.id, response, 'instance-agent', who);
  if (connection.offences >= UNREADABLE_MESSAGES_MAX)
    closeConnection(turn, connection.id, `${UNREADABLE_MESSAGES_MAX} messages that cannot be taken (R03)`);
}

/** Closes a connection of the instances' port; what is still read from it is not taken any more. */
export function closeConnection(turn: Turn, id: number, why: string): void {
  const connection = turn.state.connections.get(id);
  turn.close(id, why);
  if (connection !== undefined) onInstanceConnectionClosed(turn, connection);
}

/**
 * An instance that this agent does not know: started by an earlier life of it, which died before it could note so, or
 * lost its notes. The Manager has another one by now; this one holds ports and answers callers, and nobody could end it.
 */
function sendAway(turn: Turn, connection: Connection, id: number, service: string | null): void {
  connection.isSentAway = true;
  const message: Message<'graceful_shutdown_request'> = {
    type: 'graceful_shutdown_request',
    message_id: turn.messageId(),
    sub_type: turn.subType('graceful_shutdown_request', 'instance'),
    service_name: service ?? 'unknown',
    service_instance_id: id,
  };
  turn.send(connection.id, message, 'instance-agent', whoIs(turn, connection));
}

/** How the far end is called: `<service>/<id>`, or a stranger by its connection. */
function whoIs(turn: Turn, connection: Connection): string {
  const instance = connection.instance === null ? undefined : turn.state.instances.get(connection.instance);
  return instance === undefined ? `stranger ${connection.id}` : nameOf(instance);
}

function removeConnection(turn: Turn, connection: Connection): void {
  turn.state.connections.delete(connection.id);
  turn.state.unidentified.delete(connection.id);
  turn.clear('stranger', connection.id);
}

/**
 * Dialogue: registration of an agent (initiation_request, initiation_response). R09, R16, R17, R47 to R49, R52.
 *
 * Lives here: who may register, and what a registration says about the instances the Manager believes are
 * there. Does not live here: an agent's health afterwards (health.ts).
 *
 *   address ≠ observed address             403
 *   address held by another, live agent    the holder is asked; alive 409, silent for 1 s: replaced (R48)
 *   the connection registered as another   409
 *   AGENTS_MAX agents are known            503: it tries again later (R52)
 *   the same x_node, or nobody holds it    200
 */
import type { Message } from '../../../ssmmp/core/catalog.ts';
import { viewOf } from '../../../ssmmp/core/graph.ts';
import { parseId } from '../../../ssmmp/core/names.ts';
import { endInstance, programName, serviceOf } from '../instances.ts';
import { closeForeign } from '../operations/adopt.ts';
import { countsAsReplica } from '../reconcile.ts';
import type { Agent, ConnectionInfo, Instance, Rival } from '../state.ts';
import type { Turn } from '../turn.ts';
import { requestExecution } from './execution.ts';
import { backInContact } from './health.ts';
import { serveWaiting } from './session.ts';
import { repeatCloses } from './session-close.ts';
import { drainInstance, repeatStep } from './shutdown.ts';

/** Agents that are known at most, those that are away too. Beyond it the first that is lost and runs nothing is forgotten. */
export const AGENTS_MAX = 4096;

export function onInitiation(turn: Turn, connection: ConnectionInfo, message: Message<'initiation_request'>): void {
  const { state } = turn;
  const address = message.agent_network_address;
  if (address !== connection.address) {
    turn.event('agent', `${connection.address} claims to be ${address}: refused`, {
      agent_network_address: address,
      status: 403,
    });
    return respond(turn, connection.id, message.message_id, 403);
  }
  const xNode = message.x?.x_node ?? null;
  const key = state.settings.sharedAddress && xNode !== null ? `${address}#${xNode}` : address;
  // A connection speaks for one agent: as another it would register as many as it likes.
  if (connection.agent !== null && connection.agent !== key)
    return respond(turn, connection.id, message.message_id, 409);
  if (!state.agents.has(key) && !hasPlace(turn)) {
    turn.event('agent', `${address} wants to register, and ${AGENTS_MAX} agents are known: refused`, {
      agent_network_address: address,
      status: 503,
    });
    return respond(turn, connection.id, message.message_id, 503);
  }
  const rival: Rival = {
    connection: connection.id,
    messageId: message.message_id,
    repository: message.service_repository,
    xNode,
    running: readRunning(message.x?.x_running_instances),
    probeId: 0,
  };
  const holder = state.agents.get(key);
  const held = holder?.connection ?? null;
  const same = held === connection.id || (xNode !== null && holder?.xNode === xNode);
  if (holder === undefined || held === null || same) return admit(turn, key, address, rival);
  if (state.rivals.has(key)) return respond(turn, connection.id, message.message_id, 409);
  const probeId = turn.messageId();
  turn.send(held, {
    type: 'agent_health_control_request',
    message_id: probeId,
    sub_type: turn.subType('agent_health_control_request'),
    agent_network_address: address,
  });
  state.rivals.set(key, { ...rival, probeId });
  turn.deadline('rival', key, state.timers.duplicateProbeMs);
}

/** The holder of an address answered while another wants it: the other is refused (R48). */
export function holderAnswered(turn: Turn, agent: Agent, messageId: number): void {
  const rival = turn.state.rivals.get(agent.key);
  if (rival === undefined || rival.probeId !== messageId) return;
  turn.state.rivals.delete(agent.key);
  turn.clear('rival', agent.key);
  turn.event('agent', `${agent.address} is held by a live agent: a second one is refused`, {
    agent_network_address: agent.address,
    status: 409,
  });
  respond(turn, rival.connection, rival.messageId, 409);
}

/** The holder was silent for a second, or its connection went: the new one replaces it. */
export function holderSilent(turn: Turn, key: string): void {
  const rival = turn.state.rivals.get(key);
  const holder = turn.state.agents.get(key);
  turn.state.rivals.delete(key);
  turn.clear('rival', key);
  if (rival === undefined || holder === undefined || !turn.state.connections.has(rival.connection)) return;
  admit(turn, key, holder.address, rival);
}

/** A connection of an agent is gone: nothing is decided yet, silence will (health.ts). */
export function onConnectionClosed(turn: Turn, connection: ConnectionInfo, why: string): void {
  const agent = connection.agent === null ? undefined : turn.state.agents.get(connection.agent);
  if (agent === undefined || agent.connection !== connection.id) return;
  agent.connection = null;
  turn.event('agent', `${agent.address} has no connection any more: ${why}`, {
    agent_network_address: agent.address,
    status: agent.status,
  });
  if (turn.state.rivals.has(agent.key)) holderSilent(turn, agent.key);
}

/** Can one more agent be known? */
function hasPlace({ state }: Turn): boolean {
  if (state.agents.size < AGENTS_MAX) return true;
  for (const { key, status, connection, instances } of state.agents.values())
    if (status === 'lost' && connection === null && instances.size === 0 && !state.rivals.has(key))
      return state.agents.delete(key);
  return false;
}

function admit(turn: Turn, key: string, address: string, rival: Rival): void {
  const { state, now } = turn;
  const known = state.agents.get(key);
  const connection = state.connections.get(rival.connection);
  if (connection === undefined) return;
  const held = known?.connection ?? null;
  if (held !== null && held !== rival.connection) turn.close(held, 'the agent has registered again');
  const agent: Agent = known ?? {
    key,
    address,
    number: nodeNumber(turn, address),
    xNode: rival.xNode,
    status: 'unknown',
    connection: null,
    repository: new Set(),
    refused: new Set(),
    lastHeard: now,
    health: 200,
    cordoned: false,
    instances: new Set(),
  };
  const before = known?.status ?? null;
  state.agents.set(key, agent);
  agent.connection = connection.id;
  agent.repository = new Set(rival.repository);
  agent.refused.clear();
  // Another x_node and no list: its state file is gone, and it cannot know what an earlier life of it has started.
  const hasForgotten = known !== undefined && rival.running === null && rival.xNode !== known.xNode;
  agent.xNode = rival.xNode;
  agent.lastHeard = now;
  agent.health = 200;
  connection.agent = key;
  respond(turn, connection.id, rival.messageId, 200);
  turn.event('agent', `${address} registered as node ${agent.number}, ${before === null ? 'new' : `was ${before}`}`, {
    agent_network_address: address,
    node: agent.number,
    status: 'registered',
  });
  agent.status = 'registered';
  compare(turn, agent, rival.running, before === 'lost', hasForgotten);
  backInContact(turn, agent);
  for (const service of state.services.values()) if (service.waiting.size > 0) serveWaiting(turn, service);
}

/**
 * What the Manager believes runs on the node against what the agent says (R47, R49). `running` null: the
 * agent did not say, so health will tell. After a loss the instances were replaced: extras are drained.
 */
function compare(
  turn: Turn,
  agent: Agent,
  running: readonly number[] | null,
  wasLost: boolean,
  hasForgotten: boolean,
): void {
  const { state } = turn;
  const listed = running === null ? null : new Set(running);
  for (const id of [...agent.instances]) {
    const instance = state.instances.get(id);
    if (instance === undefined) continue;
    repeatCloses(turn, instance);
    closeForeign(turn, instance);
    const goes = instance.status !== 'starting' && instance.status !== 'on' && instance.status !== 'unknown';
    if (listed?.has(id) === false && instance.status !== 'starting')
      endInstance(turn, instance, goes ? 'asked' : 'unasked', 'its agent came back without it');
    else if (goes) repeatStep(turn, instance);
    else if (wasLost && isExtra(turn, instance)) drainInstance(turn, instance, 'replaced while its node was away');
    else if (instance.status === 'starting' && hasForgotten)
      // Its process may run already: under this id a second one would (R12, R28).
      endInstance(turn, instance, 'asked', 'its agent does not know whether it was started');
    else if (instance.status === 'starting') requestExecution(turn, instance, agent);
  }
  for (const id of listed ?? []) if (!agent.instances.has(id)) shutDownStranger(turn, agent, id);
}

/** Was it replaced meanwhile: a store by any later owner (R50), a replica when its service is complete without it? */
function isExtra(turn: Turn, instance: Instance): boolean {
  const service = serviceOf(turn, instance.service);
  if (service === null) return true;
  const isStore = viewOf(turn.state.index, instance.service)?.service.kind === 'baas';
  let others = 0;
  for (const id of service.live) {
    const other = turn.state.instances.get(id);
    if (id === instance.id || other === undefined) continue;
    if (isStore && id > instance.id) return true;
    if (countsAsReplica(turn, other)) others += 1;
  }
  return others >= service.desired;
}

/** Runs there and is unknown here: shut down (R49). */
function shutDownStranger(turn: Turn, agent: Agent, id: number): void {
  const ended = turn.state.ended.get(id);
  turn.event('instance', `${agent.address} runs instance ${id}, which the Manager does not know: it is killed`, {
    service_instance_id: id,
    agent_network_address: agent.address,
  });
  turn.sendTo(agent, {
    type: 'hard_shutdown_request',
    message_id: turn.messageId(),
    sub_type: turn.subType('hard_shutdown_request'),
    service_name: ended === undefined ? 'unknown' : programName(ended),
    service_instance_id: id,
  });
}

function respond(turn: Turn, connection: number, messageId: number, status: number): void {
  const { epoch, settings } = turn.state;
  turn.send(connection, {
    type: 'initiation_response',
    message_id: messageId,
    sub_type: null,
    status,
    x: { x_epoch: String(epoch), x_cluster: settings.cluster },
  });
}

/** `x_running_instances: 5, 7`; null when the line is missing or cannot be read: unknown, not none. */
function readRunning(contents: string | undefined): number[] | null {
  if (contents === undefined) return null;
  if (contents.trim() === '') return [];
  const ids = contents.split(',').map((word) => parseId(word.trim()));
  return ids.every((id) => id !== null) ? ids : null;
}

/** Node 1 of a testbed is at .11 of its subnet, or at ::11 of its prefix; elsewhere nodes are numbered as they come. */
function nodeNumber(turn: Turn, address: string): number {
  const { state } = turn;
  const taken = new Set([...state.agents.values()].map((agent) => agent.number));
  const subnet = /^(\d+\.\d+\.\d+\.|[0-9a-f:]+::)(\d+)$/.exec(address);
  const own = /^(\d+\.\d+\.\d+\.|[0-9a-f:]+::)\d+$/.exec(state.settings.address);
  const fromAddress = subnet !== null && subnet[1] === own?.[1] ? Number(subnet[2]) - 10 : 0;
  if (fromAddress >= 1 && !taken.has(fromAddress)) return fromAddress;
  let number = 1;
  while (taken.has(number)) number += 1;
  return number;
}

/**
 * The Manager suspects itself: too many nodes vanished together (R46, the rulings' timers).
 *
 * Lives here: when that begins and ends, and the operator's word. Does not live here: an agent's own silence
 * (dialogues/health.ts).
 *
 * Theory. When one node of three is silent, the node is the likely cause; when two fall silent within seconds, it is more
 * likely that the Manager, or its network, is what is cut off. Replacing them would start everything a second time on what is
 * left, for nothing. So over VANISHED_SHARE_MAX of VANISHED_NODES_MIN nodes or more, gone within `vanishMs`, make the Manager hold
 * still: the nodes stay suspect, none becomes lost, nothing of them is replaced. It trusts itself again when enough of them
 * are back, or when an operator says that they are lost (`ssmmp confirm-lost`); the others have `lostMs` from then. Kubernetes does
 * the same with a zone.
 */
import { VANISHED_NODES_MIN, VANISHED_SHARE_MAX } from '../../ssmmp/core/timers.ts';
import { leaveLost } from './dialogues/session-close.ts';
import { findNode } from './operations/find.ts';
import { reconcileAll } from './reconcile.ts';
import type { Agent, Doubt, ManagerState } from './state.ts';
import type { Turn } from './turn.ts';

/** Looks at all nodes together; before any becomes lost, and when one is back. */
export function judgeSelf(turn: Turn): void {
  const { state } = turn;
  if (state.doubt === null) beginDoubt(turn);
  else endDoubt(turn, state.doubt);
}

/** The node is lost: its instances may be replaced, and it has to register again. */
export function loseAgent(turn: Turn, agent: Agent, why: string): void {
  const before = agent.status;
  agent.status = 'lost';
  turn.event('agent', `${agent.address} ${before} → lost: ${why}`, {
    agent_network_address: agent.address,
    status: 'lost',
  });
  for (const id of agent.instances) {
    const instance = turn.state.instances.get(id);
    if (instance !== undefined) leaveLost(turn, instance, `${agent.address} is lost`);
  }
  // Where only one direction was cut it would go on answering health requests and never know that it was given up.
  if (agent.connection !== null) turn.close(agent.connection, 'the node was given up as lost: register again');
}

/** `ssmmp confirm-lost [NODE]`: an operator says that nodes which are away will not come back. */
export function confirmLost(turn: Turn, request: number, text: string | null): void {
  const { state } = turn;
  const named = text === null ? null : findNode(state, text);
  if (text !== null && named === null)
    return turn.reply(request, 404, {
      status: 404,
      message: `no node '${text}'; 'ssmmp get nodes' lists them`,
      data: { node: text },
    });
  if (named !== null && !isAway(state, turn.now, named)) {
    const message = `node ${named.address} is ${named.status}: there is nothing to confirm; 'ssmmp drain' empties a node that is there`;
    return turn.reply(request, 409, { status: 409, message, data: { node: text, status: named.status } });
  }
  const nodes = named === null ? [...state.agents.values()].filter((agent) => isAway(state, turn.now, agent)) : [named];
  if (nodes.length === 0)
    return turn.reply(request, 409, { status: 409, message: 'no node is away', data: { node: null } });
  for (const agent of nodes) {
    loseAgent(turn, agent, 'the operator says so');
    // It does not count any more as one that vanished, it is gone.
    const at = state.doubt?.vanished.indexOf(agent.key) ?? -1;
    if (at !== -1) state.doubt?.vanished.splice(at, 1);
  }
  if (state.doubt !== null) endDoubt(turn, state.doubt);
  turn.reply(request, 200, {
    nodes: nodes.map(({ address, number, status, instances }) => ({
      agent_network_address: address,
      node: number,
      status,
      instances: instances.size,
    })),
  });
  reconcileAll(turn);
}

/** Why a node that is away is not replaced; null where it will be, or is there. */
export function heldBecause(state: ManagerState, agent: Agent): string | null {
  const { doubt } = state;
  if (doubt === null || (agent.status !== 'suspect' && agent.status !== 'unknown')) return null;
  return `not replaced: the Manager suspects itself, ${doubt.vanished.length} of ${doubt.known} nodes vanished together`;
}

function beginDoubt(turn: Turn): void {
  const { state, now } = turn;
  let newest = -Infinity;
  for (const agent of state.agents.values()) if (isAway(state, now, agent)) newest = Math.max(newest, agent.lastHeard);
  if (newest === -Infinity) return;
  const from = newest - state.timers.vanishMs;
  const vanished: string[] = [];
  let present = 0;
  for (const agent of state.agents.values()) {
    if (agent.status !== 'lost' && !isAway(state, now, agent)) present += 1;
    else if (agent.lastHeard >= from) vanished.push(agent.key);
  }
  const known = vanished.length + present;
  if (known < VANISHED_NODES_MIN || !isTooMany(vanished.length, known)) return;
  state.doubt = { since: now, vanished, known };
  turn.event(
    'manager',
    `the Manager suspects itself: ${vanished.length} of ${known} nodes vanished within ${state.timers.vanishMs} ms, more than ${Math.round(VANISHED_SHARE_MAX * 100)} %. ` +
      `It replaces nothing of them until they return; if they are really gone, 'ssmmp confirm-lost' says so`,
    { vanished: vanished.length, known, status: 'doubt' },
  );
}

function endDoubt(turn: Turn, doubt: Doubt): void {
  const { state, now } = turn;
  let present = 0;
  let held = 0;
  for (const agent of state.agents.values()) {
    if (isAway(state, now, agent)) {
      held += 1;
      if (!doubt.vanished.includes(agent.key)) doubt.vanished.push(agent.key);
    }
    // After a restart in the middle of a doubt: not back, and not missed yet.
    else if (agent.status === 'unknown') return;
    else if (agent.status === 'registered') present += 1;
  }
  const missing = doubt.vanished.filter((key) => {
    const status = state.agents.get(key)?.status;
    return status !== undefined && status !== 'registered';
  }).length;
  if (held > 0 && isTooMany(missing, missing + present)) return;
  state.doubt = null;
  // While the Manager doubted itself a silence said nothing of the node. It counts from now: where a cut heals, the last nodes
  // come back a moment after those with which the doubt ends.
  for (const agent of state.agents.values()) if (isAway(state, now, agent)) agent.lastHeard = now;
  turn.event('manager', `the Manager trusts itself again: ${present} nodes are there, ${held} away`, {
    present,
    away: held,
    status: 'trust',
  });
}

function isTooMany(vanished: number, known: number): boolean {
  return vanished / known > VANISHED_SHARE_MAX;
}

/** Silent for so long that it is suspect, or was not back in time after a restart of the Manager. */
function isAway(state: ManagerState, now: number, agent: Agent): boolean {
  return agent.status === 'suspect' || (agent.status === 'unknown' && now - agent.lastHeard >= state.timers.lostMs);
}

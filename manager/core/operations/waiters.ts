/**
 * Operators' requests that wait: answered when the thing is done, not when it is begun.
 *
 * Lives here: when each kind of request is done, and its answer. Does not live here: doing it (the other
 * files of this folder), the time an operator waits at most (the shell).
 */
import { replicasOf } from '../reconcile.ts';
import type { Waiter } from '../state.ts';
import type { Turn } from '../turn.ts';
import { applied } from './apply.ts';

/** After each step: answers what has come true. */
export function answerWaiters(turn: Turn): void {
  for (const [request, waiter] of [...turn.state.waiters]) {
    const answer = answerOf(turn, waiter);
    if (answer === null) continue;
    turn.state.waiters.delete(request);
    turn.reply(request, answer.status, answer.body);
  }
}

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

function answerOf(turn: Turn, waiter: Waiter): Answer | null {
  const { state } = turn;
  switch (waiter.what) {
    case 'off': {
      if (state.instances.has(waiter.instance)) return null;
      const reason = state.ended.get(waiter.instance)?.reason ?? null;
      const [service_name] = waiter.name.split('/');
      return { status: 200, body: { service_instance_id: waiter.instance, service_name, status: 'off', reason } };
    }
    case 'scaled':
      return scaled(turn, waiter.service, waiter.replicas);
    case 'migrated':
      return migrated(turn, waiter.old, waiter.service);
    case 'applied':
      return applied(turn, waiter);
    case 'emptied': {
      const agent = state.agents.get(waiter.agent);
      if (agent === undefined) return null;
      if (!agent.cordoned) {
        const message = `node ${agent.address} was taken back before it was empty`;
        return { status: 409, body: { status: 409, message, data: { node: agent.number } } };
      }
      if (agent.instances.size > 0) return null;
      return { status: 200, body: { agent_network_address: agent.address, node: agent.number, status: 'drained' } };
    }
  }
}

function scaled(turn: Turn, name: string, replicas: number): Answer | null {
  const service = turn.state.services.get(name);
  if (service === undefined)
    return { status: 404, body: { status: 404, message: `the graph has no ${name} any more`, data: {} } };
  if (service.crashLooping)
    return { status: 503, body: { status: 503, message: `${name} is crash-looping`, data: { service_name: name } } };
  let running = 0;
  for (const id of service.live) if (turn.state.instances.get(id)?.status === 'on') running += 1;
  const settled = running === service.live.size && replicasOf(turn, service) === replicas;
  // Another scale overtook this one: it is done as well.
  if (!settled && service.desired === replicas) return null;
  return { status: 200, body: { service_name: name, desired: service.desired, running } };
}

function migrated(turn: Turn, old: number, name: string): Answer | null {
  const { state } = turn;
  if (state.migrations.has(old)) return null;
  if (!state.services.has(name))
    return { status: 404, body: { status: 404, message: `the graph has no ${name} any more`, data: {} } };
  if (state.instances.has(old)) {
    const message = `${name}/${old} stays where it is: no instance came up on another node`;
    return { status: 503, body: { status: 503, message, data: { service_instance_id: old } } };
  }
  const live = [...(state.services.get(name)?.live ?? [])].map((id) => state.instances.get(id));
  const now = live.filter((instance) => instance?.status === 'on').at(-1);
  return {
    status: 200,
    body: {
      service_name: name,
      from: old,
      service_instance_id: now?.id ?? null,
      service_instance_network_address: now?.address ?? null,
      status: 'on',
    },
  };
}

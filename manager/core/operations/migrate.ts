/**
 * Migration: an instance goes to another node, and its users notice nothing.
 *
 * Lives here: the order of steps and what happens when one fails. Does not live here: draining
 * (dialogues/shutdown.ts), starting (dialogues/execution.ts).
 *
 *   gateway, service   the new one first; when it is on, the old one drains: its sessions are closed one by one
 *                      and open again on the new one; the old one is shut down
 *   BaaS               one owner at a time: the old one drains and ends, which frees its lock; the next owner starts
 *                      on the chosen node with the same data; requests wait meanwhile in their plugs
 */
import { viewOf } from '../../../ssmmp/core/graph.ts';
import { startInstance } from '../dialogues/execution.ts';
import { drainInstance } from '../dialogues/shutdown.ts';
import { nameOf, programName, serviceOf } from '../instances.ts';
import { anyPlace, choosePlace, type Where } from '../placing.ts';
import { replicasOf } from '../reconcile.ts';
import { offers, type Agent, type Instance, type Migration } from '../state.ts';
import type { Turn } from '../turn.ts';
import { findInstance, findNode } from './find.ts';

/** `ssmmp migrate INSTANCE [--to NODE]`. */
export function migrate(turn: Turn, request: number, text: string, to: string | null, dryRun: boolean): void {
  const { state } = turn;
  const refuse = (status: number, message: string): void =>
    turn.reply(request, status, { status, message, data: { instance: text, to } });
  const instance = findInstance(state, text);
  if (instance === null) return refuse(404, `no live instance '${text}'; 'ssmmp get instances' lists them`);
  const target = to === null ? null : findNode(state, to);
  if (to !== null && target === null) return refuse(404, `no node '${to}'; 'ssmmp get nodes' lists them`);
  const refused = migrationRefusal(turn, instance, target);
  if (refused !== null) return refuse(409, refused);
  if (dryRun) return turn.reply(request, 200, { dry_run: true, steps: migrationSteps(turn, instance, target) });
  turn.event('command', `operator migrates ${nameOf(instance)}${target === null ? '' : ` to ${target.address}`}`, {
    service_instance_id: instance.id,
  });
  state.waiters.set(request, { what: 'migrated', old: instance.id, service: instance.service });
  beginMigration(turn, instance, target, 'migrates by the operator’s wish');
}

/** Why an instance cannot migrate, or null. */
export function migrationRefusal(turn: Turn, instance: Instance, target: Agent | null): string | null {
  const name = nameOf(instance);
  const service = serviceOf(turn, instance.service);
  if (instance.status !== 'on') return `${name} is ${instance.status}; only an instance that is on can migrate`;
  if (turn.state.migrations.has(instance.id)) return `${name} migrates already`;
  if (service === null) return `${name} is no service of the graph any more`;
  if (target !== null && target.key === instance.agent) return `${name} is on ${target.address} already`;
  if (target !== null && (target.status !== 'registered' || target.cordoned))
    return `node ${target.address} is ${target.cordoned ? 'drained; ssmmp uncordon takes it back' : target.status}`;
  if (target !== null && !offers(target, programName(instance)))
    return `node ${target.address} does not have ${programName(instance)} in its repository`;
  if (anyPlace(turn, service, whereOf(instance, target)) !== null) return null;
  const kind = viewOf(turn.state.index, instance.service)?.service.kind;
  const why = kind === 'gateway' ? 'every other node has a gateway at this public port, or' : 'no other node';
  return `${name} cannot go anywhere: ${why} ${kind === 'gateway' ? 'cannot run it' : `that is registered has ${instance.service}`}`;
}

/** Begins a migration that is not refused. */
export function beginMigration(turn: Turn, instance: Instance, target: Agent | null, reason: string): void {
  const { state } = turn;
  const service = serviceOf(turn, instance.service);
  if (service === null) return;
  if (viewOf(state.index, instance.service)?.service.kind === 'baas') {
    service.prefer = choosePlace(turn, service, whereOf(instance, target));
    state.migrations.set(instance.id, {
      old: instance.id,
      service: service.name,
      replacement: null,
      reason,
      isReplaced: false,
    });
    return drainInstance(turn, instance, reason);
  }
  const replacement = startInstance(turn, service, whereOf(instance, target));
  if (replacement === null) return;
  const { name } = service;
  state.migrations.set(instance.id, {
    old: instance.id,
    service: name,
    replacement: replacement.id,
    reason,
    isReplaced: false,
  });
}

/** After each step: moves every migration on that can go on. */
export function continueMigrations(turn: Turn): void {
  for (const migration of [...turn.state.migrations.values()]) {
    const over =
      migration.replacement === null
        ? storeMoved(turn, migration)
        : replicaMoved(turn, migration, migration.replacement);
    if (!over) continue;
    turn.state.migrations.delete(migration.old);
    const outcome = turn.state.instances.has(migration.old) ? 'given up: its replacement did not come up' : 'done';
    turn.event(
      'service',
      `${migration.isReplaced ? 'replacement' : 'migration'} of ${migration.service}/${migration.old} ${outcome}`,
      {
        service_name: migration.service,
        service_instance_id: migration.old,
      },
    );
  }
}

function replicaMoved(turn: Turn, migration: Migration, id: number): boolean {
  const old = turn.state.instances.get(migration.old);
  const replacement = turn.state.instances.get(id);
  if (old === undefined || replacement === undefined) return true;
  if (replacement.status === 'on') drainInstance(turn, old, migration.reason);
  return false;
}

function storeMoved(turn: Turn, migration: Migration): boolean {
  if (turn.state.instances.has(migration.old)) return false;
  const service = serviceOf(turn, migration.service);
  // Nobody wants it, or it cannot start for now: it comes back like any service.
  if (service === null || service.desired === 0 || service.holdUntil > turn.now) return true;
  for (const id of service.live) {
    const status = turn.state.instances.get(id)?.status;
    if (status !== 'on' && status !== 'unknown') return false;
  }
  // More may be wanted than there is place for (one gateway a node): what is missing then is not this one.
  return replicasOf(turn, service) >= service.desired || choosePlace(turn, service) === null;
}

function whereOf(instance: Instance, target: Agent | null): Where {
  const { agent, version } = instance;
  return target === null ? { not: agent, version } : { only: target.key, version };
}

/** What a migration would do, for --dry-run. */
export function migrationSteps(turn: Turn, instance: Instance, target: Agent | null): Record<string, unknown>[] {
  const service = serviceOf(turn, instance.service);
  const place = service === null ? null : choosePlace(turn, service, whereOf(instance, target), true);
  const kind = viewOf(turn.state.index, instance.service)?.service.kind;
  const agent_network_address = turn.state.agents.get(place ?? '')?.address ?? null;
  const start = {
    action: 'start',
    service_name: programName(instance),
    agent_network_address,
    why: target === null ? 'the node with the fewest instances' : 'asked for',
  };
  const drain = {
    action: 'drain',
    instance: nameOf(instance),
    agent_network_address: instance.address,
    why:
      kind === 'gateway'
        ? 'it leaves the DNS, answers what it has, and its users connect again'
        : `${instance.incoming.size} sessions are closed one by one and open again on the new instance`,
  };
  if (kind !== 'baas') return [start, drain];
  return [{ ...drain, why: 'a store has one owner at a time (R50); requests wait in their plugs' }, start];
}

/**
 * Adoption: an agent that restarts takes its children back (R47).
 *
 * Lives here: what is remembered, and what becomes of it at the next start. Does not live here: the file
 * (agent/shell/state-file.ts), asking the system for a process (effect `check_process`).
 *
 * Only when every remembered child was looked for does the agent register, so that x_running_instances is
 * complete. A child that died meanwhile is reported like any other death.
 */
import { awaitHello } from './dialogues/execution.ts';
import type { Remembered } from './inputs.ts';
import { connect } from './manager-link.ts';
import { addInstance, become, kill, onProcessEnded, spend } from './processes.ts';
import type { Instance } from './state.ts';
import { nameOf, type Turn } from './turn.ts';

/** The agent's first turn: looks for each remembered child; registers at once when there is none. */
export function takeBack(turn: Turn, remembered: Remembered | null): void {
  const { state } = turn;
  state.childrenKnown = remembered !== null;
  state.cluster = remembered?.cluster ?? null;
  state.epoch = remembered?.epoch ?? 0;
  for (const id of remembered?.spent ?? []) spend(turn, id);
  for (const child of remembered?.instances ?? []) {
    if (state.instances.has(child.id)) continue;
    const instance = addInstance(turn, 'checking', child.id, child.service, child.sockets, null);
    instance.pid = child.pid;
    instance.startTime = child.startTime;
    instance.mute = child.mute;
    instance.ready = child.ready;
    turn.effects.push({
      kind: 'check_process',
      instance: child.id,
      run: instance.run,
      service: child.service,
      pid: child.pid,
      startTime: child.startTime,
    });
  }
  remember(turn);
  registerWhenChecked(turn);
}

export function onProcessChecked(turn: Turn, instance: Instance, alive: boolean): void {
  if (instance.status !== 'checking') return;
  become(turn, instance, instance.ready ? 'ready' : 'starting');
  if (alive) {
    if (!instance.ready) awaitHello(turn, instance);
    turn.log('info', `took ${nameOf(instance)} back`, { service_instance_id: instance.id, pid: instance.pid });
    if (turn.state.stopping) kill(turn, instance);
  } else {
    // The Manager was told that it runs, by the life of this agent that started it.
    instance.listed = true;
    onProcessEnded(turn, instance, null, null);
  }
  registerWhenChecked(turn);
}

function registerWhenChecked(turn: Turn): void {
  const { state } = turn;
  if (state.link.status !== 'checking' || state.stopping) return;
  for (const instance of state.instances.values()) if (instance.status === 'checking') return;
  connect(turn);
}

/**
 * Has the shell keep what the next life of this agent must know. While it is unknown what runs here, nothing: the next life
 * would take an empty list for knowledge, and tell the Manager so (R47).
 */
export function remember(turn: Turn): void {
  const { state, settings } = turn;
  if (!state.childrenKnown) return;
  const instances: Remembered['instances'][number][] = [];
  const spent = [...state.spent];
  for (const { id, service, pid, startTime, sockets, status, ready, mute } of state.instances.values())
    if (pid === null && (status === 'starting' || status === 'killing')) spent.push(id);
    else if (pid !== null && status !== 'ended')
      instances.push({
        id,
        service,
        pid,
        startTime,
        sockets,
        ready,
        mute,
      });
  turn.effects.push({
    kind: 'remember',
    state: { node: settings.node, cluster: state.cluster, epoch: state.epoch, spent, instances },
  });
}

/**
 * The processes of instances: from the first input about one to the last message about its end.
 *
 * Lives here: the changes of an instance's status, killing, and what is said when it is gone. Does not live
 * here: why one starts (dialogues/execution.ts) or is to end (dialogues/shutdown.ts).
 *
 * A process that ended may have left messages that are not read yet: reports of closed sessions, its answer to
 * a graceful shutdown. So an end has two parts, the death and the end of its connection, and only then is the
 * Manager told, exactly once (R30): the answer to what it asked for, or a termination info.
 */
import { refuseAsked } from './asked.ts';
import { remember } from './adoption.ts';
import { answerStart } from './dialogues/execution.ts';
import { answerGraceful, answerHard } from './dialogues/shutdown.ts';
import { reportDeath } from './dialogues/termination.ts';
import { forgetRequests } from './dialogues/sessions.ts';
import { endLink } from './manager-link.ts';
import { LIFE, type Instance, type InstanceStatus, type Launch } from './state.ts';
import { SPENT_MAX } from './limits.ts';
import type { SocketSetting } from '../../ssmmp/core/catalog.ts';
import { nameOf, type DeadlineKind, type Turn } from './turn.ts';

const DEADLINES: readonly DeadlineKind[] = ['start', 'hello', 'kill', 'words', 'held'];

/** A new instance, without a process yet. */
export function addInstance(
  turn: Turn,
  status: 'probing' | 'checking',
  id: number,
  service: string,
  sockets: readonly SocketSetting[],
  launch: Launch | null,
): Instance {
  const { state } = turn;
  const instance: Instance = {
    id,
    run: state.nextRun,
    service,
    sockets,
    launch,
    status,
    ready: false,
    pid: null,
    startTime: null,
    connection: null,
    mute: false,
    listed: false,
    starters: [],
    stoppers: [],
    killers: [],
    startFailure: 500,
    lastWords: null,
    end: null,
    held: [],
    requests: [],
  };
  state.nextRun += 1;
  state.instances.set(id, instance);
  return instance;
}

/** The instance an input about a process means; null when that process is no longer of interest. */
export function instanceOfRun(turn: Turn, of: { instance: number; run: number }): Instance | null {
  const instance = turn.state.instances.get(of.instance);
  return instance?.run === of.run ? instance : null;
}

/** Changes the status along LIFE; another change is a bug, told and not made. */
export function become(turn: Turn, instance: Instance, status: InstanceStatus): boolean {
  if (!LIFE[instance.status].includes(status)) {
    turn.log('error', `bug: ${nameOf(instance)} cannot go from ${instance.status} to ${status}`);
    return false;
  }
  instance.status = status;
  return true;
}

/**
 * An id has one process, ever (R12). The Manager may ask once more for a start that it does not know to be over: its
 * request and the report of the death pass each other.
 */
export function spend(turn: Turn, id: number): void {
  const { spent } = turn.state;
  spent.add(id);
  if (spent.size > SPENT_MAX) for (const oldest of spent) return void spent.delete(oldest);
}

/** Does it have a process that has not ended, as far as is known? */
export function hasProcess({ status }: Instance): boolean {
  return status === 'starting' || status === 'ready' || status === 'stopping' || status === 'killing';
}

export function onProcessStarted(turn: Turn, instance: Instance, pid: number, startTime: string | null): void {
  if (!hasProcess(instance)) return;
  instance.pid = pid;
  instance.startTime = startTime;
  if (instance.status === 'killing') signal(turn, instance, 'SIGKILL');
  remember(turn);
}

/** The program could not be started at all. */
export function onProcessFailed(turn: Turn, instance: Instance, why: string): void {
  if (!hasProcess(instance)) return;
  turn.log('error', `${nameOf(instance)} could not be started: ${why}`, { service_instance_id: instance.id });
  gone(turn, instance);
}

export function onProcessEnded(turn: Turn, instance: Instance, code: number | null, signalName: string | null): void {
  if (!hasProcess(instance)) return;
  instance.end = { code, signal: signalName };
  turn.log('info', `${nameOf(instance)} ended: ${exitOf(instance)}`, {
    service_instance_id: instance.id,
    pid: instance.pid,
  });
  gone(turn, instance);
}

/** SIGKILL for the whole process group, answered once it is reaped. */
export function kill(turn: Turn, instance: Instance): void {
  if (!hasProcess(instance)) return;
  if (instance.status !== 'killing' && !become(turn, instance, 'killing')) return;
  turn.clear('start', instance.id);
  turn.clear('hello', instance.id);
  turn.clear('words', instance.id);
  turn.deadline('kill', instance.id, turn.state.timers.hardMs);
  signal(turn, instance, 'SIGKILL');
}

/** Signals its process group; does nothing before there is a process. */
export function signal(turn: Turn, instance: Instance, name: 'SIGKILL' | 'SIGTERM'): void {
  if (instance.pid !== null)
    turn.effects.push({ kind: 'kill', instance: instance.id, run: instance.run, pid: instance.pid, signal: name });
}

/** It does not die: whoever waits is told, and its death will be reported when it comes. */
export function onKillDue(turn: Turn, instance: Instance): void {
  if (instance.status !== 'killing') return;
  turn.log('error', `${nameOf(instance)} does not die of SIGKILL`, {
    service_instance_id: instance.id,
    pid: instance.pid,
  });
  for (const messageId of instance.killers) answerHard(turn, messageId, instance.id, 500);
  for (const messageId of instance.starters) answerStart(turn, messageId, instance.startFailure, null);
  instance.killers = [];
  instance.starters = [];
}

/** Tells the Manager of the end and forgets the instance. */
export function finish(turn: Turn, instance: Instance): void {
  const { state } = turn;
  const { starters, stoppers, killers } = instance;
  for (const messageId of starters) answerStart(turn, messageId, instance.startFailure, null);
  for (const messageId of stoppers) answerGraceful(turn, messageId, 200);
  for (const messageId of killers) answerHard(turn, messageId, instance.id, 200);
  const isAnswered = starters.length + stoppers.length + killers.length > 0;
  if (!isAnswered && (instance.ready || instance.listed)) reportDeath(turn, instance);
  refuseAsked(turn, instance);
  forget(turn, instance);
  remember(turn);
  if (state.stopping) stopWhenEmpty(turn);
}

/** Takes an instance out of all tables, saying nothing. */
export function forget(turn: Turn, instance: Instance): void {
  const { state } = turn;
  for (const kind of DEADLINES) turn.clear(kind, instance.id);
  forgetRequests(turn, instance);
  state.instances.delete(instance.id);
  if (instance.connection === null) return;
  const connection = state.connections.get(instance.connection);
  if (connection !== undefined) turn.close(connection.id, 'its instance has ended');
  state.connections.delete(instance.connection);
}

/** SIGTERM for the agent: the children go first, so that the Manager hears of each death. */
export function onStopRequested(turn: Turn): void {
  const { state } = turn;
  if (state.stopping) return;
  state.stopping = true;
  for (const instance of [...state.instances.values()])
    if (instance.status === 'probing') finish(turn, instance);
    else kill(turn, instance);
  stopWhenEmpty(turn);
}

/** `code 3`, `signal SIGKILL`; an adopted process does not tell us how it ended (R30, R47). */
export function exitOf(instance: Instance): string {
  const { code, signal: name } = instance.end ?? { code: null, signal: null };
  if (name !== null) return `signal ${name}`;
  return code === null ? 'signal unknown' : `code ${code}`;
}

function gone(turn: Turn, instance: Instance): void {
  const wasChecked = become(turn, instance, 'ended');
  if (!wasChecked) return;
  spend(turn, instance.id);
  for (const kind of DEADLINES) turn.clear(kind, instance.id);
  if (instance.connection === null) finish(turn, instance);
  else turn.deadline('words', instance.id, turn.state.timers.lastWordsMs);
}

function stopWhenEmpty(turn: Turn): void {
  const { state } = turn;
  if (state.instances.size > 0 || state.link.status === 'ended') return;
  const why = 'told to stop';
  endLink(turn, why);
  turn.effects.push({ kind: 'stop', code: 0, why });
}

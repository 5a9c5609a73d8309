/**
 * Dialogue: execution (execution_request, execution_response). R21, R26, R27, R28.
 *
 * Lives here: from the request to the answer that the instance runs and listens, or why not. Does not live
 * here: its process (processes.ts), its end.
 *
 *   another address                      421
 *   not in the repository                404
 *   the id is here already               200 when ready; joins the start when under way (R28); 503 when it is ending
 *   a port is taken                      409, nothing was started (R21)
 *   hello, or all sockets accept         200
 *   ended before that                    500
 *   it had a process, or may have had    500, nothing is started: the Manager gives another id
 *   not ready within startMs             504, and killed
 */
import type { Message } from '../../../ssmmp/core/catalog.ts';
import type { RepositoryService } from '../../../ssmmp/core/repository-file.ts';
import { remember } from '../adoption.ts';
import { argumentsOf, environmentOf } from '../environment.ts';
import { INSTANCES_MAX } from '../limits.ts';
import { addInstance, become, forget, kill } from '../processes.ts';
import type { Instance } from '../state.ts';
import { nameOf, type Turn } from '../turn.ts';

export function onExecutionRequest(turn: Turn, message: Message<'execution_request'>): void {
  const { state, settings } = turn;
  const { message_id: messageId, service_instance_id: id } = message;
  const answer = (status: number, why: string): void => {
    turn.log('warn', `${message.service_name}/${id} is not started: ${why}`, { service_instance_id: id, status });
    answerStart(turn, messageId, status, null);
  };
  if (message.agent_network_address !== settings.address)
    return answer(421, `asked for ${message.agent_network_address}, this node is ${settings.address}`);
  if (state.stopping) return answer(503, 'the agent stops');
  if (state.spent.has(id)) return answer(500, 'it had a process, or may have had one; another id is needed');
  const known = state.instances.get(id);
  if (known !== undefined) return startAgain(turn, known, messageId);
  const service = settings.repository.find(({ name }) => name === message.service_name);
  if (service === undefined) return answer(404, 'the repository has no such service');
  const missing = whatIsMissing(service, message);
  if (missing !== null) return answer(404, `the repository's ${service.name} has no ${missing}`);
  if (state.instances.size >= INSTANCES_MAX) return answer(503, `${INSTANCES_MAX} instances are the most`);
  const isStore = message.plug_configuration.length === 0;
  const launch = { args: argumentsOf(message), env: environmentOf(settings, service, isStore) };
  const instance = addInstance(turn, 'probing', id, service.name, message.socket_configuration, launch);
  instance.starters.push(messageId);
  const ports = instance.sockets.map(({ port }) => port);
  if (ports.length === 0) spawn(turn, instance);
  else turn.effects.push({ kind: 'probe_ports', instance: id, run: instance.run, ports });
}

/** No process is started while a stranger holds one of its ports (R21). */
export function onPortsProbed(turn: Turn, instance: Instance, taken: readonly number[]): void {
  if (instance.status !== 'probing') return;
  if (taken.length === 0) return spawn(turn, instance);
  turn.log('warn', `${nameOf(instance)} is not started: port ${taken.join(', ')} is taken`, { status: 409 });
  for (const messageId of instance.starters) answerStart(turn, messageId, 409, null);
  forget(turn, instance);
}

/** Waits for the hello, then looks for itself, and gives up in the end (R26). */
export function awaitHello(turn: Turn, instance: Instance): void {
  const { helloMs, aliveMs, startMs } = turn.state.timers;
  turn.deadline('start', instance.id, startMs);
  turn.deadline('hello', instance.id, instance.sockets.length > 0 ? helloMs : aliveMs);
}

/** No hello yet: a program that says none is ready when it listens; one without sockets, when it has lived on. */
export function onHelloDue(turn: Turn, instance: Instance): void {
  if (instance.status !== 'starting') return;
  const ports = instance.sockets.map(({ port }) => port);
  if (ports.length === 0) return becomeReady(turn, instance);
  turn.effects.push({ kind: 'probe_sockets', instance: instance.id, run: instance.run, ports });
}

export function onSocketsProbed(turn: Turn, instance: Instance, accepting: boolean): void {
  if (instance.status !== 'starting') return;
  if (accepting) becomeReady(turn, instance);
  else turn.deadline('hello', instance.id, turn.state.timers.probeAgainMs);
}

/** Running and listening: whoever waits for the start is told. */
export function becomeReady(turn: Turn, instance: Instance): void {
  if (!become(turn, instance, 'ready')) return;
  instance.ready = true;
  instance.mute = instance.connection === null;
  turn.clear('start', instance.id);
  turn.clear('hello', instance.id);
  for (const messageId of instance.starters) answerStart(turn, messageId, 200, instance.pid);
  instance.starters = [];
  turn.log('info', `${nameOf(instance)} is ready`, { service_instance_id: instance.id, pid: instance.pid });
  remember(turn);
}

export function onStartDue(turn: Turn, instance: Instance): void {
  if (instance.status !== 'starting') return;
  turn.log('warn', `${nameOf(instance)} was not ready within ${turn.state.timers.startMs} ms: killed`);
  instance.startFailure = 504;
  kill(turn, instance);
}

/** The connection the request came on is gone (R11); without a process nothing was started. */
export function cancelProbing(turn: Turn, instance: Instance): void {
  if (instance.status === 'probing') forget(turn, instance);
}

export function answerStart(turn: Turn, messageId: number, status: number, pid: number | null): void {
  turn.sendToManager({
    type: 'execution_response',
    message_id: messageId,
    sub_type: turn.subType('execution_response'),
    status,
    ...(pid === null ? {} : { x: { x_pid: String(pid) } }),
  });
}

function startAgain(turn: Turn, instance: Instance, messageId: number): void {
  switch (instance.status) {
    case 'ready':
      return answerStart(turn, messageId, 200, instance.pid);
    case 'stopping':
    case 'killing':
      return answerStart(turn, messageId, 503, null);
    case 'checking':
    case 'probing':
    case 'starting':
    case 'ended':
      if (!instance.starters.includes(messageId)) instance.starters.push(messageId);
  }
}

function spawn(turn: Turn, instance: Instance): void {
  if (instance.launch === null || !become(turn, instance, 'starting')) return;
  const { args, env } = instance.launch;
  // Noted before, so that an agent that dies right after it does not start the same instance twice.
  remember(turn);
  turn.effects.push({
    kind: 'spawn',
    instance: instance.id,
    run: instance.run,
    service: instance.service,
    args,
    env,
  });
  awaitHello(turn, instance);
}

/** The first socket or plug that the graph asks for and the repository, where it says, does not have. */
function whatIsMissing(service: RepositoryService, request: Message<'execution_request'>): string | null {
  for (const { socket } of request.socket_configuration)
    if (service.sockets !== null && !service.sockets.includes(socket)) return `socket '${socket}'`;
  for (const { plug } of request.plug_configuration)
    if (service.plugs !== null && !service.plugs.includes(plug)) return `plug '${plug}'`;
  return null;
}

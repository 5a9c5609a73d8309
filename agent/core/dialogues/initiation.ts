/**
 * Dialogue: registration at the Manager (initiation_request, initiation_response). R09, R11, R16, R47, R51, R52.
 *
 * Lives here: what an agent says of itself and what follows from the answer. Does not live here: when it
 * connects (manager-link.ts).
 *
 *   2xx              registered, unless the epoch is lower than one seen of the same cluster (R51)
 *   409              another live agent holds the address: tries again with back-off (R48)
 *   any other 4xx    the agent stops with a clear sentence (R52)
 *   anything else    tries again with back-off
 */
import { statusText } from '../../../ssmmp/core/status.ts';
import type { Message } from '../../../ssmmp/core/catalog.ts';
import { parseId } from '../../../ssmmp/core/names.ts';
import { remember } from '../adoption.ts';
import { dropLink, endLink, tell } from '../manager-link.ts';
import { sendReports } from '../reports.ts';
import type { Turn } from '../turn.ts';
import { sendRequestsAgain } from './sessions.ts';

/** What this project speaks (R09). */
const VERSION = '1.1';
/** Where a person reads on. */
const WHERE = 'see R17, R48 and R52 of the rulings';

export function requestRegistration(turn: Turn): void {
  const { state, settings } = turn;
  const { link } = state;
  link.requestId = turn.messageId();
  const running: number[] = [];
  for (const instance of state.instances.values()) {
    instance.listed = instance.status !== 'probing' && instance.status !== 'ended';
    if (instance.listed) running.push(instance.id);
  }
  turn.sendToManager({
    type: 'initiation_request',
    message_id: link.requestId,
    sub_type: turn.subType('initiation_request'),
    agent_network_address: settings.address,
    service_repository: settings.repository.map(({ name }) => name),
    x: {
      x_version: VERSION,
      x_node: settings.node,
      // No such line means unknown, not none.
      ...(state.childrenKnown ? { x_running_instances: running.join(', ') } : {}),
    },
  });
  turn.deadline('link', '', state.timers.lostMs);
}

export function onInitiationResponse(turn: Turn, message: Message<'initiation_response'>): void {
  const { link } = turn.state;
  if (link.status !== 'registering' || message.message_id !== link.requestId) return;
  turn.clear('link', '');
  const { status } = message;
  const words = `${status} ${statusText('initiation_response', status)}`;
  if (status >= 200 && status < 300) return register(turn, message);
  if (status >= 400 && status < 500 && status !== 409) {
    const why = `the Manager refuses ${turn.self}: ${words}; ${WHERE}`;
    turn.log('error', why, { status });
    endLink(turn, why);
    turn.effects.push({ kind: 'stop', code: 1, why });
    return;
  }
  tell(turn, 'warn', `the Manager answered the registration with ${words}; trying again`);
  dropLink(turn, `registration answered ${status}`);
}

function register(turn: Turn, message: Message<'initiation_response'>): void {
  const { state } = turn;
  const { link } = state;
  const cluster = message.x?.x_cluster ?? null;
  const epoch = parseId(message.x?.x_epoch ?? '');
  if (epoch !== null && cluster !== null && cluster === state.cluster && epoch < state.epoch) {
    tell(turn, 'error', `refused a Manager of epoch ${epoch}: cluster ${cluster} has had epoch ${state.epoch} (R51)`);
    return dropLink(turn, `epoch ${epoch} is over, ${state.epoch} was seen (R51)`);
  }
  link.status = 'registered';
  link.attempts = 0;
  link.told = '';
  const isNews = epoch !== null && cluster !== null && (cluster !== state.cluster || epoch !== state.epoch);
  if (isNews) {
    state.cluster = cluster;
    state.epoch = epoch;
  }
  // From here on the Manager knows that it was unknown, and starts nothing again that may run already.
  const wasUnknown = !state.childrenKnown;
  state.childrenKnown = true;
  if (isNews || wasUnknown) remember(turn);
  turn.log('info', 'registered at the Manager', { epoch, cluster });
  sendReports(turn);
  sendRequestsAgain(turn);
}

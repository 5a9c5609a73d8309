/**
 * Rebalancing: sessions move to instances that came later.
 *
 * Lives here: which sessions are closed so that they open again elsewhere. Does not live here: where they
 * open again (policy/balancing.ts). Two reasons to close one: its destination has more than its even share,
 * or its plug holds fewer sessions than there are replicas and does not know (the answer to its next request
 * tells it, `x_replicas`). Both end when all is even, so it never goes on for ever.
 */
import { askClose } from '../dialogues/session-close.ts';
import { loadOf, nameOf } from '../instances.ts';
import type { Instance, ServiceState } from '../state.ts';
import type { Turn } from '../turn.ts';
import { partOf, weightOf } from '../versions.ts';

/** Sessions that one call closes at most; the next beat goes on. */
const CLOSES_MAX = 32;
/** Sessions to distinct replicas one plug holds at most. */
export const SESSIONS_PER_PLUG_MAX = 8;

/** At the end of a step in which instances came on: their services need not wait for the next beat. */
export function rebalanceArrived(turn: Turn): void {
  if (turn.state.stopping !== null) return;
  for (const name of new Set(turn.arrived.map(({ service }) => service))) {
    const service = turn.state.services.get(name);
    // What drains gives up its sessions anyway, and they open where there are fewest; closing others too would be for nothing.
    if (service !== undefined && !isDraining(turn, service)) rebalance(turn, service);
  }
}

/** Brings the sessions of a service nearer to even; called when a replica is new, and on each beat until it is. */
export function rebalance(turn: Turn, service: ServiceState): void {
  const { state } = turn;
  const ready = readyOf(turn, service);
  if (ready.length < 2) return;
  let total = 0;
  for (const instance of ready) total += loadOf(instance);
  // A policy that does not look at sessions leaves them uneven, and weights make them so: they are spread once when a
  // replica comes or the weights change, not for ever.
  const { balancing } = state.graph.policies;
  const isEven = (balancing === 'least-sessions' || balancing === 'weighted') && ready.every(isUnweighted);
  const spreads = isEven || ready.some(({ fresh }) => fresh);
  let closes = 0;
  const close = (key: string, reason: string): void => {
    if (state.sessions.get(key)?.status !== 'on' || closes >= CLOSES_MAX) return;
    closes += 1;
    askClose(turn, key, 'source', reason);
  };
  const shareOf = spreads ? shares(turn, ready, total) : () => total;
  for (const instance of spreads ? ready : []) {
    const share = shareOf(instance);
    let surplus = loadOf(instance) - share;
    for (const key of [...instance.incoming]) {
      if (surplus <= 0) break;
      // A plug that reaches every replica would open it here again.
      if (!isEven && reachesAll(turn, key, ready)) continue;
      surplus -= 1;
      close(key, `rebalanced: ${nameOf(instance)} has more than ${share} of ${total} sessions`);
    }
  }
  if (closes < CLOSES_MAX) for (const instance of ready) instance.fresh = false;
  if (state.settings.strict) return;
  for (const key of narrowPlugs(turn, ready)) close(key, 'rebalanced: its plug is to spread over the replicas');
  for (const key of stalePlugs(turn, service, ready)) close(key, 'rebalanced: its part of the requests is another now');
}

/** Sessions that were told another part of the requests than is theirs now; of each plug at most half at one time. */
function stalePlugs(turn: Turn, service: ServiceState, ready: readonly Instance[]): string[] {
  const stale: string[] = [];
  const ofPlug = new Map<string, number>();
  for (const instance of ready) {
    const part = partOf(turn.state, service, instance);
    if (part === null) continue;
    for (const key of instance.incoming) {
      const session = turn.state.sessions.get(key);
      if (session === undefined || session.part === part) continue;
      const plug = `${session.source}/${session.plug}`;
      const count = (ofPlug.get(plug) ?? 0) + 1;
      ofPlug.set(plug, count);
      if (count <= Math.ceil(ready.length / 2)) stale.push(key);
    }
  }
  return stale;
}

function isUnweighted({ version }: Instance): boolean {
  return version === null;
}

/** Each instance's share of so many sessions: its version's, divided among the version's ready replicas. */
function shares({ state }: Turn, ready: readonly Instance[], total: number): (instance: Instance) => number {
  const replicas = new Map<string | null, number>();
  for (const { version } of ready) replicas.set(version, (replicas.get(version) ?? 0) + 1);
  const weight = (instance: Instance): number => weightOf(state, instance) / (replicas.get(instance.version) ?? 1);
  const whole = ready.reduce((sum, instance) => sum + weight(instance), 0) || 1;
  // Without the rounding of a sum of fractions: three shares of three are one each.
  return (instance) => Math.ceil((total * weight(instance)) / whole - 1e-9);
}

function reachesAll(turn: Turn, key: string, ready: readonly Instance[]): boolean {
  const source = turn.state.instances.get(turn.state.sessions.get(key)?.source ?? 0);
  return source !== undefined && ready.every(({ id }) => source.reaches.has(id));
}

/**
 * A replica went: what plugs were told before is out of date. They will be told of fewer with their next session, and
 * when another replica comes they are to be told anew.
 */
export function forgetTold(turn: Turn, name: string): void {
  const service = turn.state.services.get(name);
  if (service === undefined) return;
  const most = Math.max(1, service.ready.size);
  for (const instance of readyOf(turn, service))
    for (const key of instance.incoming) {
      const session = turn.state.sessions.get(key);
      if (session !== undefined && session.told > most) session.told = most;
    }
}

/** One session of each plug that holds fewer sessions than it could, unless it has been told the number already. */
function narrowPlugs(turn: Turn, ready: readonly Instance[]): string[] {
  const { state } = turn;
  const wanted = Math.min(ready.length, SESSIONS_PER_PLUG_MAX);
  const plugs = new Map<string, { told: number; key: string }>();
  for (const instance of ready)
    for (const key of instance.incoming) {
      const session = state.sessions.get(key);
      if (session === undefined) continue;
      const plug = `${session.source}/${session.plug}`;
      const known = plugs.get(plug);
      plugs.set(plug, { told: Math.max(known?.told ?? 0, session.told), key: known?.key ?? key });
    }
  return [...plugs.values()].filter(({ told }) => told < wanted).map(({ key }) => key);
}

function isDraining(turn: Turn, service: ServiceState): boolean {
  for (const id of service.live) if (turn.state.instances.get(id)?.status === 'draining') return true;
  return false;
}

function readyOf(turn: Turn, service: ServiceState): Instance[] {
  return service.ready.save().flatMap((id) => turn.state.instances.get(id) ?? []);
}

/**
 * A fault: what is asked for, what is recorded while it is on.
 *
 * Lives here: the kinds of faults, their shapes, reading one that came as JSON, telling one in a line. Does not live here:
 * doing one (operator/shell/fault-keeper.ts, fault-acts.ts).
 *
 * Every fault has an undo: that of `stop` is `continue`, that of `node-off` is `node-on`, that of `cut` is `heal`; `slow`,
 * `fill-disk` and `hold` end with `undo`. It comes when it is asked for, when the fault's time is over, and when the
 * testbed ends, whichever is first.
 */
import { z } from 'zod';
import type { Decision } from './wire.ts';

/** What a process that can be stopped is. */
export const STOPPABLE = ['instance', 'agent', 'manager', 'supervisor'] as const;

/** The other end of a node's link: the Manager, the users of its gateway, another node, or everybody. */
const peer = z.union([
  z.literal('manager'),
  z.literal('users'),
  z.literal('all'),
  z.object({ node: z.number().int() }),
]);

const common = { forMs: z.number().int().positive().nullable() };
const link = { node: z.number().int(), peer };

/** What is asked for. `forMs`: undone by itself after this; null: when somebody says so. */
export const faultRequest = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('stop'),
    what: z.enum(STOPPABLE),
    name: z.string(),
    pid: z.number().int().min(2),
    startTime: z.string().nullable(),
    ...common,
  }),
  z.object({ kind: z.literal('node-off'), node: z.number().int(), ...common }),
  /** One way: what the node sends is lost, or what the peer sends. */
  z.object({ kind: z.literal('cut'), ...link, oneWay: z.enum(['from-node', 'to-node']).nullable(), ...common }),
  z.object({
    kind: z.literal('slow'),
    ...link,
    shape: z.object({
      delayMs: z.number().min(0),
      jitterMs: z.number().min(0),
      bytesPerSecond: z.number().positive().nullable(),
      lossPercent: z.number().min(0).max(100),
      resetsPerMinute: z.number().min(0),
    }),
    ...common,
  }),
  z.object({
    kind: z.literal('hold'),
    /** Null: of all nodes. */
    node: z.number().int().nullable(),
    from: z.enum(['manager', 'agent']),
    type: z.string().nullable(),
    nth: z.number().int().positive(),
    then: z.enum(['deliver', 'drop', 'duplicate', 'reorder']).nullable(),
    ...common,
  }),
  /** Of the Manager's journal, or of the store of this name. */
  z.object({ kind: z.literal('fill-disk'), whose: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/), ...common }),
  /** For demos: the program that runs the Manager stays down. */
  z.object({ kind: z.literal('manager-off'), ...common }),
]);

export type FaultRequest = z.infer<typeof faultRequest>;
export type FaultKind = FaultRequest['kind'];
export type Peer = z.infer<typeof peer>;
export type CutRequest = Extract<FaultRequest, { kind: 'cut' }>;

/** Starting: not in effect yet. Armed: waits for its message. Held: has it, and somebody must decide. On: all others. */
export type FaultStatus = 'starting' | 'on' | 'armed' | 'held' | 'done';

/** A fault that is on, as `faults` of faults.json and `fault list -o json` have it. */
export interface FaultRecord {
  readonly id: string;
  readonly kind: FaultKind;
  /** `post/5`, `node 2 and the Manager`. */
  readonly target: string;
  /** In words: `100 ms, 5 % lost`. */
  readonly detail: string;
  readonly status: FaultStatus;
  /** ISO 8601. */
  readonly since: string;
  readonly until: string | null;
  readonly undo: string;
  /** The message that is held. */
  readonly message: string | null;
  /** Where users connect to have it, for a link of users. */
  readonly address: string | null;
  readonly request: FaultRequest;
}

/** What the front is asked over its port. */
export const frontRequest = z.discriminatedUnion('do', [
  z.object({ do: z.literal('fault'), fault: faultRequest }),
  z.object({ do: z.literal('undo'), id: z.string() }),
  z.object({ do: z.literal('undo-all') }),
  z.object({
    do: z.literal('decide'),
    id: z.string(),
    decision: z.enum(['deliver', 'drop', 'duplicate', 'reorder']),
  }),
]);
export type FrontRequest = z.infer<typeof frontRequest>;
export type { Decision };

/** Whom a fault is about, in words. */
export function targetText(request: FaultRequest): string {
  switch (request.kind) {
    case 'stop':
      return request.name;
    case 'node-off':
      return `node ${request.node}`;
    case 'cut':
    case 'slow':
      return linkText(request.node, request.peer);
    case 'hold':
      return request.node === null ? 'all nodes and the Manager' : linkText(request.node, 'manager');
    case 'fill-disk':
      return request.whose === 'manager' ? "the Manager's journal" : request.whose;
    case 'manager-off':
      return 'the Manager';
  }
}

/** `node 2 and the Manager`. */
export function linkText(node: number, other: Peer): string {
  if (other === 'all') return `node ${node} and everybody`;
  return `node ${node} and ${other === 'manager' ? 'the Manager' : other === 'users' ? 'users' : `node ${other.node}`}`;
}

/** What it does, in words. */
export function detailText(request: FaultRequest): string {
  switch (request.kind) {
    case 'stop':
      return 'stopped, does nothing';
    case 'node-off':
      return 'all its processes killed';
    case 'fill-disk':
      return 'its disk is full';
    case 'manager-off':
      return 'killed, not started again';
    case 'cut':
      if (request.oneWay === null) return 'nothing passes';
      return request.oneWay === 'from-node' ? 'nothing leaves the node' : 'nothing reaches the node';
    case 'slow':
      return shapeText(request.shape);
    case 'hold': {
      const what = request.type ?? 'message but those of health';
      const then = request.then === null ? '' : `, then ${request.then}`;
      return `before ${request.from === 'manager' ? "the Manager's" : "the agent's"} ${ordinal(request.nth)} ${what}${then}`;
    }
  }
}

/** The command that undoes it. */
export function undoText(id: string, request: FaultRequest): string {
  switch (request.kind) {
    case 'stop':
      return `ssmmp fault continue ${request.what}${request.what === 'instance' ? ` ${request.name}` : ''}${request.what === 'agent' ? ` ${/\d+$/.exec(request.name)?.[0] ?? ''}` : ''}`;
    case 'node-off':
      return `ssmmp fault node-on ${request.node}`;
    case 'cut':
      return `ssmmp fault heal ${request.node} ${peerWord(request.peer)}`;
    case 'slow':
    case 'hold':
    case 'fill-disk':
    case 'manager-off':
      return `ssmmp fault undo ${id}`;
  }
}

/** As a person types it. */
export function peerWord(other: Peer): string {
  return typeof other === 'string' ? other : String(other.node);
}

/** Is it a cut of this node, from that end or (null) from any? For `heal`. */
export function isCutOf({ request }: FaultRecord, node: number, end: Peer | null): boolean {
  return request.kind === 'cut' && request.node === node && (end === null || peerWord(request.peer) === peerWord(end));
}

function shapeText({ delayMs, jitterMs, bytesPerSecond, lossPercent, resetsPerMinute }: SlowShape): string {
  const parts = [
    ...(delayMs > 0 ? [`${delayMs} ms late`] : []),
    ...(jitterMs > 0 ? [`up to ${jitterMs} ms more`] : []),
    ...(bytesPerSecond !== null ? [`${bytesPerSecond} bytes/s`] : []),
    ...(lossPercent > 0 ? [`${lossPercent} % lost`] : []),
    ...(resetsPerMinute > 0 ? [`${resetsPerMinute} resets a minute`] : []),
  ];
  return parts.join(', ') || 'a good link';
}

type SlowShape = Extract<FaultRequest, { kind: 'slow' }>['shape'];

function ordinal(n: number): string {
  const last = n % 10;
  const isTeen = Math.floor(n / 10) % 10 === 1;
  return `${n}${isTeen || last > 3 || last === 0 ? 'th' : last === 1 ? 'st' : last === 2 ? 'nd' : 'rd'}`;
}

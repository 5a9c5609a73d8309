/**
 * Users: each sends one operation after another to a gateway, again and again until it is acknowledged.
 *
 * Lives here: their requests, patience and memory of what was acknowledged. Does not live here: whether that memory is
 * right (laws/operations.ts). Users sit beside the Manager (node 0); where a gateway is they see from its public port.
 */
import type { Scheduled, SimEvent } from './events.ts';
import { DONE } from './data-path.ts';
import { RESULTS_PER_STORE } from './shared-disk.ts';
import type { InstanceProcess } from './instance-process.ts';
import type { World } from './world.ts';

/** Another graph may lead an operation that is sent again to another store: that is the graph's doing. */
function storeOf(result: number): number {
  return Math.floor(result / RESULTS_PER_STORE);
}

interface User {
  operation: number | null;
  attempt: number;
  patience: Scheduled | null;
}

/** A user waits so long for an answer, and so long after a refusal, before it sends again. */
const PATIENCE_US = 3_000_000;
const PAUSE_US = 200_000;

export class Users {
  /** Acknowledged operations, with their results. */
  readonly acknowledged = new Map<number, number>();
  /** Operations answered with another result than before: broken, see laws/operations.ts. */
  readonly contradicted: string[] = [];
  sent = 0;
  /** No new operations; those under way are finished. */
  isStopped = false;
  private readonly users: User[] = [];
  private readonly world: World;

  constructor(world: World) {
    this.world = world;
    for (let user = 0; user < world.options.users; user += 1) {
      this.users.push({ operation: null, attempt: 0, patience: null });
      this.think(user);
    }
  }

  /** Users whose operation is not acknowledged yet. */
  get waiting(): number {
    return this.users.filter(({ operation }) => operation !== null).length;
  }

  /** From an instance: the answer goes back over the network. */
  answer(user: number, operation: number, status: number, result: number, node = 0): void {
    const { network } = this.world;
    if (network.isCut(node, 0)) return;
    this.world.after(network.delayUs(node, 0), { kind: 'user_answer', user, operation, status, result });
  }

  on(event: Extract<SimEvent, { kind: 'user_sends' | 'user_timeout' | 'user_answer' }>): void {
    const user = this.users[event.user];
    if (user === undefined) return;
    switch (event.kind) {
      case 'user_sends':
        if (user.operation === null) {
          if (this.isStopped) return;
          user.operation = this.sent += 1;
        }
        return this.send(event.user, user);
      case 'user_timeout':
        if (user.operation !== null && user.attempt === event.attempt) this.send(event.user, user);
        return;
      case 'user_answer':
        return this.onAnswer(event.user, user, event.operation, event.status, event.result);
    }
  }

  private onAnswer(index: number, user: User, operation: number, status: number, result: number): void {
    if (status === DONE) {
      const before = this.acknowledged.get(operation);
      if (before === undefined) this.acknowledged.set(operation, result);
      else if (before !== result && storeOf(before) === storeOf(result))
        this.contradicted.push(`operation ${operation}: ${before}, then ${result}`);
    }
    if (user.operation !== operation) return;
    user.attempt += 1;
    if (user.patience !== null) this.world.cancel(user.patience);
    if (status === DONE) {
      user.operation = null;
      this.think(index);
    } else this.world.after(PAUSE_US, { kind: 'user_sends', user: index });
  }

  private send(index: number, user: User): void {
    const { world } = this;
    user.attempt += 1;
    const gateways: InstanceProcess[] = [];
    for (const process of world.instances.values()) if (this.isReachable(process)) gateways.push(process);
    if (gateways.length === 0) {
      user.attempt += 1;
      world.after(PAUSE_US, { kind: 'user_sends', user: index });
      return;
    }
    user.patience = world.after(PATIENCE_US, { kind: 'user_timeout', user: index, attempt: user.attempt });
    const gateway = world.chance.load.pick(gateways);
    world.after(world.network.delayUs(0, gateway.node), {
      kind: 'user_request',
      process: gateway.pid,
      user: index,
      operation: user.operation ?? 0,
    });
  }

  private isReachable(process: InstanceProcess): boolean {
    const { world } = this;
    if (!process.isPublic || world.network.isCut(0, process.node)) return false;
    return process.settings.sockets.every(({ port }) => world.listenerAt(process.node, port) === process);
  }

  private think(user: number): void {
    const [least, most] = this.world.options.thinkUs;
    this.world.after(this.world.chance.load.between(least, most), { kind: 'user_sends', user });
  }
}

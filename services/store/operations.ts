/**
 * "Safe to send twice", once for all stores: an operation takes effect once and gets the same answer, whichever gateway
 * or replica sent it and however often, also after a crash (cnapp.md, Operation_id). What may not live here: what the
 * operations do.
 *
 * Theory. The answer is remembered in the same commit as the change it answers for, under (user, operation id). So
 * there is no moment at which one is on disk without the other. What was refused had no effect and is not remembered:
 * sent again it is decided again. Old answers go two with every new one, so there is no sweep and no timer.
 */

import { createHash } from 'node:crypto';
import { isGatewayMade } from '../protocols/operation-id.ts';
import { errorRest, OPERATION_KEPT_MS, userKey } from '../protocols/user.ts';
import { asStoreError, StoreError, type Change, type Row, type Store } from './store.ts';

/** Ids that a gateway made are only sent again by plugs, within seconds. */
export const GATEWAY_OPERATION_KEPT_MS = 10 * 60_000;
/** Most answers kept of either kind; beyond it the oldest go before their time. */
export const OPERATIONS_MAX = 200_000;
/** How long a client should wait before it sends again what a store could not take, ms. */
export const RETRY_WHEN_FULL_MS = 2000;
export const RETRY_WHEN_FENCED_MS = 200;

const FORGOTTEN_PER_OPERATION = 2;

/** Who does what. `content`: everything by which two requests differ, see digestOf. */
export interface Operation {
  readonly user: string;
  readonly operationId: string;
  readonly content: string;
}

/** What to do about a new operation: change something and answer, or refuse. Answers are rests (okRest, errorRest). */
export type Decision =
  | {
      readonly changes: readonly Change[];
      readonly answer: string;
      /** Called when it is on disk. */ readonly stored?: () => void;
    }
  | { readonly refusal: string };

interface OperationRow extends Row {
  readonly atMs: number;
  readonly content: string;
  readonly answer: string;
}

export class Operations {
  readonly #store: Store;
  readonly #serviceName: string;
  readonly #now: () => number;
  readonly #kept: number;

  constructor(store: Store, serviceName: string, now: () => number, keptMax = OPERATIONS_MAX) {
    this.#store = store;
    this.#serviceName = serviceName;
    this.#now = now;
    this.#kept = keptMax;
  }

  /**
   * Does an operation once. `decide` is called at most once, at once, with nothing between it and its changes; it looks
   * at the tables as they are. Resolves with the rest of the answer when everything it says is on disk: also 409 for an
   * id that was used for something else, and 503 when the store cannot write.
   */
  async once(operation: Operation, decide: () => Decision): Promise<string> {
    try {
      // The claim is looked at again when it is on disk (R50); seen now, an owner that was cut off for a while writes nothing at all.
      this.#store.checkOwner(this.#now());
      const known = this.#find(operation);
      if (known !== null) {
        await this.#store.settled();
        return known.content === operation.content ? known.answer : otherContent(operation);
      }
      const decision = decide();
      if ('refusal' in decision) {
        await this.#store.settled(); // it may have been refused because of something that is not on disk yet
        return decision.refusal;
      }
      await this.#store.commit([...decision.changes, ...this.#remember(operation, decision.answer)]);
      decision.stored?.();
      return decision.answer;
    } catch (error) {
      return storeRefusal(error, this.#serviceName);
    }
  }

  /** The 409 for an id that was used for something else; null when it was not used, or for this. Changes nothing. */
  conflict(operation: Operation): string | null {
    const known = this.#find(operation);
    return known !== null && known.content !== operation.content ? otherContent(operation) : null;
  }

  /** The change that forgets an operation whose effect is being undone, so that it can be done again. */
  forget(user: string, operationId: string): Change {
    return { table: kindOf(operationId).name, remove: keyOf({ user, operationId }) };
  }

  #find(operation: { readonly user: string; readonly operationId: string }): OperationRow | null {
    const { name, keptMs } = kindOf(operation.operationId);
    const row = this.#store.table<OperationRow>(name).get(keyOf(operation));
    return row !== undefined && row.atMs > this.#now() - keptMs ? row : null;
  }

  #remember(operation: Operation, answer: string): Change[] {
    const { name, keptMs } = kindOf(operation.operationId);
    const atMs = this.#now();
    const put: OperationRow = { key: keyOf(operation), atMs, content: operation.content, answer };
    const changes: Change[] = [
      { table: name, remove: put.key },
      { table: name, put },
    ]; // an expired one moves to the end
    const table = this.#store.table<OperationRow>(name);
    let spare = table.size - this.#kept;
    for (const old of table.values()) {
      if (changes.length >= 2 + FORGOTTEN_PER_OPERATION || (old.atMs > atMs - keptMs && spare < 0)) break;
      changes.push({ table: name, remove: old.key });
      spare -= 1;
    }
    return changes;
  }
}

/** A short name for a content: equal for equal parts, and for no others that anybody could find. */
export function digestOf(...parts: readonly (string | number)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 22);
}

/** The 503 for a StoreError or an error of the file system; another error is thrown on. */
export function storeRefusal(error: unknown, serviceName: string): string {
  if (!(error instanceof StoreError) && (error as NodeJS.ErrnoException).code === undefined) throw error;
  switch (asStoreError(error, serviceName).kind) {
    case 'full':
      return errorRest(
        503,
        `The disk of ${serviceName} is full: nothing was stored. Reading goes on; make room and try again.`,
        RETRY_WHEN_FULL_MS,
      );
    case 'failed':
    case 'corrupt':
      return errorRest(503, `The disk of ${serviceName} failed: nothing was stored.`, RETRY_WHEN_FULL_MS);
    case 'fenced':
    case 'closed':
      return errorRest(503, `This instance of ${serviceName} is being replaced. Try again.`, RETRY_WHEN_FENCED_MS);
  }
}

function keyOf(operation: { readonly user: string; readonly operationId: string }): string {
  return `${userKey(operation.user)} ${operation.operationId}`;
}

function kindOf(operationId: string): { name: string; keptMs: number } {
  return isGatewayMade(operationId)
    ? { name: 'gateway_operations', keptMs: GATEWAY_OPERATION_KEPT_MS }
    : { name: 'operations', keptMs: OPERATION_KEPT_MS };
}

function otherContent(operation: Operation): string {
  return errorRest(409, `Operation_id ${operation.operationId} was used for something else; take a new one`);
}

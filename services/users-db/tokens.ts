/**
 * The key that signs tokens, and the tokens that were revoked by a logout. The key is made once, is never logged, and
 * leaves this store only as the answer to `token_key_request`.
 *
 * Theory. Gateways ask what was revoked since they last asked, so revocations are numbered. A revoked token that would
 * have ended by itself is not kept; the number goes on from a row of its own, or a gateway would miss what comes after
 * the last one was forgotten.
 */

import { randomBytes } from 'node:crypto';
import { errorRest, okRest } from '../protocols/user.ts';
import { encodeRevoked, REVOKED_PER_ANSWER_MAX, type RevokedSince, type RevokeToken } from '../protocols/users.ts';
import { digestOf, storeRefusal, type Operations } from '../store/operations.ts';
import { readable, type Change, type Row, type Store } from '../store/store.ts';

interface KeyRow extends Row {
  readonly secret: string;
}

interface RevokedRow extends Row {
  readonly number: number;
  readonly expiresMs: number;
}

interface CounterRow extends Row {
  readonly value: number;
}

const KEYS = 'keys';
const TOKEN_KEY = 'token';
const REVOKED = 'revoked_tokens';
const COUNTERS = 'counters';
const REVOCATIONS = 'revocations';
/** As long as the hash's output: RFC 2104 advises not less. */
const KEY_BYTES = 32;
const FORGOTTEN_PER_REVOCATION = 2;

export class Tokens {
  readonly #store: Store;
  readonly #operations: Operations;
  readonly #serviceName: string;
  readonly #now: () => number;

  constructor(store: Store, operations: Operations, serviceName: string, now: () => number) {
    this.#store = store;
    this.#operations = operations;
    this.#serviceName = serviceName;
    this.#now = now;
  }

  /** The key in base64; made, and on disk, when it is asked for the first time. */
  async key(): Promise<string> {
    try {
      const known = this.#store.table<KeyRow>(KEYS).get(TOKEN_KEY);
      if (known !== undefined) {
        await this.#store.settled();
        return okRest([known.secret]);
      }
      const put: KeyRow = { key: TOKEN_KEY, secret: randomBytes(KEY_BYTES).toString('base64') };
      await this.#store.commit([{ table: KEYS, put }]);
      return okRest([put.secret]);
    } catch (error) {
      return storeRefusal(error, this.#serviceName);
    }
  }

  revoke(request: RevokeToken): Promise<string> {
    return this.#operations.once({ ...request, content: digestOf('logout', request.tokenId) }, () => {
      if (this.#store.table(REVOKED).has(request.tokenId)) {
        return { refusal: errorRest(401, 'this token was logged out before') };
      }
      const number = this.#newest() + 1;
      const put: RevokedRow = { key: request.tokenId, number, expiresMs: request.expiresMs };
      const counter: CounterRow = { key: REVOCATIONS, value: number };
      const changes: Change[] = [{ table: REVOKED, put }, { table: COUNTERS, put: counter }, ...this.#forget()];
      return { changes, answer: okRest() };
    });
  }

  async revokedSince(request: RevokedSince): Promise<string> {
    try {
      await readable(this.#store, this.#now());
      const tokens: { tokenId: string; expiresMs: number }[] = [];
      const newest = this.#newest();
      let upTo = newest;
      if (request.since < newest) {
        for (const row of this.#store.table<RevokedRow>(REVOKED).values()) {
          if (row.number <= request.since) continue;
          if (tokens.length === REVOKED_PER_ANSWER_MAX) break;
          tokens.push({ tokenId: row.key, expiresMs: row.expiresMs });
          upTo = row.number;
        }
        if (tokens.length < REVOKED_PER_ANSWER_MAX) upTo = newest;
      }
      return encodeRevoked({ upTo, more: upTo < newest, tokens });
    } catch (error) {
      return storeRefusal(error, this.#serviceName);
    }
  }

  #newest(): number {
    return this.#store.table<CounterRow>(COUNTERS).get(REVOCATIONS)?.value ?? 0;
  }

  #forget(): Change[] {
    const changes: Change[] = [];
    for (const old of this.#store.table<RevokedRow>(REVOKED).values()) {
      if (changes.length >= FORGOTTEN_PER_REVOCATION || old.expiresMs > this.#now()) break;
      changes.push({ table: REVOKED, remove: old.key });
    }
    return changes;
  }
}

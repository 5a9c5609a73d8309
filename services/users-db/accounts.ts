/**
 * Users and their failed logins, as rows of the store. Names are compared without case: the key is in lower case, the
 * row keeps the name as it was typed.
 */

import { LOGIN_FAILURES_MAX, LOGIN_WINDOW_MS, errorRest, okRest, userKey } from '../protocols/user.ts';
import { encodeLoginBegun, type BeginLogin, type EndLogin, type RegisterUser } from '../protocols/users.ts';
import { digestOf, storeRefusal, type Operations } from '../store/operations.ts';
import { readable, type Change, type Row, type Store } from '../store/store.ts';
import { Attempts } from './attempts.ts';

interface UserRow extends Row {
  readonly name: string;
  readonly passwordHash: string;
  readonly registeredMs: number;
}

interface FailuresRow extends Row {
  /** Oldest first, LOGIN_FAILURES_MAX at most. */
  readonly atMs: readonly number[];
}

const USERS = 'users';
const FAILURES = 'failed_logins';
/** Names whose failures are over that go with every new one, so that guessed names do not pile up. */
const FORGOTTEN_PER_FAILURE = 2;

export class Accounts {
  readonly #store: Store;
  readonly #operations: Operations;
  readonly #serviceName: string;
  readonly #now: () => number;
  readonly #attempts: Attempts;

  constructor(store: Store, operations: Operations, serviceName: string, life: number, now: () => number) {
    this.#store = store;
    this.#operations = operations;
    this.#serviceName = serviceName;
    this.#now = now;
    this.#attempts = new Attempts(life, now, (key) => store.table<FailuresRow>(FAILURES).get(key)?.atMs ?? []);
  }

  /** The password is no part of the operation's content here: registration compares it by the hash in the answer. */
  register(request: RegisterUser): Promise<string> {
    const key = userKey(request.user);
    return this.#operations.once({ ...request, content: digestOf('register', key) }, () => {
      if (this.#store.table(USERS).has(key))
        return { refusal: errorRest(409, `the user name ${request.user} is taken`) };
      const { user: name, passwordHash } = request;
      const put: UserRow = { key, name, passwordHash, registeredMs: this.#now() };
      return { changes: [{ table: USERS, put }], answer: okRest([passwordHash]) };
    });
  }

  async beginLogin(request: BeginLogin): Promise<string> {
    const admission = await this.#attempts.begin(request.user);
    if ('retryAfterMs' in admission) {
      const sentence = `too many failed logins for ${request.user}: ${LOGIN_FAILURES_MAX} within ${LOGIN_WINDOW_MS / 1000} s; wait`;
      return errorRest(429, sentence, Math.max(1, Math.ceil(admission.retryAfterMs)));
    }
    try {
      await readable(this.#store, this.#now());
    } catch (error) {
      return storeRefusal(error, this.#serviceName);
    }
    const row = this.#store.table<UserRow>(USERS).get(userKey(request.user));
    const { name: user, passwordHash } = row ?? { name: '', passwordHash: '' };
    return encodeLoginBegun({ user, passwordHash, attempt: admission.attempt });
  }

  /** A failure is on disk when this resolves: a store that restarts gives no ten tries more. */
  async endLogin(request: EndLogin): Promise<string> {
    try {
      const counts = this.#attempts.end(request.user, request.attempt) && !request.succeeded;
      const written = counts ? this.#store.commit(this.#failed(userKey(request.user))) : null;
      this.#attempts.next(request.user);
      await written;
      return okRest();
    } catch (error) {
      return storeRefusal(error, this.#serviceName);
    }
  }

  #failed(key: string): Change[] {
    const table = this.#store.table<FailuresRow>(FAILURES);
    const now = this.#now();
    const atMs = (table.get(key)?.atMs ?? []).filter((at) => at > now - LOGIN_WINDOW_MS);
    const put: FailuresRow = { key, atMs: [...atMs, now].slice(-LOGIN_FAILURES_MAX) };
    const changes: Change[] = [
      { table: FAILURES, remove: key },
      { table: FAILURES, put },
    ]; // the newest stands last
    for (const old of table.values()) {
      if (changes.length >= 2 + FORGOTTEN_PER_FAILURE || old.atMs.at(-1)! > now - LOGIN_WINDOW_MS) break;
      if (old.key !== key) changes.push({ table: FAILURES, remove: old.key });
    }
    return changes;
  }
}

/**
 * Ten failed logins for a name in 60 s, then 429: who may try now, who waits, who is sent away. In memory here is only
 * who tries at this moment; the failures themselves are rows of the store and survive it.
 *
 * Theory. Counting failures after the fact lets a thousand tries pass that came at once. So a try takes one of its
 * name's ten places before the password is looked at; failures hold places for a minute, tries until they end. Who
 * finds none free, though not all are failures, waits until a try ends: ten people who type the right password at the
 * same moment are no attack. A place whose holder never says how it ended is free again after ATTEMPT_MS.
 */

import { randomBytes } from 'node:crypto';
import { LOGIN_FAILURES_MAX, LOGIN_WINDOW_MS, userKey } from '../protocols/user.ts';

/** Longer than any password takes to check; then its holder is taken for dead. */
export const ATTEMPT_MS = 10_000;
/** Tries of one name that wait for a place; more are sent away. */
export const WAITING_MAX = 64;
/** What those are told, ms. */
const WAITING_RETRY_MS = 1000;

export type Admission = { readonly attempt: string } | { readonly retryAfterMs: number };

interface Name {
  /** The end of each place, by attempt. */
  readonly trying: Map<string, number>;
  readonly waiting: ((admission: Admission) => void)[];
  timer: NodeJS.Timeout | null;
}

export class Attempts {
  readonly #names = new Map<string, Name>();
  readonly #life: string;
  readonly #now: () => number;
  readonly #failuresOf: (key: string) => readonly number[];

  /** `life` names this life of the store; `failuresOf` gives the times of a name's latest failures, oldest first. */
  constructor(life: number, now: () => number, failuresOf: (key: string) => readonly number[]) {
    this.#life = `${life}-`;
    this.#now = now;
    this.#failuresOf = failuresOf;
  }

  /** Takes a place, now or when one gets free. */
  begin(user: string): Admission | Promise<Admission> {
    const key = userKey(user);
    const now = this.#tidy(key);
    if (now !== null) return now;
    const name = this.#names.get(key)!;
    if (name.waiting.length >= WAITING_MAX) return { retryAfterMs: WAITING_RETRY_MS };
    const waits = new Promise<Admission>((resolve) => name.waiting.push(resolve));
    this.#wake(key, name);
    return waits;
  }

  /** Gives a place back; false when it was given back before. A place of an earlier life is given back now. */
  end(user: string, attempt: string): boolean {
    if (!attempt.startsWith(this.#life)) return true;
    return this.#names.get(userKey(user))?.trying.delete(attempt) ?? false;
  }

  /** To be called after `end`, when its failure is counted: lets waiting tries in, or sends them away. */
  next(user: string): void {
    const key = userKey(user);
    const name = this.#names.get(key);
    while (name !== undefined && name.waiting.length > 0) {
      const admission = this.#tidy(key);
      if (admission === null) break;
      name.waiting.shift()!(admission);
    }
    if (name !== undefined && name.trying.size === 0 && name.waiting.length === 0) {
      if (name.timer !== null) clearTimeout(name.timer);
      this.#names.delete(key);
    }
  }

  /** How many names are held in memory: those that are trying now. */
  get size(): number {
    return this.#names.size;
  }

  /** A place or a refusal, or null: wait. */
  #tidy(key: string): Admission | null {
    const now = this.#now();
    const failures = this.#failuresOf(key).filter((at) => at > now - LOGIN_WINDOW_MS);
    if (failures.length >= LOGIN_FAILURES_MAX) return { retryAfterMs: failures[0]! + LOGIN_WINDOW_MS - now };
    let name = this.#names.get(key);
    if (name === undefined) this.#names.set(key, (name = { trying: new Map(), waiting: [], timer: null }));
    for (const [attempt, until] of name.trying) if (until <= now) name.trying.delete(attempt);
    if (failures.length + name.trying.size >= LOGIN_FAILURES_MAX) return null;
    const attempt = this.#life + randomBytes(12).toString('base64url');
    name.trying.set(attempt, now + ATTEMPT_MS);
    return { attempt };
  }

  /** Somebody waits: look again when the first place ends by itself. */
  #wake(key: string, name: Name): void {
    if (name.timer !== null) return;
    name.timer = setTimeout(() => {
      name.timer = null;
      this.next(key);
      if (name.waiting.length > 0) this.#wake(key, name);
    }, ATTEMPT_MS);
    name.timer.unref();
  }
}

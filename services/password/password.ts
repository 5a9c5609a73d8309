/**
 * Passwords and their hashes: argon2id, and a queue in front of it. Used by registration (makes hashes) and login
 * (checks them); a store never hashes, so that its event loop and its memory are its own.
 *
 * Theory. A hash that is cheap for us is cheap for a thief. argon2id with OWASP's minimum (19 MiB, 2 passes, 1 lane)
 * takes some 20 ms on a thread of its own, so no more than a few may run at once: a flood of logins would take all
 * memory. Those that find the queue full are told to come back. The native code is loaded when the first password
 * comes, so that an instance starts as fast as one without it.
 */

/** OWASP Password Storage Cheat Sheet, argon2id, first choice. */
const MEMORY_KIB = 19 * 1024;
const PASSES = 2;
const LANES = 1;
/** More do not get ready sooner on a small machine, and each takes MEMORY_KIB. */
export const HASHES_AT_ONCE = 2;
export const HASHES_WAITING_MAX = 64;
/** What somebody is told who finds the queue full, ms. */
export const HASHES_RETRY_MS = 1000;

/** A hash of a password that nobody knows: checked for unknown users, so that they take as long as known ones. */
const NOBODYS_HASH =
  '$argon2id$v=19$m=19456,t=2,p=1$KQWZJ5o7LOsXM7oQefRPAw$+O9X9I4X7Uyut9JzDjIDd79QWVTue7q1lCGNI5mHYCQ';

/** Both reject with QueueFull when too many wait. */
export interface Passwords {
  /** A new hash with a salt of its own, in the PHC format, which names its parameters. */
  hash(password: string): Promise<string>;
  /** `hash` '' stands for a user that does not exist: false, and not sooner than for one that does. */
  verify(hash: string, password: string): Promise<boolean>;
}

export class QueueFull extends Error {
  constructor() {
    super('too many passwords are being checked just now; try again');
    this.name = 'QueueFull';
  }
}

export function argon2Passwords(): Passwords {
  let running = 0;
  const waiting: (() => void)[] = [];

  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (running >= HASHES_AT_ONCE) {
      if (waiting.length >= HASHES_WAITING_MAX) throw new QueueFull();
      await new Promise<void>((resolve) => waiting.push(resolve)); // the place is handed over, `running` stays
    } else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  }

  return {
    hash: (password) =>
      inTurn(async () => {
        const { hash } = await import('@node-rs/argon2'); // its default algorithm is argon2id
        return hash(password, { memoryCost: MEMORY_KIB, timeCost: PASSES, parallelism: LANES });
      }),
    verify: (hash, password) =>
      inTurn(async () => {
        const { verify } = await import('@node-rs/argon2');
        const right = await verify(hash === '' ? NOBODYS_HASH : hash, password);
        return right && hash !== '';
      }),
  };
}

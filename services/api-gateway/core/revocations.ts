/**
 * What this gateway knows of logouts, and how old that is. Pure: the time comes with every question, and asking is
 * somebody else's business (shell/tokens.ts).
 *
 * Theory. A logout must hold at every gateway within 5 s, without a question per request and without questions while
 * nobody asks anything. So the view has an age: the time since the question was sent whose answer it is (a logout that
 * was acknowledged later may be missing). Up to 2 s it is simply used; then, with the next request, a new one is asked
 * for while the old is still used; beyond 4 s requests wait. 4 s, and not 5, leave the answer a second to arrive.
 */

/** From this age on a new view is asked for, in ms. */
export const VIEW_RENEWED_AFTER_MS = 2000;
/** A request does not trust an older view, in ms. */
export const VIEW_TRUSTED_MS = 4000;
/** How often tokens that ended by themselves are looked for, at most. */
const PRUNE_MS = 60_000;

export class Revocations {
  /** Token id → when the token ends by itself. */
  readonly #revoked = new Map<string, number>();
  #askedMs = -Infinity;
  #since = 0;
  #prunedMs = -Infinity;

  /** The number of the newest revocation that is in the view: ask from here. */
  get since(): number {
    return this.#since;
  }

  isTrusted(nowMs: number): boolean {
    return nowMs - this.#askedMs <= VIEW_TRUSTED_MS;
  }

  isToBeRenewed(nowMs: number): boolean {
    return nowMs - this.#askedMs > VIEW_RENEWED_AFTER_MS;
  }

  has(tokenId: string): boolean {
    return this.#revoked.has(tokenId);
  }

  /** One token, known here before it comes in a view: it was logged out through this gateway. */
  add(tokenId: string, expiresMs: number): void {
    this.#revoked.set(tokenId, expiresMs);
  }

  /** An answer to a question asked at `askedMs`; `isComplete` when nothing is left to ask. */
  take(
    answer: { upTo: number; tokens: readonly { tokenId: string; expiresMs: number }[] },
    isComplete: boolean,
    askedMs: number,
  ): void {
    for (const { tokenId, expiresMs } of answer.tokens) this.#revoked.set(tokenId, expiresMs);
    this.#since = Math.max(this.#since, answer.upTo);
    if (!isComplete) return;
    this.#askedMs = askedMs;
    if (askedMs - this.#prunedMs < PRUNE_MS) return;
    this.#prunedMs = askedMs;
    for (const [tokenId, expiresMs] of this.#revoked) if (expiresMs <= askedMs) this.#revoked.delete(tokenId);
  }
}

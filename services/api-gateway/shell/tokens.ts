/**
 * Checking tokens: the signature here, the key and the logouts from login over its plug. What may not live here: what a
 * token looks like (protocols/token.ts), how old a view of logouts may be (core/revocations.ts).
 *
 * Theory. `check` answers at once whenever it can: a token that was checked is remembered, the key is fetched once, the
 * view of logouts is renewed in the background. Where it cannot, it says so, and the caller waits for `ready` and asks
 * again. All of it can be lost: a new gateway fetches it with its first request.
 */

import { createHmac, timingSafeEqual } from 'node:crypto';
import { PlugError, type Plug } from '../../kit/service.ts';
import { failedRest } from '../../passing/pass.ts';
import { readAnswer } from '../../protocols/answer.ts';
import { decodePart } from '../../protocols/line.ts';
import { parseToken, type TokenClaims } from '../../protocols/token.ts';
import { errorRest } from '../../protocols/user.ts';
import { decodeRevoked, encodeRevokedSince, REVOKED_SINCE_REQUEST, TOKEN_KEY_REQUEST } from '../../protocols/users.ts';
import { Revocations } from '../core/revocations.ts';

/** Checked tokens that are remembered; the oldest goes first. */
export const CHECKED_TOKENS_MAX = 10_000;
/** How often a request that waits for a trusted view lets it be asked for again. */
const VIEW_TRIES_MAX = 3;

/** What a token is: its claims, a refusal (the rest of an answer), or null: wait for `ready`, then ask again. */
export type Verdict = TokenClaims | string | null;

const REFUSED = errorRest(401, 'Line_1 holds no valid token; log in');

export class Tokens {
  readonly #login: Plug;
  readonly #now: () => number;
  readonly #revocations = new Revocations();
  readonly #checked = new Map<string, TokenClaims>();
  #key: Buffer | null = null;
  #fetching: Promise<void> | null = null;
  #renewing: Promise<void> | null = null;

  constructor(login: Plug, now: () => number) {
    this.#login = login;
    this.#now = now;
  }

  /** The token's claims if it is signed, has not ended and was not logged out. */
  check(token: string): Verdict {
    const claims = this.checkSigned(token);
    if (claims === null || typeof claims === 'string') return claims;
    const now = this.#now();
    if (this.#revocations.has(claims.tokenId)) return REFUSED;
    if (!this.#revocations.isToBeRenewed(now)) return claims;
    this.#renew().catch(() => {}); // whoever has to wait for it sees the error
    return this.#revocations.isTrusted(now) ? claims : null;
  }

  /** As `check`, but a token that was logged out still counts: for a logout that is sent again. */
  checkSigned(token: string): Verdict {
    const known = this.#checked.get(token);
    if (known !== undefined) return known.expiresMs > this.#now() ? known : REFUSED;
    const parsed = parseToken(token);
    if (parsed === null || parsed.expiresMs <= this.#now()) return REFUSED;
    if (this.#key === null) return null;
    const expected = createHmac('sha256', this.#key).update(parsed.body).digest();
    const found = Buffer.from(parsed.signature, 'base64url');
    if (found.length !== expected.length || !timingSafeEqual(found, expected)) return REFUSED;
    return this.#remember(token);
  }

  /** Fetches what `check` needs. Resolves with null when it can be asked again, or with a refusal. Never rejects. */
  async ready(): Promise<string | null> {
    try {
      await Promise.all([this.#key === null ? this.#fetch() : null, this.#untilTrusted()]);
      return null;
    } catch (error) {
      if (error instanceof PlugError) return failedRest(error);
      if (error instanceof Refused) return error.rest;
      return errorRest(500, `tokens cannot be checked: ${String(error)}`);
    }
  }

  /** A token that was logged out through this gateway does not hold here any more. */
  loggedOut(claims: TokenClaims): void {
    this.#revocations.add(claims.tokenId, claims.expiresMs);
  }

  #remember(token: string): TokenClaims {
    // The token is a slice of what arrived, and would keep all of it in memory as a key.
    const own = Buffer.from(token, 'latin1').toString('latin1');
    const { expiresMs, tokenId, user } = parseToken(own)!;
    const claims: TokenClaims = { expiresMs, tokenId, user };
    for (const oldest of this.#checked.keys()) {
      if (this.#checked.size < CHECKED_TOKENS_MAX) break;
      this.#checked.delete(oldest);
    }
    this.#checked.set(own, claims);
    return claims;
  }

  #fetch(): Promise<void> {
    this.#fetching ??= this.#login
      .request(TOKEN_KEY_REQUEST, '')
      .then((response) => {
        const answer = readAnswer(response.rest);
        if (answer.status !== 200) throw new Refused(response.rest);
        this.#key = Buffer.from(decodePart(answer.lines[0] ?? '') ?? '', 'base64');
      })
      .finally(() => (this.#fetching = null));
    return this.#fetching;
  }

  async #untilTrusted(): Promise<void> {
    for (let tried = 0; !this.#revocations.isTrusted(this.#now()) && tried < VIEW_TRIES_MAX; tried += 1) {
      await this.#renew();
    }
  }

  #renew(): Promise<void> {
    this.#renewing ??= this.#askRevoked().finally(() => (this.#renewing = null));
    return this.#renewing;
  }

  async #askRevoked(): Promise<void> {
    for (let more = true; more;) {
      const askedMs = this.#now();
      const rest = encodeRevokedSince({ since: this.#revocations.since });
      const response = await this.#login.request(REVOKED_SINCE_REQUEST, rest);
      const answer = readAnswer(response.rest);
      if (answer.status !== 200) throw new Refused(response.rest);
      const revoked = decodeRevoked(answer);
      if (revoked === null) throw new Error(`login answered ${REVOKED_SINCE_REQUEST} with ${response.rest}`);
      more = revoked.more;
      this.#revocations.take(revoked, !more, askedMs);
    }
  }
}

/** An answer of login that says why there is nothing to check tokens with. */
class Refused extends Error {
  readonly rest: string;

  constructor(rest: string) {
    super(`login refused: ${rest}`);
    this.rest = rest;
  }
}

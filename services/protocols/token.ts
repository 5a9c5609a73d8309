/**
 * What a token looks like: login makes it, the gateway reads it. The form only; signing and checking need a key and
 * node:crypto, which a pure file has not, so each of the two does that by itself.
 *
 * A token is `<signature>.<ends at, ms since 1970>.<token id>.<user>`, the signature being HMAC-SHA256 in base64url over
 * everything behind its dot. A user name may hold dots, so it stands last. Nothing in it is secret but the signature.
 */

/** What a token says. True only once its signature was checked. */
export interface TokenClaims {
  readonly expiresMs: number;
  readonly tokenId: string;
  readonly user: string;
}

/** A token taken apart: is `signature` that of `body`? */
export interface ParsedToken extends TokenClaims {
  readonly signature: string;
  readonly body: string;
}

const TOKEN = /^([A-Za-z0-9_-]{43})\.(([1-9][0-9]{12,14})\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_.-]{3,32}))$/;

/** What is to be signed. `tokenId`: 22 characters of base64url, 16 random bytes. */
export function tokenBody(claims: TokenClaims): string {
  return `${claims.expiresMs}.${claims.tokenId}.${claims.user}`;
}

export function formatToken(signature: string, body: string): string {
  return `${signature}.${body}`;
}

/** Null when the text cannot be a token. */
export function parseToken(token: string): ParsedToken | null {
  const match = TOKEN.exec(token);
  if (match === null) return null;
  const [, signature, body, expires, tokenId, user] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  return { signature, body, expiresMs: Number(expires), tokenId, user };
}

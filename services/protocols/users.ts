/**
 * Edges 6 and 7, users-plug to users-socket: what registration and login ask users-db. Both sides.
 * Names of users travel as they were typed; users-db compares them without case.
 */

import { FieldsReader } from './fields.ts';
import { decodePart, encodePart, restOf, splitParts, joinParts } from './line.ts';
import type { Answer } from './answer.ts';
import { okRestOfRaw } from './user.ts';

export const REGISTER_USER_REQUEST = 'register_user_request';
export const BEGIN_LOGIN_REQUEST = 'begin_login_request';
export const END_LOGIN_REQUEST = 'end_login_request';
export const TOKEN_KEY_REQUEST = 'token_key_request';
export const REVOKE_TOKEN_REQUEST = 'revoke_token_request';
export const REVOKED_SINCE_REQUEST = 'revoked_since_request';

/**
 * Answer: 200, Line_3 the stored hash: the one that was sent, or, when this operation made the user earlier, the one
 * that was sent then (the asker has to check that the password is the same one); 409 when the name is taken.
 */
export interface RegisterUser {
  readonly user: string;
  readonly operationId: string;
  readonly passwordHash: string;
}

/** One try to log in. It holds one of the ten places of its name until `end_login_request`, or for a few seconds. */
export interface BeginLogin {
  readonly user: string;
}

/** Answer to BeginLogin at 200; 429 with Line_4 ms when the name had ten failures. */
export interface LoginBegun {
  /** The name as it was registered; '' when there is no such user. */
  readonly user: string;
  /** '' when there is no such user. */
  readonly passwordHash: string;
  readonly attempt: string;
}

/** How a try ended. Answer: 200 without lines, when a failure is on disk. */
export interface EndLogin {
  readonly user: string;
  readonly attempt: string;
  readonly succeeded: boolean;
}

/** Answer: 200 without lines; 401 when another operation revoked the token before. */
export interface RevokeToken {
  readonly user: string;
  readonly operationId: string;
  readonly tokenId: string;
  readonly expiresMs: number;
}

/** Which tokens were revoked after the `since`th revocation; 0 for all. */
export interface RevokedSince {
  readonly since: number;
}

/** Answer to RevokedSince at 200: at most REVOKED_PER_ANSWER_MAX. */
export interface Revoked {
  /** Ask on from here. */
  readonly upTo: number;
  /** True when there is more: ask on at once. */
  readonly more: boolean;
  readonly tokens: readonly { readonly tokenId: string; readonly expiresMs: number }[];
}

/** So that an answer stays far under 256 KiB (about 40 characters each). */
export const REVOKED_PER_ANSWER_MAX = 2000;

export function encodeRegisterUser(request: RegisterUser): string {
  return restOf([
    ['User', encodePart(request.user)],
    ['Operation_id', request.operationId],
    ['Hash', encodePart(request.passwordHash)],
  ]);
}

export function decodeRegisterUser(rest: string): RegisterUser | string {
  const fields = new FieldsReader(rest);
  const request: RegisterUser = {
    user: fields.text('User'),
    operationId: fields.raw('Operation_id'),
    passwordHash: fields.text('Hash'),
  };
  return fields.problem ?? request;
}

export function encodeBeginLogin(request: BeginLogin): string {
  return restOf([['User', encodePart(request.user)]]);
}

export function decodeBeginLogin(rest: string): BeginLogin | string {
  const fields = new FieldsReader(rest);
  const request: BeginLogin = { user: fields.text('User') };
  return fields.problem ?? request;
}

export function encodeLoginBegun(begun: LoginBegun): string {
  return okRestOfRaw([encodePart(begun.user), encodePart(begun.passwordHash), encodePart(begun.attempt)]);
}

/** Null when the answer is not what encodeLoginBegun writes. */
export function decodeLoginBegun(answer: Answer): LoginBegun | null {
  const [user, passwordHash, attempt] = answer.lines.map(decodePart);
  if (typeof user !== 'string' || typeof passwordHash !== 'string' || typeof attempt !== 'string') return null;
  return { user, passwordHash, attempt };
}

export function encodeEndLogin(request: EndLogin): string {
  return restOf([
    ['User', encodePart(request.user)],
    ['Attempt', encodePart(request.attempt)],
    ['Succeeded', request.succeeded ? 'yes' : 'no'],
  ]);
}

export function decodeEndLogin(rest: string): EndLogin | string {
  const fields = new FieldsReader(rest);
  const request: EndLogin = {
    user: fields.text('User'),
    attempt: fields.text('Attempt'),
    succeeded: fields.raw('Succeeded') === 'yes',
  };
  return fields.problem ?? request;
}

export function encodeRevokeToken(request: RevokeToken): string {
  return restOf([
    ['User', encodePart(request.user)],
    ['Operation_id', request.operationId],
    ['Token_id', request.tokenId],
    ['Expires', String(request.expiresMs)],
  ]);
}

export function decodeRevokeToken(rest: string): RevokeToken | string {
  const fields = new FieldsReader(rest);
  const request: RevokeToken = {
    user: fields.text('User'),
    operationId: fields.raw('Operation_id'),
    tokenId: fields.raw('Token_id'),
    expiresMs: fields.number('Expires'),
  };
  return fields.problem ?? request;
}

export function encodeRevokedSince(request: RevokedSince): string {
  return restOf([['Since', String(request.since)]]);
}

export function decodeRevokedSince(rest: string): RevokedSince | string {
  const fields = new FieldsReader(rest);
  const request: RevokedSince = { since: fields.number('Since') };
  return fields.problem ?? request;
}

export function encodeRevoked(revoked: Revoked): string {
  const parts = revoked.tokens.flatMap((token) => [token.tokenId, String(token.expiresMs)]);
  return okRestOfRaw([String(revoked.upTo), revoked.more ? 'yes' : 'no', joinParts(parts)]);
}

/** Null when the answer is not what encodeRevoked writes. */
export function decodeRevoked(answer: Answer): Revoked | null {
  const [upTo, more, list] = answer.lines;
  const parts = list === undefined ? null : list === '' ? [] : splitParts(list);
  if (parts === null || parts.length % 2 !== 0 || !Number.isSafeInteger(Number(upTo))) return null;
  const tokens: { tokenId: string; expiresMs: number }[] = [];
  for (let at = 0; at < parts.length; at += 2) tokens.push({ tokenId: parts[at]!, expiresMs: Number(parts[at + 1]) });
  return { upTo: Number(upTo), more: more === 'yes', tokens };
}

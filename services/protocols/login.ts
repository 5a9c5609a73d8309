/**
 * Edge 2, login-plug to login-socket: what api-gateway asks login: to log a user in or out, and what it needs to check
 * tokens by itself. Both sides. Not here: what a token looks like (token.ts).
 *
 * Theory. A gateway must not ask anybody per request. So it fetches the signing key once (`token_key_request`) and,
 * while it has requests, every few seconds what was logged out since it last asked (`revoked_since_request`). Both are
 * answered by users-db; login passes request and answer on as they are, so their shapes are in users.ts, as is that of
 * `revoke_token_request`, which a logout is.
 */

import { FieldsReader } from './fields.ts';
import { encodePart, restOf } from './line.ts';

export const LOGIN_REQUEST = 'login_request';
export const LOGOUT_REQUEST = 'logout_request';

/** Answer: 200, Line_3 the token; 401; 429 with Line_4 ms. */
export interface Login {
  readonly user: string;
  readonly password: string;
}

export function encodeLogin(login: Login): string {
  return restOf([
    ['User', encodePart(login.user)],
    ['Password', encodePart(login.password)],
  ]);
}

/** The request, or a sentence that says why it cannot be read. */
export function decodeLogin(rest: string): Login | string {
  const fields = new FieldsReader(rest);
  const login: Login = { user: fields.text('User'), password: fields.text('Password') };
  return fields.problem ?? login;
}

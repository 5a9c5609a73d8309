/**
 * login: F of the service that logs users in and out. Stateless: users, failures, revocations and the signing key are in
 * users-db; the key is fetched once and could be fetched again.
 *
 * Theory. Unknown user and wrong password must look the same, in words and in time: so a hash that fits nobody is checked
 * for a user that does not exist. Ten failures in a minute close a name. They are counted in users-db, because there
 * may be several logins, and a try takes one of the ten places before its password is checked: counted only afterwards,
 * a thousand tries at once would all be checked.
 */

import { createHmac, randomBytes } from 'node:crypto';
import type { Answer, LineMessage, ServiceContext, ServiceDefinition } from '../kit/service.ts';
import { PlugError } from '../kit/service.ts';
import { failedRest, passOn, unknownType, unreadableRest } from '../passing/pass.ts';
import { argon2Passwords, HASHES_RETRY_MS, QueueFull, type Passwords } from '../password/password.ts';
import { readAnswer, statusOf } from '../protocols/answer.ts';
import { decodePart, responseTypeOf } from '../protocols/line.ts';
import { decodeLogin, LOGIN_REQUEST, LOGOUT_REQUEST } from '../protocols/login.ts';
import { formatToken, tokenBody } from '../protocols/token.ts';
import { checkUserName, errorRest, okRest, TOKEN_LIFE_MS } from '../protocols/user.ts';
import {
  BEGIN_LOGIN_REQUEST,
  decodeLoginBegun,
  encodeBeginLogin,
  encodeEndLogin,
  END_LOGIN_REQUEST,
  REVOKE_TOKEN_REQUEST,
  REVOKED_SINCE_REQUEST,
  TOKEN_KEY_REQUEST,
} from '../protocols/users.ts';

const TOKEN_ID_BYTES = 16;
/** One text for unknown user and wrong password. */
const WRONG = 'user name or password is wrong';

/** `passwords` is given by tests that have no time for argon2. */
export function create(context: ServiceContext, passwords: Passwords = argon2Passwords()): ServiceDefinition {
  const users = context.plug('users-plug');
  let key: Promise<Buffer> | null = null;

  function signingKey(): Promise<Buffer> {
    key ??= fetchKey().catch((error: unknown) => {
      key = null;
      throw error;
    });
    return key;
  }

  async function fetchKey(): Promise<Buffer> {
    const response = await users.request(TOKEN_KEY_REQUEST, '');
    const answer = readAnswer(response.rest);
    if (answer.status !== 200) throw new Refused(response.rest);
    return Buffer.from(decodePart(answer.lines[0] ?? '') ?? '', 'base64');
  }

  async function logIn(rest: string): Promise<string> {
    const request = decodeLogin(rest);
    if (typeof request === 'string') return unreadableRest(request);
    if (checkUserName(request.user) !== null) {
      await passwords.verify('', request.password);
      return errorRest(401, WRONG); // nobody can have such a name, so there is nothing to count
    }
    const [begun, secret] = await Promise.all([
      users.request(BEGIN_LOGIN_REQUEST, encodeBeginLogin({ user: request.user })),
      signingKey(),
    ]);
    const account = decodeLoginBegun(readAnswer(begun.rest));
    if (statusOf(begun.rest) !== 200) return begun.rest;
    if (account === null) throw new Error(`users-db answered ${BEGIN_LOGIN_REQUEST} with ${begun.rest}`);
    const end = (succeeded: boolean): Promise<LineMessage> =>
      users.request(END_LOGIN_REQUEST, encodeEndLogin({ user: request.user, attempt: account.attempt, succeeded }));
    const right = await passwords.verify(account.passwordHash, request.password).catch(async (error: unknown) => {
      await end(true); // the password was not looked at, so this was no failure
      throw error;
    });
    if (!right) {
      const counted = await end(false);
      return statusOf(counted.rest) === 200 ? errorRest(401, WRONG) : counted.rest;
    }
    end(true).catch((error: unknown) =>
      context.log.warn({ error: String(error) }, 'a login was not reported as ended'),
    );
    return okRest([makeToken(account.user, secret, context.now())]);
  }

  return {
    sockets: {
      'login-socket': (request: LineMessage, _session, answer: Answer) => {
        const type = responseTypeOf(request.type);
        switch (request.type) {
          case LOGIN_REQUEST:
            return logIn(request.rest)
              .catch(refusalOf)
              .then((rest) => ({ type, rest }));
          case LOGOUT_REQUEST:
            return passOn(users, REVOKE_TOKEN_REQUEST, request.rest, request, answer);
          case TOKEN_KEY_REQUEST:
          case REVOKED_SINCE_REQUEST:
            return passOn(users, request.type, request.rest, request, answer);
          default:
            return answer(type, unknownType(request.type, KNOWN));
        }
      },
    },
  };
}

const KNOWN = [LOGIN_REQUEST, LOGOUT_REQUEST, TOKEN_KEY_REQUEST, REVOKED_SINCE_REQUEST];

/** An answer of users-db that ends what was to be done here. */
class Refused extends Error {
  readonly rest: string;

  constructor(rest: string) {
    super(`users-db refused: ${rest}`);
    this.rest = rest;
  }
}

function makeToken(user: string, key: Buffer, nowMs: number): string {
  const tokenId = randomBytes(TOKEN_ID_BYTES).toString('base64url');
  const body = tokenBody({ expiresMs: nowMs + TOKEN_LIFE_MS, tokenId, user });
  return formatToken(createHmac('sha256', key).update(body).digest('base64url'), body);
}

function refusalOf(error: unknown): string {
  if (error instanceof PlugError) return failedRest(error);
  if (error instanceof Refused) return error.rest;
  if (error instanceof QueueFull) return errorRest(503, error.message, HASHES_RETRY_MS);
  throw error;
}

/**
 * registration: F of the service that makes users known. Stateless: what it knows of a user is in users-db.
 *
 * Theory. A registration that is sent again must answer as it did the first time, and the same operation with another
 * password must not. users-db cannot compare passwords, it has only a salted hash; so it hands the stored hash back
 * when it knows the operation, and the comparison is made here, where passwords are.
 */

import type { Answer, LineMessage, ServiceContext, ServiceDefinition } from '../kit/service.ts';
import { PlugError } from '../kit/service.ts';
import { failedRest, unknownType, unreadableRest } from '../passing/pass.ts';
import { argon2Passwords, HASHES_RETRY_MS, QueueFull, type Passwords } from '../password/password.ts';
import { readAnswer } from '../protocols/answer.ts';
import { decodePart, responseTypeOf } from '../protocols/line.ts';
import { decodeRegistration, REGISTRATION_REQUEST } from '../protocols/registration.ts';
import { checkPassword, checkUserName, errorRest, okRest, problemRest } from '../protocols/user.ts';
import { encodeRegisterUser, REGISTER_USER_REQUEST } from '../protocols/users.ts';

/** `passwords` is given by tests that have no time for argon2. */
export function create(context: ServiceContext, passwords: Passwords = argon2Passwords()): ServiceDefinition {
  const users = context.plug('users-plug');

  async function register(rest: string): Promise<string> {
    const request = decodeRegistration(rest);
    if (typeof request === 'string') return unreadableRest(request);
    const wrong = checkUserName(request.user) ?? checkPassword(request.password);
    if (wrong !== null) return problemRest(wrong);
    const passwordHash = await passwords.hash(request.password);
    const { user, operationId } = request;
    const stored = await users.request(REGISTER_USER_REQUEST, encodeRegisterUser({ user, operationId, passwordHash }));
    const answer = readAnswer(stored.rest);
    if (answer.status !== 200) return stored.rest;
    const storedHash = decodePart(answer.lines[0] ?? '') ?? '';
    if (storedHash === passwordHash || (await passwords.verify(storedHash, request.password))) return okRest();
    return errorRest(409, `Operation_id ${operationId} registered this user with another password; take a new one`);
  }

  return {
    sockets: {
      'registration-socket': (request: LineMessage, _session, answer: Answer) => {
        const type = responseTypeOf(request.type);
        if (request.type !== REGISTRATION_REQUEST) {
          return answer(type, unknownType(request.type, [REGISTRATION_REQUEST]));
        }
        return register(request.rest)
          .catch(refusalOf)
          .then((rest) => ({ type, rest }));
      },
    },
  };
}

function refusalOf(error: unknown): string {
  if (error instanceof PlugError) return failedRest(error);
  if (error instanceof QueueFull) return errorRest(503, error.message, HASHES_RETRY_MS);
  throw error;
}

/**
 * users-db: F of the BaaS that keeps users, failed logins, the signing key and logouts. What the requests do is in
 * accounts.ts and tokens.ts; here they are read and handed over.
 */

import type { Answer, LineMessage, ServiceContext, ServiceDefinition } from '../kit/service.ts';
import { responseTypeOf } from '../protocols/line.ts';
import { errorRest } from '../protocols/user.ts';
import * as users from '../protocols/users.ts';
import { openStore } from '../store/open.ts';
import { Operations } from '../store/operations.ts';
import type { Store } from '../store/store.ts';
import { Accounts } from './accounts.ts';
import { Tokens } from './tokens.ts';

/** `open` is given by tests. */
export function create(
  context: ServiceContext,
  open: (context: ServiceContext) => Promise<Store> = openStore,
): ServiceDefinition {
  let store: Store;
  let accounts: Accounts;
  let tokens: Tokens;

  function handle({ type, rest }: LineMessage): Promise<string> | string {
    switch (type) {
      case users.REGISTER_USER_REQUEST:
        return read(users.decodeRegisterUser(rest), (request) => accounts.register(request));
      case users.BEGIN_LOGIN_REQUEST:
        return read(users.decodeBeginLogin(rest), (request) => accounts.beginLogin(request));
      case users.END_LOGIN_REQUEST:
        return read(users.decodeEndLogin(rest), (request) => accounts.endLogin(request));
      case users.TOKEN_KEY_REQUEST:
        return tokens.key();
      case users.REVOKE_TOKEN_REQUEST:
        return read(users.decodeRevokeToken(rest), (request) => tokens.revoke(request));
      case users.REVOKED_SINCE_REQUEST:
        return read(users.decodeRevokedSince(rest), (request) => tokens.revokedSince(request));
      default:
        return errorRest(400, `unknown Type '${type}' on users-socket`);
    }
  }

  return {
    async start() {
      store = await open(context);
      const now = (): number => context.now();
      const operations = new Operations(store, context.serviceName, now);
      accounts = new Accounts(store, operations, context.serviceName, context.instanceId, now);
      tokens = new Tokens(store, operations, context.serviceName, now);
    },
    sockets: {
      'users-socket': (request: LineMessage, _session, answer: Answer) => {
        const type = responseTypeOf(request.type);
        const rest = handle(request);
        return typeof rest === 'string' ? answer(type, rest) : rest.then((text) => ({ type, rest: text }));
      },
    },
    stop: () => store.close(),
  };
}

function read<T>(decoded: T | string, act: (request: T) => Promise<string>): Promise<string> | string {
  return typeof decoded === 'string' ? errorRest(400, decoded) : act(decoded);
}

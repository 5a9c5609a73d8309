/**
 * api-gateway: where users come in. It serves its user socket itself (shell/), keeps nothing that it could not lose,
 * and passes everything on over its five plugs.
 */

import type { ServiceContext, ServiceDefinition } from '../kit/service.ts';
import { listenToUsers } from './shell/user-socket.ts';

export function create(_context: ServiceContext): ServiceDefinition {
  return { rawSockets: { 'user-socket': (context, port) => listenToUsers(context, port) } };
}

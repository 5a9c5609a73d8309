/**
 * table as the simulation has its service: fifty requests a second, busy while it works, the rest waits.
 *
 * Lives here: that pace. The service itself is the built-in one.
 *
 * Theory. More replicas of a service that computes make nothing faster on a laptop with two cores. This one is held up for 20 ms a
 * request: its event loop is busy, so its load is real, and no processor works meanwhile. Between two requests it looks around, so
 * it answers for its health.
 */
import { runService } from '../../../services/kit/main.ts';
import type { SocketHandler } from '../../../services/kit/service.ts';
import { create } from '../../../services/table/service.ts';

const SOCKET = 'table-socket';
const REQUEST_MS = 20;
const nobody = new Int32Array(new SharedArrayBuffer(4));

runService((context) => {
  const definition = create(context);
  const inner = definition.sockets?.[SOCKET];
  if (inner === undefined) throw new Error(`table has no ${SOCKET}`);
  const waiting: (() => void)[] = [];
  const serve = (): void => {
    Atomics.wait(nobody, 0, 0, REQUEST_MS);
    waiting.shift()?.();
    if (waiting.length > 0) setImmediate(serve);
  };
  const slow: SocketHandler = (request, session, answer) => {
    waiting.push(() => {
      const outcome = inner(request, session, answer);
      if (outcome !== undefined) void Promise.resolve(outcome).then(({ type, rest }) => answer(type, rest));
    });
    if (waiting.length === 1) setImmediate(serve);
  };
  return { ...definition, sockets: { ...definition.sockets, [SOCKET]: slow } };
});

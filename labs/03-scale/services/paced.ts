/**
 * A service that takes its time: one request after the other, each for so many milliseconds.
 *
 * Lives here: that pace. Does not live here: any service.
 *
 * Theory. On a laptop all replicas share the same few cores, so more of them make nothing faster, and a lab about scaling would
 * measure the laptop. Waiting costs no processor: an instance with a pace is as slow on every machine, and two of them are
 * twice as fast. Slots follow each other exactly, so a timer that rings late costs latency and no throughput.
 */
import type { ServiceDefinition, SocketHandler } from '../../../services/kit/service.ts';

/** The same service, whose socket serves a request every `slotMs`. */
export function paced(definition: ServiceDefinition, socket: string, slotMs: number): ServiceDefinition {
  const inner = definition.sockets?.[socket];
  if (inner === undefined) throw new Error(`there is no socket ${socket} to slow down`);
  let freeMs = 0;
  const handler: SocketHandler = (request, session, answer) => {
    const now = performance.now();
    freeMs = Math.max(now, freeMs) + slotMs;
    setTimeout(() => {
      const outcome = inner(request, session, answer);
      if (outcome !== undefined) void Promise.resolve(outcome).then(({ type, rest }) => answer(type, rest));
    }, freeMs - now);
  };
  return { ...definition, sockets: { ...definition.sockets, [socket]: handler } };
}

/**
 * Restart: how long to wait before a service whose instances end early is started again.
 *
 * Lives here: the built-in choice, the back-off. Does not live here: what counts as an early end (instances.ts). The first
 * restart is at once, then after 0.2 s, doubling to 10 s; more than `restartsMax` ends without a good run
 * between them are a crash loop, and at most so many restarts fall in one window.
 */
import type { RestartPolicy } from '../../../ssmmp/core/graph.ts';
import type { Policy } from '../../../ssmmp/core/policy.ts';

export const RESTART: Readonly<Record<RestartPolicy, Policy<'restart'>>> = {
  'back-off': ({ at, failures, limits }) => {
    const { firstMs, mostMs, windowMs, restartsMax } = limits;
    const count = failures.length;
    const backOffMs = count === 0 ? 0 : Math.min(mostMs, firstMs * 2 ** (count - 1));
    const oldest = failures[count - restartsMax];
    const restMs = oldest === undefined ? 0 : oldest + windowMs - at;
    return { waitMs: Math.max(backOffMs, restMs), crashLooping: count >= restartsMax };
  },
};

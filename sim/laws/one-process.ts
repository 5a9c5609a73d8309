/**
 * At most one live process an instance, and an id is never given to another service or node.
 *
 * Lives here: a look at all live processes whenever one is there more. Does not live here: who started it (R12, R28).
 */
import type { LawOf } from './law.ts';

export const oneProcess: LawOf = (world) => {
  let seen = 0;
  const homes = new Map<number, string>();
  return {
    name: 'at most one live process an instance, and its id is its own for ever',
    afterEvent() {
      if (world.started === seen) return null;
      seen = world.started;
      const pids = new Map<number, number>();
      for (const { pid, node, settings } of world.instances.values()) {
        const { instanceId, serviceName } = settings;
        const other = pids.get(instanceId);
        if (other !== undefined) return `${serviceName}/${instanceId} runs as process ${other} and as ${pid}`;
        pids.set(instanceId, pid);
        const home = `${serviceName} on node ${node}`;
        const before = homes.get(instanceId);
        if (before !== undefined && before !== home) return `instance ${instanceId} was ${before} and is ${home}`;
        homes.set(instanceId, home);
      }
      return null;
    },
  };
};

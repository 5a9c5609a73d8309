/**
 * The part of `ssmmp up` that takes faults: keeper and port, put together for one cluster.
 *
 * Lives here: what the keeper needs to know of the cluster. Does not live here: faults themselves.
 */
import { usersAddress } from '../core/addresses.ts';
import type { ClusterPlan } from '../core/cluster-plan.ts';
import type { ClusterRun } from './cluster-run.ts';
import { FaultKeeper } from './fault-keeper.ts';
import { FrontPort } from './front-port.ts';
import type { Netns } from './netns.ts';
import type { Settings } from './settings.ts';

export interface Front {
  /** Undoes every fault. */
  close(): Promise<void>;
}

export async function openFront(
  plan: ClusterPlan,
  settings: Settings,
  run: ClusterRun,
  netns: Netns | null,
  tell: (line: string) => void,
): Promise<Front> {
  const keeper = new FaultKeeper({
    stateDir: settings.stateDir,
    managerAddress: plan.managerAddress,
    nodes: plan.nodes,
    enter: (node) => netns?.enter(node) ?? [],
    userAddress: netns === null ? null : usersAddress(settings.subnet),
    gateways: () => run.notice.gateways,
    holdProgram: (name) => run.program(name)?.hold(),
    letGoProgram: (name) => run.program(name)?.letGo(),
    applyCuts: netns === null ? null : (cuts) => netns.applyCuts(cuts),
    usersMoved: () => run.notice.showFront(view),
    tell,
  });
  const port = new FrontPort(keeper, settings.stateDir);
  const place = await port.listen();
  const view = { place, userPlace: keeper.links.userPlace.bind(keeper.links) };
  run.notice.showFront(view);
  return {
    close: async () => {
      port.close();
      await keeper.close();
    },
  };
}

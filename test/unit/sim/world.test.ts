// The simulated world by itself: a calm cluster comes up and serves, and a seed is a run.
import { expect } from 'chai';
import { brokenInvariant } from '../../../manager/core/invariants.ts';
import type { ManagerState } from '../../../manager/core/state.ts';
import { GRAPHS } from '../../../sim/graphs.ts';
import { World } from '../../../sim/world.ts';

const [CHAIN] = GRAPHS;

function run(seed: number, events: number): { world: World; trace: string[] } {
  const world = new World({ seed, graph: CHAIN?.first as never });
  const trace: string[] = [];
  world.observe(({ process, state, input, effects }) => {
    trace.push(`${world.nowUs} ${process.name} ${JSON.stringify(input)} ${JSON.stringify(effects)}`);
    if (process.kind === 'manager') expect(brokenInvariant(state as ManagerState)).to.equal(null);
  });
  while (world.events < events && world.step() !== null);
  return { world, trace };
}

describe('sim: a calm world', () => {
  it('comes up, serves its users and keeps every invariant of the Manager', () => {
    const { world } = run(1, 2_000);
    expect(world.users.acknowledged.size).to.be.greaterThan(100);
    expect([...world.manager.state.instances.values()].map(({ status }) => status)).to.deep.equal(['on', 'on', 'on']);
  });

  it('a seed is a run: the same steps at the same times', () => {
    expect(run(7, 1_000).trace).to.deep.equal(run(7, 1_000).trace);
    expect(run(8, 1_000).trace).not.to.deep.equal(run(7, 1_000).trace);
  });

  it('bytes that are sent again are late by TCP’s timers, not by minutes, however slow the network is', () => {
    const world = new World({ seed: 1, graph: CHAIN?.first as never, delayUs: [2_000, 40_000], lateShare: 1 });
    world.network.slowness = 400;
    for (let n = 0; n < 100; n += 1) expect(world.network.delayUs(1, 2)).to.be.below(40_000 * (400 + 50));
  });
});

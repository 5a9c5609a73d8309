/**
 * One run: a seed's world, its faults, its laws; first safety, then everything is healed and liveness must follow.
 *
 * Lives here: the two phases, and what comes out of a run. Does not live here: many runs and their report (sim-cli/),
 * making a failing run smaller (shrink.ts).
 */
import { Coverage } from './coverage.ts';
import type { Law } from './laws/law.ts';
import { lives } from './laws/lives.ts';
import { missing } from './laws/operations.ts';
import { leaked, unsettled } from './laws/settled.ts';
import { LAWS } from './laws/table.ts';
import { Plan } from './plan.ts';
import type { Stepped } from './process.ts';
import { swarmOf, type Swarm } from './swarm.ts';
import { TraceHash } from './trace-hash.ts';
import { World } from './world.ts';

export interface RunOptions {
  readonly seed: number;
  /** Events before everything is healed. */
  readonly steps: number;
  /** Of the seed's faults only those with these numbers. */
  readonly only?: readonly number[];
  /** Told of every step and of every fault as it happens. */
  readonly watch?: Watcher;
}

export interface Watcher {
  begun(world: World, swarm: Swarm): void;
  stepped(world: World, stepped: Stepped): void;
  fault(world: World, text: string): void;
}

export interface Broken {
  readonly law: string;
  readonly what: string;
  /** Events that had happened. */
  readonly event: number;
  readonly atMs: number;
}

export interface RunResult {
  readonly seed: number;
  readonly hash: string;
  readonly events: number;
  readonly broken: Broken | null;
  /** Numbers of the faults that happened: enough to run it again. */
  readonly happened: readonly number[];
  readonly faults: ReadonlyMap<string, number>;
  /** Rows of transition tables, and how often each was reached. */
  readonly rows: ReadonlyMap<string, number>;
  readonly acknowledged: number;
}

const SECOND_US = 1_000_000;
/** After healing the cluster is as it should be within this time. */
const SETTLE_US_MAX = 45 * SECOND_US;
/** So often it is looked whether it is. */
const LOOK_US = SECOND_US / 4;
/** Far more than a healed cluster needs (some thousand): who needs more goes round in circles, and time stands still meanwhile. */
const SETTLE_EVENTS_MAX = 200_000;
/** Longer than every deadline of the protocol (R46: a grant without its ack is kept for a minute). */
const FORGET_US = 75 * SECOND_US;
/**
 * In a bad network, which is no fault and never healed, a node may fall silent for a moment at any time, also when it is looked:
 * what is left is what stays left so long.
 */
const RESTLESS_US_MAX = 10 * SECOND_US;
const THROWN = 'no core throws, whatever it is told';
const LIVENESS = 'after healing: the desired replicas are on, nothing waits, nothing is left over';
const LEAK = 'unused for longer than every deadline, the cluster keeps nothing';

export function run(options: RunOptions): RunResult {
  const swarm = swarmOf(options.seed);
  const world = new World(swarm.world);
  const plan = new Plan(world, swarm, options.only ?? null);
  const { watch } = options;
  if (watch !== undefined) {
    watch.begun(world, swarm);
    plan.tell = (text) => watch.fault(world, text);
  }
  const hash = new TraceHash();
  let broken: Broken | null = null;
  const breakLaw = (law: string, what: string): void => {
    broken ??= { law, what, event: world.events, atMs: Math.floor(world.nowUs / 1000) };
  };
  const coverage = new Coverage();
  const laws = [...LAWS.map((law) => law(world)), lives(coverage)];
  const afterStep = laws.filter((law): law is Law & Required<Pick<Law, 'afterStep'>> => law.afterStep !== undefined);
  const afterEvent = laws.filter((law): law is Law & Required<Pick<Law, 'afterEvent'>> => law.afterEvent !== undefined);
  world.observe((stepped) => {
    hash.step(world.nowUs, stepped);
    coverage.step(stepped);
    watch?.stepped(world, stepped);
    for (const law of afterStep) {
      const what = law.afterStep(stepped);
      if (what !== null) breakLaw(law.name, what);
    }
  });
  const step = (): boolean => {
    try {
      if (world.step() === null) return false;
    } catch (error) {
      breakLaw(THROWN, error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
    for (const law of afterEvent) {
      const what = law.afterEvent();
      if (what !== null) breakLaw(law.name, what);
    }
    return broken === null;
  };
  const until = (endUs: number): void => {
    for (let next = world.nextAtUs(); next !== null && next <= endUs && step(); next = world.nextAtUs())
      if (world.events > options.steps + SETTLE_EVENTS_MAX) breakLaw(LIVENESS, 'events follow each other without end');
    if (broken === null) world.nowUs = Math.max(world.nowUs, endUs);
  };

  while (world.events < options.steps && step());
  if (broken === null) {
    plan.heal();
    watch?.fault(world, 'everything is healed');
    settle(world, until, () => broken !== null, breakLaw);
  }
  if (broken === null && swarm.isLong) {
    world.users.isStopped = true;
    until(world.nowUs + FORGET_US);
    const endUs = world.nowUs + RESTLESS_US_MAX;
    const left = (): string | null => (broken === null ? (unsettled(world) ?? leaked(world)) : null);
    while (left() !== null && world.nowUs < endUs) until(world.nowUs + LOOK_US);
    const what = left();
    if (what !== null) breakLaw(LEAK, what);
  }
  return {
    seed: options.seed,
    hash: hash.text(),
    events: world.events,
    broken,
    happened: plan.happened.map(({ index }) => index),
    faults: plan.counts,
    rows: coverage.rows,
    acknowledged: world.users.acknowledged.size,
  };
}

function settle(
  world: World,
  until: (endUs: number) => void,
  isBroken: () => boolean,
  breakLaw: (law: string, what: string) => void,
): void {
  world.users.isStopped = true;
  const endUs = world.nowUs + SETTLE_US_MAX;
  for (;;) {
    until(world.nowUs + LOOK_US);
    if (isBroken()) return;
    // Whoever ended only now, of a signal from before, is started again as well.
    for (const { index } of world.nodes.slice(1)) world.restartAgent(index);
    for (const { address, cordoned } of world.manager.state.agents.values())
      if (cordoned) world.command({ command: 'uncordon', node: address });
    const what = unsettled(world);
    if (what === null) break;
    if (world.nowUs >= endUs) return breakLaw(LIVENESS, what);
  }
  const lost = missing(world);
  if (lost !== null) breakLaw('acknowledged operations are durable and applied at most once', lost);
}

/**
 * A service under load with a policy that scales it, without a cluster: node simulate.cjs POLICY [curves]. Tells the check one value.
 *
 * Lives here: the model and what is measured. Does not live here: what is expected (../check.ts).
 *
 * Theory. A queue with n servers, as a fluid: in each step as many requests leave as the replicas that are on can answer, and
 * what is left waits. Who comes now waits for all in front. A replica that is asked for comes on START_MS later and is paid from the
 * moment it was asked for. Health is asked once a second, so loads are up to a second old.
 */
import { seed, tellCheck } from '../../runner/judge.ts';
import { createRequire } from 'node:module';
import { Chance } from '../../runner/api.ts';
import { choiceProblem } from '../../../ssmmp/core/policy.ts';
import type { Policy, ScalingView } from '../../../ssmmp/core/policy.ts';
import * as starter from '../starter/policy.ts';

const STEP_MS = 100;
const ASKED_EVERY_MS = 500;
const HEALTH_MS = 1_000;
const START_MS = 1_000;
const RUN_MS = 300_000;
const RATE_PER_REPLICA = 50;
const MIN = 1;
const MAX = 8;
const ANSWER_MS = 20;
/** Who waits longer is late. */
const GOAL_MS = 500;
const BEGIN_MS = 1_700_000_000_000;
const LOADS = 4;

/** One load under one policy. */
export interface Outcome {
  /** Percent of the requests that came late. */
  readonly late: number;
  readonly seconds: number;
  /** How often the number of replicas was changed. */
  readonly changes: number;
}

/** What is printed. */
export interface Simulated {
  /** What is wrong with the policy as a function; '' for nothing. */
  readonly problem: string;
  readonly yours: readonly Outcome[];
  readonly theirs: readonly Outcome[];
  readonly calm: Outcome;
  /** What the policy does under the load of the check in the cluster: does it ask for more replicas, for fewer again soon after? */
  readonly burst: { readonly more: boolean; readonly fewer: boolean };
}

/** What is printed with `curves`: the built-in policy on the first load of the seed, twice a second. */
export type Curves = readonly {
  readonly second: number;
  /** Replicas that could just answer what comes. */
  readonly needed: number;
  readonly paid: number;
  /** How long the request that comes now will wait. */
  readonly waitS: number;
}[];

type Load = (atMs: number) => number;

/** Hills and plateaus from chance: requests a second at a time. */
function hills(chance: Chance): Load {
  const points: { at: number; rate: number }[] = [{ at: 0, rate: 30 }];
  let at = 0;
  while (at < RUN_MS) {
    const rate = 15 + chance.next() * 285;
    const climb = 10_000 + chance.next() * 10_000;
    const stay = 10_000 + chance.next() * 25_000;
    points.push({ at: at + climb, rate }, { at: at + climb + stay, rate });
    at += climb + stay;
  }
  return (now) => {
    const next = points.findIndex((point) => point.at > now);
    const [before, after] = [points[next - 1], points[next]];
    if (before === undefined || after === undefined) return points.at(-1)?.rate ?? 0;
    return before.rate + ((now - before.at) / (after.at - before.at)) * (after.rate - before.rate);
  };
}

/** Always the same, but for noise: who looks at the last half second only changes its mind all day. */
function calm(chance: Chance): Load {
  return () => 128 * (0.4 + 1.2 * chance.next());
}

/** Three times what a replica answers, and then nothing: what ../check.ts sends to a real one. */
const BURST_MS = 8_000;
function burst(): Load {
  return (now) => (now < BURST_MS ? 3 * RATE_PER_REPLICA : 0);
}
/** What is asked for later than this is not waited for in a cluster. */
const SOON_MS = 20_000;

function changesOf(policy: Policy<'scaling'>): Simulated['burst'] {
  const service = new Service(policy, burst());
  service.run();
  const wanted = service.wanted.filter(({ at }) => at < BURST_MS + SOON_MS);
  const early = wanted.filter(({ at }) => at < BURST_MS).map(({ replicas }) => replicas);
  const fewer = wanted.some(({ replicas }, index) => replicas < (wanted[index - 1]?.replicas ?? MIN));
  return { more: Math.max(...early) > MIN, fewer };
}

class Service {
  /** Each answer of the policy. */
  readonly wanted: { readonly at: number; readonly replicas: number }[] = [];
  readonly curves: Curves[number][] = [];
  readonly #policy: Policy<'scaling'>;
  readonly #load: Load;
  #replicas: { id: number; onAt: number; requests: number }[] = [{ id: 1, onAt: 0, requests: 0 }];
  #ids = 1;
  #queue = 0;
  #answered = 0;
  #answeredBefore = 0;
  #busy = 0;
  #told = 0;
  #state: ScalingView['state'] = null;

  constructor(policy: Policy<'scaling'>, load: Load) {
    this.#policy = policy;
    this.#load = load;
  }

  run(): Outcome {
    let [late, all, seconds, changes, askedAt] = [0, 0, 0, 0, -1];
    for (let now = 0; now < RUN_MS; now += STEP_MS) {
      const on = this.#replicas.filter(({ onAt }) => onAt <= now);
      const capacity = on.length * RATE_PER_REPLICA;
      const come = (this.#load(now) * STEP_MS) / 1000;
      all += come;
      if (ANSWER_MS + (1000 * this.#queue) / capacity > GOAL_MS) late += come;
      const served = Math.min(this.#queue + come, (capacity * STEP_MS) / 1000);
      this.#queue += come - served;
      this.#answered += served;
      for (const replica of on) replica.requests += served / on.length;
      seconds += (this.#replicas.length * STEP_MS) / 1000;
      this.#busy += served / ((capacity * STEP_MS) / 1000) / (HEALTH_MS / STEP_MS);
      if (now % HEALTH_MS === 0) [this.#told, this.#busy] = [Math.min(1, this.#busy), 0];
      if (now % ASKED_EVERY_MS !== 0) continue;
      const needed = this.#load(now) / RATE_PER_REPLICA;
      this.curves.push({
        second: now / 1000,
        needed,
        paid: this.#replicas.length,
        waitS: this.#queue / capacity,
      });
      if (this.#ask(now, askedAt < 0 ? 0 : now - askedAt)) changes += 1;
      askedAt = now;
    }
    return { late: (100 * late) / all, seconds, changes };
  }

  #ask(now: number, sinceMs: number): boolean {
    const on = this.#replicas.filter(({ onAt }) => onAt <= now);
    const since = (this.#answered - this.#answeredBefore) / on.length;
    this.#answeredBefore = this.#answered;
    const view: ScalingView = {
      at: BEGIN_MS + now,
      service: 'post',
      state: this.#state,
      desired: this.#replicas.length,
      min: MIN,
      max: MAX,
      sinceMs,
      replicas: on.map(({ id, onAt, requests }) => ({
        instance: id,
        node: 1 + (id % 3),
        version: null,
        onForMs: now - onAt,
        load: this.#told,
        overloaded: false,
        inFlight: Math.round(this.#queue / on.length),
        requests: Math.round(requests),
        requestsSince: Math.round(since),
        sessions: 1,
      })),
      starting: this.#replicas.length - on.length,
      waiting: 0,
      limits: { hotMs: 3_000, coldMs: 15_000 },
    };
    const choice = this.#policy(view);
    const problem = choiceProblem('scaling', view, choice);
    if (problem !== null) throw new Error(problem);
    if (choice.state !== undefined) this.#state = JSON.parse(JSON.stringify(choice.state)) as ScalingView['state'];
    this.wanted.push({ at: now, replicas: choice.replicas });
    if (choice.replicas === this.#replicas.length) return false;
    while (this.#replicas.length < choice.replicas) {
      this.#ids += 1;
      this.#replicas.push({ id: this.#ids, onAt: now + START_MS, requests: 0 });
    }
    // those that are not on yet go first
    this.#replicas = this.#replicas.slice(0, choice.replicas);
    return true;
  }
}

/** Views that are rare: what a policy says to them must be an answer, and the same to the same. */
function problemOf(policy: Policy<'scaling'>): string {
  const replica = {
    instance: 1,
    node: null,
    version: null,
    onForMs: 60_000,
    load: 0.5,
    overloaded: false,
    inFlight: 2,
    requests: 900,
    requestsSince: 20,
    sessions: 1,
  };
  const rest = { at: BEGIN_MS, service: 'post', starting: 0, waiting: 0, limits: { hotMs: 3_000, coldMs: 15_000 } };
  const views: [string, ScalingView][] = [
    ['the first call', { ...rest, state: null, desired: 1, min: 1, max: 5, sinceMs: 0, replicas: [replica] }],
    ['no replica is on', { ...rest, state: null, desired: 2, min: 1, max: 5, sinceMs: 500, replicas: [], starting: 2 }],
    ['min and max are 2', { ...rest, state: null, desired: 2, min: 2, max: 2, sinceMs: 500, replicas: [replica] }],
    [
      'a crowd, and the limit is reached',
      { ...rest, state: null, desired: 5, min: 0, max: 5, sinceMs: 500, replicas: [{ ...replica, inFlight: 5_000 }] },
    ],
  ];
  for (const [name, first] of views)
    try {
      let view = first;
      for (let call = 0; call < 20; call += 1) {
        const [choice, again] = [policy(view), policy(view)];
        const problem = choiceProblem('scaling', view, choice);
        if (problem !== null) return `${name}: ${problem}`;
        if (JSON.stringify(choice) !== JSON.stringify(again))
          return `${name}: the same view was answered ${JSON.stringify(choice)}, then ${JSON.stringify(again)}`;
        view = {
          ...view,
          at: view.at + 500,
          sinceMs: 500,
          desired: choice.replicas,
          state: choice.state ?? view.state,
        };
      }
    } catch (error) {
      return `${name}: it threw ${String(error)}`;
    }
  return '';
}

const [file = '', mode] = process.argv.slice(2);
const { scaling } = createRequire(file)(file) as { scaling?: Policy<'scaling'> };
if (typeof scaling !== 'function') throw new Error('policy.ts exports no function `scaling`');
const loads = Array.from({ length: LOADS }, (_, at) => seed * LOADS + at);
// a picture shows the load of seed 1, which nobody need hide
if (mode === 'curves') console.log(JSON.stringify(curvesOf(loads[0] ?? 0)));
else tellCheck(simulated(scaling));

function simulated(policy: Policy<'scaling'>): Simulated {
  return {
    problem: problemOf(policy),
    yours: loads.map((each) => new Service(policy, hills(new Chance(each))).run()),
    theirs: loads.map((each) => new Service(starter.scaling, hills(new Chance(each))).run()),
    calm: new Service(policy, calm(new Chance(seed))).run(),
    burst: changesOf(policy),
  };
}

function curvesOf(load: number): Curves {
  const service = new Service(starter.scaling, hills(new Chance(load)));
  service.run();
  return service.curves;
}

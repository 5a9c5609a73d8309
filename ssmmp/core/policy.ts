/**
 * The interface of policies: what one sees and what it answers. docs/policies.md tells it with examples.
 *
 * Lives here: the types of the four kinds, the names of the built-in ones, limits. Does not live here: any policy
 * (manager/core/policy has the built-in ones), asking one (the Manager).
 *
 * A policy is a pure function `(view) => choice`. It sees plain data and answers plain data; it changes nothing, reads no
 * clock and no file. What it wants to remember it returns as `state`, and finds it in its next view. So it can be tried
 * out without a cluster, and the Manager's journal can tell afterwards what it saw and what it said.
 */
import type { ServiceKind } from './graph.ts';

export type PolicyKind = 'placement' | 'balancing' | 'scaling' | 'restart';
export const POLICY_KINDS: readonly PolicyKind[] = ['placement', 'balancing', 'scaling', 'restart'];

/** A policy of one's own: the file as the graph names it, and what it was compiled to ('' before that). */
export interface PolicyFile {
  readonly file: string;
  readonly code: string;
}

/** JSON data, and nothing else. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** Longest file name, compiled code, answer of one call (its `state` included) and `why`, in characters. */
export const POLICY_NAME_MAX = 256;
export const POLICY_CODE_MAX = 65_536;
export const POLICY_ANSWER_MAX = 16_384;
export const POLICY_WHY_MAX = 200;
/** Longest wait that a restart policy may ask for, in milliseconds. */
export const POLICY_WAIT_MS_MAX = 600_000;

/** What every policy sees. */
export interface PolicyView {
  /** The time, in milliseconds since 1970. */
  readonly at: number;
  /** The service that the choice is for. */
  readonly service: string;
  /** What this policy returned last as `state` for this service; null at first, and after the graph names another policy. */
  readonly state: Json;
}

/** What every policy may answer beside its choice. */
export interface PolicyChoice {
  /** A sentence for the event stream. */
  readonly why?: string;
  /** Kept for the next call; without it the old one stays. */
  readonly state?: Json;
}

/** Placement: which node runs a new instance. Asked where there are two nodes or more to choose from. */
export interface PlacementView extends PolicyView {
  readonly kind: ServiceKind;
  /** The version that is started; null where the service has none. */
  readonly version: string | null;
  /** The nodes that can run it, at least two, in the order of their numbers. */
  readonly nodes: readonly PlacementNode[];
}

export interface PlacementNode {
  /** The node's number. */
  readonly node: number;
  readonly address: string;
  /** Live instances of any service on it, and of this service. */
  readonly instances: number;
  readonly replicas: number;
}

export interface PlacementChoice extends PolicyChoice {
  /** The number of one of the nodes. */
  readonly node: number;
}

/** Balancing: which instance gets the next session. Asked where there are two or more. */
export interface BalancingView extends PolicyView {
  /** Who asks for the session; null for a place in which nobody in particular does. */
  readonly source: { readonly service: string; readonly instance: number; readonly node: number | null } | null;
  /** Who may be chosen: fewest sessions first, among equals the one that waits longest. Those the source reaches already are left out as long as there are others. */
  readonly candidates: readonly BalancingCandidate[];
  /** The instance that was chosen last; 0 for none. */
  readonly last: number;
  /** How many choices were made for this service before. */
  readonly choices: number;
}

export interface BalancingCandidate {
  readonly instance: number;
  readonly node: number | null;
  /** Its version and that version's weight; null and 1 where the service has no versions. */
  readonly version: string | null;
  readonly weight: number;
  /** Its sessions as a destination. */
  readonly sessions: number;
  /** Its load, 0 to 1, and its requests under way; null where it does not tell. */
  readonly load: number | null;
  readonly inFlight: number | null;
}

export interface BalancingChoice extends PolicyChoice {
  /** The id of one of the candidates. */
  readonly instance: number;
}

/** Scaling: how many replicas there should be. Asked twice a second for each service (not gateways, not BaaS) that runs. */
export interface ScalingView extends PolicyView {
  /** Replicas wanted now, and the limits: what the graph or an operator wants at least, what the graph allows. */
  readonly desired: number;
  readonly min: number;
  readonly max: number;
  /** Milliseconds since the call before; 0 at the first. */
  readonly sinceMs: number;
  /** The replicas that are on. */
  readonly replicas: readonly ScalingReplica[];
  /** Replicas on their way. */
  readonly starting: number;
  /** Session requests that wait for a replica. */
  readonly waiting: number;
  /** For how long the built-in policy wants a load to last before it believes in it. */
  readonly limits: { readonly hotMs: number; readonly coldMs: number };
}

export interface ScalingReplica {
  readonly instance: number;
  readonly node: number | null;
  readonly version: string | null;
  /** Milliseconds since it came on. */
  readonly onForMs: number;
  /** 0 to 1; 1 for one that says it is overloaded (199), 0 for one that does not tell. */
  readonly load: number;
  readonly overloaded: boolean;
  /** Requests under way. */
  readonly inFlight: number;
  /** Requests answered since it came on, and since the call before. */
  readonly requests: number;
  readonly requestsSince: number;
  /** Its sessions as a destination. */
  readonly sessions: number;
}

export interface ScalingChoice extends PolicyChoice {
  /** From `min` to `max`; the same as `desired` changes nothing. */
  readonly replicas: number;
}

/** Restart: how long to wait after an instance ended early, before the next one is started. */
export interface RestartView extends PolicyView {
  /** The instance that ended, how long it ran, and what is known of its end. */
  readonly instance: number;
  readonly ranMs: number;
  readonly reason: string;
  /** Times of the early ends before this one, with no good run between them. */
  readonly failures: readonly number[];
  /** The built-in policy's first and longest wait, and its limit: so many restarts in such a window. */
  readonly limits: {
    readonly firstMs: number;
    readonly mostMs: number;
    readonly windowMs: number;
    readonly restartsMax: number;
  };
}

export interface RestartChoice extends PolicyChoice {
  /** Milliseconds to wait, 0 for at once. */
  readonly waitMs: number;
  /** The service is shown as crash-looping, and requests for it are answered 503 meanwhile. */
  readonly crashLooping?: boolean;
}

export interface PolicyViews {
  readonly placement: PlacementView;
  readonly balancing: BalancingView;
  readonly scaling: ScalingView;
  readonly restart: RestartView;
}

export interface PolicyChoices {
  readonly placement: PlacementChoice;
  readonly balancing: BalancingChoice;
  readonly scaling: ScalingChoice;
  readonly restart: RestartChoice;
}

/** A policy of one kind. */
export type Policy<K extends PolicyKind> = (view: PolicyViews[K]) => PolicyChoices[K];

/** What is wrong with an answer, in words; null for nothing. */
export function choiceProblem<K extends PolicyKind>(kind: K, view: PolicyViews[K], choice: unknown): string | null {
  if (typeof choice !== 'object' || choice === null || Array.isArray(choice))
    return `it returned ${shown(choice)}; expected ${EXPECTED[kind]}`;
  const answer = choice as Readonly<Record<string, unknown>>;
  const { why } = answer;
  if (why !== undefined && (typeof why !== 'string' || why.length > POLICY_WHY_MAX))
    return `its why is ${shown(why)}; expected a text of at most ${POLICY_WHY_MAX} characters`;
  const wrong = PROBLEMS[kind](view, answer);
  return wrong === null ? null : `it returned ${shown(choice)}; expected ${EXPECTED[kind]}, ${wrong}`;
}

const EXPECTED: Readonly<Record<PolicyKind, string>> = {
  placement: '{node: number}',
  balancing: '{instance: number}',
  scaling: '{replicas: number}',
  restart: '{waitMs: number, crashLooping?: boolean}',
};

type Answer = Readonly<Record<string, unknown>>;

const PROBLEMS: { readonly [K in PolicyKind]: (view: PolicyViews[K], answer: Answer) => string | null } = {
  placement: ({ nodes }, { node }) =>
    nodes.some((candidate) => candidate.node === node) ? null : `one of ${nodes.map((each) => each.node).join(', ')}`,
  balancing: ({ candidates }, { instance }) =>
    candidates.some((candidate) => candidate.instance === instance)
      ? null
      : `one of ${candidates.map((candidate) => candidate.instance).join(', ')}`,
  scaling: ({ min, max }, { replicas }) =>
    Number.isInteger(replicas) && (replicas as number) >= min && (replicas as number) <= max
      ? null
      : `a whole number from ${min} to ${max}`,
  restart: (_view, { waitMs, crashLooping }) =>
    typeof waitMs === 'number' &&
    waitMs >= 0 &&
    waitMs <= POLICY_WAIT_MS_MAX &&
    ['boolean', 'undefined'].includes(typeof crashLooping)
      ? null
      : `waitMs from 0 to ${POLICY_WAIT_MS_MAX}`,
};

function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

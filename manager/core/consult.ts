/**
 * Asking a policy.
 *
 * Lives here: which policy is asked, what is kept of its answer, what happens when it fails. Does not live here: the
 * built-in policies (policy/), running a file of one's own (the shell: the core knows no code).
 *
 * A policy in a file is not the core's: who knows what it answers, or whether it does? So it is asked through an oracle,
 * and its answers become part of the input that was stepped (decision 0011). A replay reads them there and asks nobody. An
 * answer that fails in any way is told in the event stream, once and then now and then, and the built-in default chooses.
 */
import { BUILT_IN_POLICIES, DEFAULT_POLICIES, type GraphPolicies } from '../../ssmmp/core/graph.ts';
import {
  choiceProblem,
  type Policy,
  type PolicyChoices,
  type PolicyKind,
  type PolicyView,
  type PolicyViews,
} from '../../ssmmp/core/policy.ts';
import { BALANCING } from './policy/balancing.ts';
import { PLACEMENT } from './policy/placement.ts';
import { RESTART } from './policy/restart.ts';
import { SCALING } from './policy/scaling.ts';
import type { ServiceState } from './state.ts';
import type { Turn } from './turn.ts';

const BUILT_IN: { readonly [K in PolicyKind]: Readonly<Record<string, Policy<K>>> } = {
  placement: PLACEMENT,
  balancing: BALANCING,
  scaling: SCALING,
  restart: RESTART,
};

/** Is the policy of a kind a file of one's own? */
export function isOwnPolicy(policies: GraphPolicies, kind: PolicyKind): boolean {
  return typeof policies[kind] === 'object';
}

/** The choice of the graph's policy for a service. A `trial` only asks what it would be: nothing is kept of it. */
export function consult<K extends PolicyKind>(
  turn: Turn,
  kind: K,
  service: ServiceState,
  seen: Omit<PolicyViews[K], keyof PolicyView>,
  trial = false,
): PolicyChoices[K] {
  // A graph in an old journal may lack a kind that came later.
  const policy = turn.state.graph.policies[kind] ?? DEFAULT_POLICIES[kind];
  if (typeof policy === 'string') return chooseBuiltIn(turn, kind, policy, kind, service, seen, trial);
  const view = viewFor<K>(turn, service, kind, seen);
  const answer = turn.ask({ kind, file: policy.file, code: policy.code, view });
  const problem = 'problem' in answer ? answer.problem : choiceProblem(kind, view, answer.choice);
  if (problem !== null) {
    report(turn, kind, policy.file, service, problem);
    return chooseBuiltIn(turn, kind, BUILT_IN_POLICIES[kind][0], `${kind}/default`, service, seen, trial);
  }
  const choice = (answer as { choice: unknown }).choice as PolicyChoices[K];
  if (!trial) keep(service, kind, choice);
  return choice;
}

/** Another policy of a kind than before: what the old one kept is not for the new one. */
export function forgetMemory(service: ServiceState, kind: PolicyKind): void {
  service.memory.delete(kind);
  service.memory.delete(`${kind}/default`);
}

function chooseBuiltIn<K extends PolicyKind>(
  turn: Turn,
  kind: K,
  name: string,
  memory: string,
  service: ServiceState,
  seen: Omit<PolicyViews[K], keyof PolicyView>,
  trial: boolean,
): PolicyChoices[K] {
  const choice = (BUILT_IN[kind][name] as Policy<K>)(viewFor<K>(turn, service, memory, seen));
  if (!trial) keep(service, memory, choice);
  return choice;
}

function viewFor<K extends PolicyKind>(
  turn: Turn,
  service: ServiceState,
  memory: string,
  seen: Omit<PolicyViews[K], keyof PolicyView>,
): PolicyViews[K] {
  const common: PolicyView = { at: turn.now, service: service.name, state: service.memory.get(memory) ?? null };
  return { ...common, ...seen } as unknown as PolicyViews[K];
}

function keep(service: ServiceState, memory: string, { state }: PolicyChoices[PolicyKind]): void {
  if (state !== undefined) service.memory.set(memory, state);
}

/** The first failure of a kind is told at once, those that follow at most once in `policyReportMs`, with their number. */
function report(turn: Turn, kind: PolicyKind, file: string, service: ServiceState, problem: string): void {
  const { state, now } = turn;
  const last = state.policyTroubles.get(kind);
  if (last !== undefined && now - last.toldAt < state.timers.policyReportMs) {
    last.untold += 1;
    return;
  }
  const more = last === undefined || last.untold === 0 ? '' : ` (and ${last.untold} times more since it was last told)`;
  state.policyTroubles.set(kind, { toldAt: now, untold: 0 });
  turn.event(
    'service',
    `policy ${kind} of ${file} failed for ${service.name}: ${problem}; '${BUILT_IN_POLICIES[kind][0]}' chooses instead${more}`,
    {
      service_name: service.name,
      policy: kind,
      file,
    },
  );
}

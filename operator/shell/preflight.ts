/**
 * What must hold before a cluster can start.
 *
 * Lives here: finding out whether nodes can have addresses of their own, and whether all ports are free. Does not
 * live here: `ssmmp doctor`'s other questions.
 */
import { COMMON_ADDRESS, managerAddress, nodeAddress, SHARED_NODES_MAX } from '../core/addresses.ts';
import type { ClusterPlan } from '../core/cluster-plan.ts';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import { portState, takenText } from './port-check.ts';

/** True where the host has no address for node 1 and so all nodes must share one (R16; macOS). */
export async function mustShareAddress(subnet: string): Promise<boolean> {
  const states = await Promise.all([portState(managerAddress(subnet), 0), portState(nodeAddress(subnet, 1), 0)]);
  return states.includes('no such address');
}

/** Why so many nodes cannot share one address, or null. */
export function sharedRefusal(nodes: number, isStrict: boolean): string | null {
  if (isStrict) return `--strict-1.1 needs an address for each node, and this host has ${COMMON_ADDRESS} only (R16)`;
  if (nodes <= SHARED_NODES_MAX) return null;
  return `${nodes} nodes cannot share ${COMMON_ADDRESS}, at most ${SHARED_NODES_MAX} can (R16); give --nodes ${SHARED_NODES_MAX}`;
}

/** Throws OperatorError with one sentence when a port of the plan is not free. */
export async function requireFreePorts(plan: ClusterPlan): Promise<void> {
  const problem = await portProblem(plan);
  if (problem !== null) throw new OperatorError(EXIT.failed, problem);
}

/** One sentence on the first port that is not free, with what to do; null when all are. */
export async function portProblem(plan: ClusterPlan): Promise<string | null> {
  const states = await Promise.all(plan.ports.map(({ address, port }) => portState(address, port)));
  const refused = plan.ports.filter((_, position) => states[position] !== 'free');
  const [first] = refused;
  if (first === undefined) return null;
  const { address, port, use } = first;
  const others = refused.length === 1 ? '' : ` (and ${refused.length - 1} more of this cluster's ports are not free)`;
  const elsewhere = plan.managerAddress === '127.0.7.1' ? '127.0.8' : '127.0.7';
  switch (states[plan.ports.indexOf(first)] ?? 'free') {
    case 'free':
      return null;
    case 'taken': {
      const { text, endIt } = takenText(address, port, use);
      return `${text}${others}: ${endIt}, or start this cluster elsewhere with --subnet ${elsewhere} --state-dir .ssmmp-${elsewhere.slice(6)}`;
    }
    case 'no such address':
      return `${address}, which ${use} needs, is no address of this machine: choose another --subnet, or add it to the loopback interface`;
    case 'not allowed':
      return `port ${port}, which ${use} needs, may not be opened by this user: choose one above 1023 in the graph`;
  }
}

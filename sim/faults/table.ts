/**
 * All faults there are, by name.
 *
 * Lives here: the one list. Does not live here: what one does. A new fault is an entry of one of the three files.
 */
import type { Fault } from './fault.ts';
import { NODE_FAULTS } from './nodes.ts';
import { OPERATOR_FAULTS } from './operator.ts';
import { PROCESS_FAULTS } from './processes.ts';

export const FAULTS: readonly Fault[] = [...PROCESS_FAULTS, ...NODE_FAULTS, ...OPERATOR_FAULTS];

export function faultNamed(name: string): Fault {
  const fault = FAULTS.find((entry) => entry.name === name);
  if (fault === undefined) throw new Error(`there is no fault '${name}'`);
  return fault;
}

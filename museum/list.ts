/** All mutants of the museum, and finding one by its name. */
import type { Mutant } from './mutant.ts';
import { AGENT_MUTANTS } from './mutants/agents.ts';
import { DURABLE_MUTANTS } from './mutants/durable.ts';
import { MANAGER_MUTANTS } from './mutants/manager.ts';

export const MUTANTS: readonly Mutant[] = [...MANAGER_MUTANTS, ...AGENT_MUTANTS, ...DURABLE_MUTANTS];

/** Throws with the names there are. */
export function mutantNamed(name: string): Mutant {
  const found = MUTANTS.find((mutant) => mutant.name === name);
  if (found !== undefined) return found;
  throw new Error(`no mutant is called '${name}'; there are ${MUTANTS.map((mutant) => mutant.name).join(', ')}`);
}

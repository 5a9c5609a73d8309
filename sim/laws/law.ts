/**
 * What a law is: a sentence that holds in every world, whatever happens.
 *
 * Lives here: the shape of a law. Does not live here: any law: each has a file of its own in this folder, and stands in
 * table.ts. Safety laws are asked after every event, about what changed in it; liveness laws (settled.ts) after
 * everything was healed.
 */
import type { Stepped } from '../process.ts';
import type { World } from '../world.ts';

/** A law for one run. It may remember what it saw. */
export interface Law {
  /** As it stands in a report: what holds. */
  readonly name: string;
  /** After each step of a machine: what is wrong, or null. */
  readonly afterStep?: (stepped: Stepped) => string | null;
  /** After each event, whether or not a machine was stepped in it. Must cost next to nothing. */
  readonly afterEvent?: () => string | null;
}

/** Makes a law for one world. */
export type LawOf = (world: World) => Law;

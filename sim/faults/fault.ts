/**
 * What a fault is: something that goes wrong in a world, with an undo.
 *
 * Lives here: the shape of a fault and of a step of a plan. Does not live here: any fault (the other files of this
 * folder), when one comes (plan.ts). A step is plain data: which fault, two numbers from 0 to 1 that choose its target
 * and its size, and how long it lasts. Whom the numbers mean is found out when it happens; so a plan still means
 * something after steps were taken out of it, and a failing one can be shrunk.
 */
import type { World } from '../world.ts';

export interface PlanStep {
  readonly atUs: number;
  readonly fault: string;
  /** Chooses the target. */
  readonly target: number;
  /** Chooses the size, where there is one. */
  readonly size: number;
  /** Until its undo; 0 for what is over at once. */
  readonly lastsUs: number;
}

/** What a fault did: words for people, and how it is undone (null: there is nothing to undo). */
export interface Done {
  readonly text: string;
  readonly undo: (() => void) | null;
}

export interface Fault {
  readonly name: string;
  /** Usual and longest time until its undo, in microseconds; [0, 0]: over at once. */
  readonly lastsUs: readonly [number, number];
  /** How many times a second of the world's time, at the usual rate. */
  readonly rate: number;
  /** Makes it happen; null where there is nothing it could happen to. */
  begin(world: World, step: PlanStep): Done | null;
}

/** The one of several that a number from 0 to 1 means; null of none. */
export function chosen<T>(items: readonly T[], target: number): T | null {
  return items[Math.floor(target * items.length)] ?? null;
}

/**
 * The search: every order of moves from the beginning, breadth first, each world once.
 *
 * Lives here: what was met, how it was reached, what was in it. Does not live here: printing, clocks.
 *
 * Breadth first, so that the way to a broken law is the shortest. Of a world that was met only 53 bits are kept and the move
 * that led to it; the worlds themselves are kept as text until their turn. That two worlds share 53 bits would hide one of
 * them: a chance below one in a thousand for millions.
 */
import { BrokenLaw } from './cells.ts';
import { brokenQuiet, brokenWorld } from './quiet.ts';
import { makeMove, movesOf, type Rules } from './moves.ts';
import type { Memory } from './memory.ts';
import { Play } from './play.ts';
import { STORES } from './start.ts';
import { copyWorld, hashOf, textOf, worldOf, type World } from './world.ts';

export interface SearchOptions {
  readonly memory: Memory;
  readonly world: World;
  readonly rules: Rules;
  /** Moves from the beginning at most. */
  readonly depth: number;
  /** The search ends when so many worlds were met. */
  readonly statesMax: number;
  /** Called after each level. */
  readonly progress?: (level: Level) => void;
}

export interface Level {
  readonly depth: number;
  readonly states: number;
  readonly moves: number;
  /** Worlds of this level that are still to be expanded. */
  readonly frontier: number;
}

export interface Found {
  /** Distinct worlds. */
  readonly states: number;
  readonly moves: number;
  readonly depth: number;
  /** Nothing was left to expand: this is the whole space. */
  readonly complete: boolean;
  /** Worlds in which nothing was on its way, each judged. */
  readonly quiet: number;
  /** Distinct states of the machines: Manager, agents, instances. */
  readonly cells: { readonly managers: number; readonly agents: number; readonly instances: number };
  /** The orders of the first grant, drain and crash that were met: `gdc`, `dcg` … */
  readonly orders: readonly string[];
  /** What is broken, and the shortest way there. */
  readonly failure: { readonly law: string; readonly moves: readonly string[] } | null;
}

/** Orders of up to three different letters, by number. */
const ORDERS = ['', 'g', 'd', 'c', 'gd', 'dg', 'gc', 'cg', 'dc', 'cd', 'gdc', 'gcd', 'dgc', 'dcg', 'cgd', 'cdg'];

export function search(options: SearchOptions): Found {
  const { memory, rules, depth: depthMax, statesMax } = options;
  const met = new Map<number, number>();
  const parents: number[] = [];
  const leads: number[] = [];
  /** For each world, which orders led to it: a bit each. */
  const orders: number[] = [];
  let level: { text: string; index: number }[] = [];
  let [moves, quiet, depth] = [0, 0, 0];
  let failure: Found['failure'] = null;

  const meet = (text: string, parent: number, move: string, mask: number): number | null => {
    const hash = hashOf(text);
    const known = met.get(hash);
    if (known !== undefined) {
      orders[known] = (orders[known] as number) | mask;
      return null;
    }
    const index = parents.length;
    met.set(hash, index);
    parents.push(parent);
    leads.push(memory.words.number(move));
    orders.push(mask);
    return index;
  };
  const wayTo = (index: number, last: string): string[] => {
    const way = [last];
    for (let at = index; at > 0; at = parents[at] as number) way.push(memory.words.text(leads[at] as number));
    return way.reverse();
  };

  const first = textOf(options.world);
  level.push({ text: first, index: meet(first, -1, '', 1) as number });
  while (level.length > 0 && depth < depthMax && parents.length < statesMax && failure === null) {
    const next: typeof level = [];
    depth += 1;
    for (const { text, index } of level) {
      if (parents.length >= statesMax || failure !== null) break;
      const world = worldOf(text);
      for (const move of movesOf(new Play(memory, world), rules)) {
        moves += 1;
        const play = new Play(memory, copyWorld(world));
        let law: string | null;
        try {
          makeMove(play, move, rules);
          law = brokenWorld(play.world, STORES);
        } catch (error) {
          if (!(error instanceof BrokenLaw)) throw error;
          law = error.message;
        }
        if (law === null && play.world.queues.size === 0) {
          quiet += 1;
          law = brokenQuiet(memory, play.world);
        }
        if (law !== null) {
          failure = { law, moves: wayTo(index, move) };
          break;
        }
        const after = textOf(play.world);
        const reached = meet(after, index, move, extended(orders[index] as number, play.marks));
        if (reached !== null) next.push({ text: after, index: reached });
      }
    }
    level = next;
    options.progress?.({ depth, states: parents.length, moves, frontier: level.length });
  }
  const all = orders.reduce((sum, mask) => sum | mask, 0);
  return {
    states: parents.length,
    moves,
    depth,
    complete: level.length === 0 && failure === null,
    quiet,
    cells: { managers: memory.managers.size, agents: memory.agents.size, instances: memory.instances.size },
    orders: ORDERS.filter((order, bit) => order.length === 3 && (all & (1 << bit)) !== 0),
    failure,
  };
}

/** The orders after a move: each letter that is new to an order is put behind it. Marks of one move come in any order. */
function extended(mask: number, marks: ReadonlySet<string>): number {
  if (marks.size === 0) return mask;
  let after = 0;
  for (let bit = 0; bit < ORDERS.length; bit += 1) {
    if ((mask & (1 << bit)) === 0) continue;
    let order = ORDERS[bit] as string;
    for (const mark of marks) if (!order.includes(mark)) order += mark;
    after |= 1 << ORDERS.indexOf(order);
  }
  return after;
}

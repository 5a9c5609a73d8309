/**
 * The spaces that are searched: what may happen in each, and how often.
 *
 * Lives here: the table. Does not live here: the search. Two agents and three services in all of them. `complete`: the whole
 * space is small enough to be met; the others are met up to a number of worlds.
 */
import type { Command } from '../../manager/core/inputs.ts';
import { makeMove, type Rules } from './moves.ts';
import type { Memory } from './memory.ts';
import { Play } from './play.ts';
import { search, type Found, type SearchOptions } from './search.ts';
import { beginning } from './start.ts';
import { copyWorld, type Budget, type World } from './world.ts';

export interface Space {
  readonly about: string;
  readonly budget: Budget;
  readonly faults: Rules['faults'];
  readonly commands: Rules['commands'];
  /** Is it small enough to be met whole? */
  readonly complete: boolean;
}

const STOP: Command = { command: 'stop', instance: 'front/2', hard: false };
const MIGRATE: Command = { command: 'migrate', instance: 'front/2', to: null, dry_run: false };
const EVERY = ['kill', 'cut', 'restart-manager', 'restart-agent'] as const;

export const SPACES: Readonly<Record<string, Space>> = {
  moves: {
    about: 'no fault: two sessions, a stop or a migration',
    budget: { faults: 0, commands: 1, needs: 2, waits: 0 },
    faults: [],
    commands: { stop: STOP, migrate: MIGRATE },
    complete: true,
  },
  crash: {
    about: 'a session, a stop, a crash',
    budget: { faults: 1, commands: 1, needs: 1, waits: 0 },
    faults: ['kill'],
    commands: { stop: STOP },
    complete: true,
  },
  'fault-in-time': {
    about: 'a session, any fault, and time for one deadline',
    budget: { faults: 1, commands: 0, needs: 1, waits: 1 },
    faults: EVERY,
    commands: {},
    complete: true,
  },
  'fault-and-move': {
    about: 'a session, a stop or a migration, any fault',
    budget: { faults: 1, commands: 1, needs: 1, waits: 0 },
    faults: EVERY,
    commands: { stop: STOP, migrate: MIGRATE },
    complete: true,
  },
  'two-faults': {
    about: 'a session, a stop or a migration, any two faults',
    budget: { faults: 2, commands: 1, needs: 1, waits: 0 },
    faults: EVERY,
    commands: { stop: STOP, migrate: MIGRATE },
    complete: false,
  },
  'two-faults-in-time': {
    about: 'two sessions, a stop or a migration, any two faults, and time for two deadlines',
    budget: { faults: 2, commands: 1, needs: 2, waits: 2 },
    faults: EVERY,
    commands: { stop: STOP, migrate: MIGRATE },
    complete: false,
  },
};

export interface Searched extends Found {
  /** The way to what is broken, a line each; empty when nothing is. */
  readonly story: readonly string[];
}

/** Searches a space. */
export function searchSpace(
  space: Space,
  limits: Pick<SearchOptions, 'depth' | 'statesMax'> & Partial<Pick<SearchOptions, 'progress'>>,
): Searched {
  const { memory, world, horizon } = beginning(space.budget);
  const rules: Rules = { commands: space.commands, faults: space.faults, horizon };
  const found = search({ ...limits, memory, world, rules });
  return { ...found, story: found.failure === null ? [] : storyOf(memory, world, rules, found.failure.moves) };
}

/** The moves again, each with the line that arrives. */
function storyOf(memory: Memory, from: World, rules: Rules, moves: readonly string[]): string[] {
  const world = copyWorld(from);
  const play = new Play(memory, world);
  const lines: string[] = [];
  for (const [index, move] of moves.entries()) {
    const queue = move.startsWith('deliver ') ? world.queues.get(move.slice('deliver '.length)) : undefined;
    lines.push(queue === undefined ? move : `${move}: ${memory.words.text(queue[0] as number)}`);
    if (index < moves.length - 1) makeMove(play, move, rules);
  }
  return lines;
}

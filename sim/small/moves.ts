/**
 * The moves of a small world: everything that may happen next.
 *
 * Lives here: which they are, each with a name that says it again. Does not live here: what follows (play.ts).
 */
import type { Command } from '../../manager/core/inputs.ts';
import type { Play } from './play.ts';
import type { World } from './world.ts';

/** What a search may do beside letting things happen. */
export interface Rules {
  /** Commands of operators, each by a name. */
  readonly commands: Readonly<Record<string, Command>>;
  readonly faults: readonly ('kill' | 'cut' | 'restart-manager' | 'restart-agent')[];
  /** Time does not pass beyond it, in milliseconds: before the next beat of the Manager. */
  readonly horizon: number;
}

/** The names of the moves. The order is always the same. */
export function movesOf({ world, memory }: Play, rules: Rules): string[] {
  const moves = [...world.queues.keys()].map((queue) => `deliver ${queue}`);
  let soonest = Infinity;
  const consider = (name: string, next: number | null): void => {
    if (next === null) return;
    if (next <= world.now) moves.push(`tick ${name}`);
    else soonest = Math.min(soonest, next);
  };
  consider('manager', memory.managers.next(world.manager));
  world.agents.forEach(({ cell }, node) => consider(`agent ${node}`, memory.agents.next(cell)));
  for (const { id, cell, booted } of world.instances)
    if (booted) consider(`instance ${id}`, memory.instances.next(cell));
  const { faults, commands, needs, waits } = world.budget;
  if (waits > 0 && soonest < rules.horizon) moves.push(`wait ${soonest}`);
  if (needs > 0)
    for (const { id, cell, booted } of world.instances)
      if (booted) for (const plug of memory.plugsOf(cell)) moves.push(`need ${id} ${plug}`);
  if (commands > 0) moves.push(...Object.keys(rules.commands).map((name) => `command ${name}`));
  if (faults > 0) moves.push(...faultsOf(world, rules));
  return moves;
}

function faultsOf(world: World, { faults }: Rules): string[] {
  return faults.flatMap((fault) => {
    switch (fault) {
      case 'kill':
        return world.instances.map(({ id }) => `kill ${id}`);
      case 'cut':
        return world.agents.flatMap(({ link }, node) => (link === 0 ? [] : [`cut ${node}`]));
      case 'restart-manager':
        return ['restart-manager'];
      case 'restart-agent':
        return world.agents.map((_, node) => `restart-agent ${node}`);
    }
  });
}

/** Makes a move that movesOf named. Throws BrokenLaw. */
export function makeMove(play: Play, move: string, rules: Rules): void {
  const { world } = play;
  const [kind = '', first = '', second = ''] = move.split(' ');
  const spend = (name: keyof World['budget']): void => {
    world.budget = { ...world.budget, [name]: world.budget[name] - 1 };
  };
  switch (kind) {
    case 'deliver':
      return play.deliver(first);
    case 'tick':
      if (first === 'manager') return play.manager({ kind: 'tick' });
      if (first === 'agent') return play.agent(Number(second), { kind: 'tick' });
      return play.instance(Number(second), { kind: 'tick' });
    case 'wait':
      spend('waits');
      world.now = Number(first);
      return;
    case 'need':
      spend('needs');
      return play.instance(Number(first), { kind: 'session_needed', plug: second });
    case 'command': {
      const command = rules.commands[first];
      if (command === undefined) throw new Error(`no command is called ${first}`);
      play.command(command);
      return spend('commands');
    }
    case 'kill':
      spend('faults');
      return play.crash(Number(first));
    case 'cut':
      spend('faults');
      return play.cutLink(Number(first));
    case 'restart-manager':
      spend('faults');
      return play.restartManager();
    case 'restart-agent':
      spend('faults');
      return play.restartAgent(Number(first));
    default:
      throw new Error(`no move is called ${move}`);
  }
}

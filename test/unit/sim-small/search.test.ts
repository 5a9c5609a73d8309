/**
 * Small scope, every order: the spaces that are met whole in seconds. `npm run exhaust` meets the rest.
 */
import { expect } from 'chai';
import { Memory } from '../../../sim/small/memory.ts';
import { Play } from '../../../sim/small/play.ts';
import { makeMove, movesOf, type Rules } from '../../../sim/small/moves.ts';
import { searchSpace, SPACES, type Space } from '../../../sim/small/spaces.ts';
import { beginning } from '../../../sim/small/start.ts';
import { copyWorld, textOf, worldOf } from '../../../sim/small/world.ts';

const LIMITS = { depth: 1000, statesMax: 1_000_000 };

describe('small scope, every order', function () {
  this.timeout(120_000);

  for (const name of ['moves', 'crash', 'fault-in-time'])
    it(`${name}: ${SPACES[name]?.about}; the whole space, no law broken`, () => {
      const found = searchSpace(SPACES[name] as Space, LIMITS);
      expect(found.failure, found.story.join('\n')).to.equal(null);
      expect(found.complete).to.equal(true);
      expect(found.quiet).to.be.greaterThan(10);
      console.log(`        ${found.states} distinct states, ${found.moves} moves, ${found.depth} deep`);
      if (name === 'crash') {
        expect(found.orders).to.have.members(['gdc', 'gcd', 'dgc', 'dcg', 'cgd', 'cdg']);
        expect(found.states).to.be.greaterThan(20_000);
      }
    });

  it('a world is its text: every world on a way comes back the same, and the same moves lead to the same text', () => {
    const run = (): string[] => {
      const { memory, world, horizon } = beginning({ faults: 2, commands: 1, needs: 2, waits: 3 });
      const space = SPACES['two-faults-in-time'] as Space;
      const rules: Rules = { commands: space.commands, faults: space.faults, horizon };
      const texts: string[] = [];
      let here = world;
      for (let step = 0; step < 60; step += 1) {
        const moves = movesOf(new Play(memory, here), rules);
        if (moves.length === 0) break;
        const play = new Play(memory, copyWorld(here));
        makeMove(play, moves[(step * 7) % moves.length] as string, rules);
        const text = textOf(play.world);
        expect(textOf(worldOf(text))).to.equal(text);
        texts.push(text);
        here = worldOf(text);
      }
      return texts;
    };
    const first = run();
    expect(first.length).to.be.greaterThan(30);
    expect(run()).to.deep.equal(first);
  });

  it('a step is taken once: the same state and input give the same number', () => {
    const memory = new Memory([]);
    const { managers } = memory;
    const { world, memory: other } = beginning({ faults: 0, commands: 0, needs: 1, waits: 0 });
    expect(managers.size).to.equal(0);
    const taken = other.managers.stepsTaken;
    const step = (): number =>
      other.managers.step(world.manager, 'x', () => ({
        kind: 'connection_opened',
        connection: 99,
        address: '127.0.0.99',
        at: world.now,
      })).cell;
    expect(step()).to.equal(step());
    expect(other.managers.stepsTaken).to.equal(taken + 1);
  });
});

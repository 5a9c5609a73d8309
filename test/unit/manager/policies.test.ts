/** Policies in files, as the core sees them: asked through an oracle, recorded, replaced when they fail. */
import { expect } from 'chai';
import type { PolicyOracle, PolicyQuestion } from '../../../manager/core/oracle.ts';
import { initialManager, saveManager } from '../../../manager/core/save.ts';
import { managerMachine } from '../../../manager/core/step.ts';
import type { BalancingView, PlacementView, PolicyKind } from '../../../ssmmp/core/policy.ts';
import { replay } from '../../../ssmmp/machine/journal.ts';
import { SMALL } from './harness.ts';
import { Obedient } from './obedient.ts';

/** A cluster whose policies of these kinds are files, and everything they were asked. */
function cluster(kinds: readonly PolicyKind[], oracle: PolicyOracle): { made: Obedient; asked: PolicyQuestion[] } {
  const asked: PolicyQuestion[] = [];
  const listed = kinds.map((kind) => `${kind}: ./my.ts`).join(', ');
  const made = new Obedient(`${SMALL}policies: {${listed}}\n`, (question) => {
    asked.push(structuredClone(question));
    return oracle(question);
  });
  return { made, asked };
}

function scale(made: Obedient, replicas: number): void {
  made.command(1, { command: 'scale', service: 'front', replicas, dry_run: false });
}

function replayed(made: Obedient): { effects: ReturnType<typeof replay>; state: string } {
  const header = {
    format: 'ssmmp-journal',
    formatVersion: 1,
    machine: managerMachine.name,
    machineVersion: managerMachine.version,
    firstRecord: 0,
    at: 0,
    mark: null,
    state: saveManager(initialManager()),
  } as const;
  const effects = replay(managerMachine, header, made.m.journal);
  return { effects, state: effects.ok ? JSON.stringify(saveManager(effects.state)) : '' };
}

describe('Manager: policies in files', () => {
  it('placement: sees the nodes that can, and its choice is where the instance starts', () => {
    const { made, asked } = cluster(['placement'], () => ({ choice: { node: 3, why: 'it is the last' } }));
    const before = asked.length;
    scale(made, 1);
    expect(made.of('front').map(({ address }) => address)).to.deep.equal(['127.0.0.13']);
    const view = asked[before]?.view as PlacementView;
    expect(view.service).to.equal('front');
    expect(view.nodes.map(({ node }) => node)).to.deep.equal([1, 2, 3]);
    expect(made.log).to.include('# front is placed on node 3: it is the last');
  });

  it('is not asked where there is no choice, nor whether there is one', () => {
    const { made, asked } = cluster(['placement', 'balancing'], () => ({ choice: { node: 2, instance: 0 } }));
    scale(made, 1);
    const before = asked.length;
    made.open('gate', 'front-plug', 'front-socket', 'front');
    made.command(2, { command: 'migrate', instance: String(made.of('front')[0]?.id), to: '3', dry_run: false });
    made.pass(2000);
    expect(asked.length).to.equal(before);
  });

  it('balancing: its choice gets the session, and it sees who asks', () => {
    const { made, asked } = cluster(['balancing'], ({ view }) => {
      const { candidates } = view as BalancingView;
      return { choice: { instance: Math.max(...candidates.map(({ instance }) => instance)) } };
    });
    scale(made, 3);
    const before = asked.length;
    made.open('gate', 'front-plug', 'front-socket', 'front');
    const last = made.of('front').at(-1);
    expect(last?.incoming.size).to.equal(1);
    expect((asked[before]?.view as { source: unknown }).source).to.include({ service: 'gate' });
  });

  it('scaling: carries its state from call to call', () => {
    const { made, asked } = cluster(['scaling'], ({ view }) => {
      const { state, desired } = view as { state: number | null; desired: number };
      const calls = (state ?? 0) + 1;
      return { choice: { replicas: calls === 3 ? desired + 1 : desired, state: calls, why: `call ${calls}` } };
    });
    scale(made, 1);
    made.pass(2000);
    expect(made.of('front')).to.have.length(2);
    expect(made.log).to.include('# call 3');
    const states = asked.filter(({ view }) => view.service === 'front').map(({ view }) => view.state);
    expect(states.slice(0, 3)).to.deep.equal([null, 1, 2]);
  });

  it('restart: its wait is kept, and a crash loop is its word', () => {
    const { made } = cluster(['restart'], () => ({ choice: { waitMs: 700, crashLooping: true, why: 'I said so' } }));
    scale(made, 1);
    made.broken.add('front');
    const crashed = made.of('front')[0];
    made.obey(
      made.m.say(made.homeOf(crashed), {
        type: 'service_instance_termination_info',
        message_id: 5,
        sub_type: 'agent_to_Manager',
        service_name: 'front',
        service_instance_id: crashed?.id ?? 0,
        service_instance_network_address: crashed?.address ?? '',
        x: { x_exit: 'code 1' },
      }),
    );
    const { front } = Object.fromEntries(made.m.state.services);
    expect(front?.crashLooping).to.equal(true);
    expect(front?.holdUntil).to.equal(made.m.now + 700);
    expect(made.log).to.include('# front waits 700 ms: I said so');
  });

  const failures: [string, unknown][] = [
    ['throws', { problem: 'it threw Error: no' }],
    ['names a node that cannot', { choice: { node: 99 } }],
    ['answers null', { choice: null }],
    ['answers a text', { choice: 'node 1' }],
    ['says why in a number', { choice: { node: 2, why: 4 } }],
  ];
  for (const [what, answer] of failures)
    it(`one that ${what} is told of, and the built-in one chooses`, () => {
      const { made } = cluster(['placement'], () => answer as never);
      scale(made, 3);
      expect(made.of('front').map(({ address }) => address)).to.have.members([
        '127.0.0.11',
        '127.0.0.12',
        '127.0.0.13',
      ]);
      const told = made.log.filter((line) => line.startsWith('# policy placement of ./my.ts failed for '));
      expect(told).to.have.length(1);
      expect(told[0]).to.match(/; 'least-used' chooses instead$/);
    });

  it('failures are told once, then at most every ten seconds with their number', () => {
    const { made } = cluster(['scaling'], () => ({ choice: { replicas: 1.5 } }));
    scale(made, 1);
    made.pass(25_000);
    const told = made.log.filter((line) => line.startsWith('# policy scaling'));
    expect(told).to.have.length(3);
    expect(told[0]).to.include(
      'it returned {"replicas":1.5}; expected {replicas: number}, a whole number from 1 to 3; \'load\'',
    );
    expect(told[1]).to.match(/\(and \d+ times more since it was last told\)$/);
  });

  it('a replay asks nobody and agrees, a chance in the policy or not', () => {
    const { made } = cluster(['placement', 'balancing', 'scaling', 'restart'], ({ kind, view }) => {
      if (Math.random() < 0.2) return { problem: 'no mood' };
      const pick = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T;
      if (kind === 'placement') return { choice: { node: pick((view as PlacementView).nodes).node } };
      if (kind === 'balancing') return { choice: { instance: pick((view as BalancingView).candidates).instance } };
      const { min, max } = view as { min: number; max: number };
      return kind === 'scaling'
        ? { choice: { replicas: pick([min, max]), state: { luck: Math.random() } } }
        : { choice: { waitMs: 100 * Math.random() } };
    });
    made.reopens = true;
    scale(made, 3);
    for (let n = 0; n < 12; n += 1) made.open('gate', 'front-plug', 'front-socket', 'front');
    made.pass(10_000);
    const { effects, state } = replayed(made);
    expect(effects).to.include({ ok: true });
    expect(state).to.equal(JSON.stringify(saveManager(made.m.state)));
  });

  it('another policy begins without the state of the one before', () => {
    const { made, asked } = cluster(['scaling'], () => ({ choice: { replicas: 1, state: 'old' } }));
    scale(made, 1);
    made.pass(1000);
    made.apply(5, `${SMALL}policies: {scaling: ./other.ts}\n`);
    const before = asked.length;
    made.pass(1000);
    const seen = asked.slice(before).filter(({ view }) => view.service === 'front');
    expect(seen.map(({ view }) => view.state)).to.deep.equal([null, 'old']);
    expect(made.reply(5)?.body).to.have.nested.property('changes[0].to', './other.ts');
  });

  it('without anybody to run it, the built-in one chooses', () => {
    const made = new Obedient(`${SMALL}policies: {placement: ./my.ts}\n`);
    scale(made, 2);
    expect(made.of('front')).to.have.length(2);
  });
});

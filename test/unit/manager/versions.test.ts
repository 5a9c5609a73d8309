/** Versions of a service: replicas of each, weights, and how one graph leads to another. */
import { expect } from 'chai';
import type { Instance } from '../../../manager/core/state.ts';
import { wantedOfEach } from '../../../manager/core/versions.ts';
import { graphOf, SMALL } from './harness.ts';
import { Obedient } from './obedient.ts';

/** SMALL, where front has these versions. */
function graphWith(versions: string, replicas = '{min: 0, max: 5}'): string {
  return SMALL.replace(
    'front: {kind: service, replicas: {min: 0, max: 3}}',
    `front: {kind: service, replicas: ${replicas}, versions: ${versions}}`,
  );
}

function scale(made: Obedient, replicas: number): void {
  made.command(1, { command: 'scale', service: 'front', replicas, dry_run: false });
}

function versions(made: Obedient): (string | null)[] {
  return made
    .of('front')
    .map(({ version }) => version)
    .sort();
}

function open(made: Obedient, sessions: number): void {
  for (let n = 0; n < sessions; n += 1) made.open('gate', 'front-plug', 'front-socket', 'front');
}

function sessionsOf(made: Obedient, version: string): number {
  return made
    .of('front')
    .filter((instance: Instance) => instance.version === version)
    .reduce((sum, { incoming }) => sum + incoming.size, 0);
}

describe('versions of a service', () => {
  it('each has one replica at least, the rest follow the weights', () => {
    const vertex = graphOf(graphWith('{v1: 9, v2: 1}', '{min: 0, max: 50}')).services.find(
      ({ name }) => name === 'front',
    );
    if (vertex === undefined) throw new Error('no front');
    const each = (desired: number): Record<string, number> => Object.fromEntries(wantedOfEach(vertex, desired));
    expect(each(0)).to.deep.equal({ v1: 0, v2: 0 });
    expect(each(1)).to.deep.equal({ v1: 1, v2: 1 });
    expect(each(4)).to.deep.equal({ v1: 3, v2: 1 });
    expect(each(20)).to.deep.equal({ v1: 18, v2: 2 });
  });

  it('a request starts one of each; the program is named service.version on the wire', () => {
    const made = new Obedient(graphWith('{v1: 9, v2: 1}'));
    open(made, 1);
    expect(versions(made)).to.deep.equal(['v1', 'v2']);
    const started = made.log.filter(
      (line) => line.includes('execution_request') && line.includes('service_name: front'),
    );
    expect(started.map((line) => /service_name: (\S+)/.exec(line)?.[1])).to.deep.equal(['front.v1', 'front.v2']);
  });

  it('sessions of many plugs follow the weights, and each says which part of the requests it carries', () => {
    const made = new Obedient(graphWith('{v1: 3, v2: 1}'));
    scale(made, 4);
    expect(versions(made)).to.deep.equal(['v1', 'v1', 'v1', 'v2']);
    open(made, 40);
    expect([sessionsOf(made, 'v1'), sessionsOf(made, 'v2')]).to.deep.equal([30, 10]);
    const told = made.log
      .filter((line) => line.includes('session_response'))
      .map((line) => /x_weight: (\d+)/.exec(line)?.[1]);
    expect(new Set(told)).to.deep.equal(new Set(['250']));
  });

  it('a plug of one source reaches every replica, whatever the weights; the parts are the weights', () => {
    const made = new Obedient(graphWith('{v1: 9, v2: 1}'));
    made.reopens = true;
    open(made, 2);
    made.pass(3000);
    expect([sessionsOf(made, 'v1'), sessionsOf(made, 'v2')]).to.deep.equal([1, 1]);
    const parts = [...made.m.state.sessions.values()].map(({ part }) => part);
    expect(parts).to.have.members([900, 100]);
  });

  it('other weights: sessions are closed and open again with their new part, and then it is quiet', () => {
    const made = new Obedient(graphWith('{v1: 9, v2: 1}'));
    made.reopens = true;
    open(made, 2);
    made.apply(7, graphWith('{v1: 1, v2: 1}'));
    made.pass(3000);
    expect([...made.m.state.sessions.values()].map(({ part }) => part)).to.deep.equal([500, 500]);
    const closes = made.log.filter((line) => line.includes('session_close_request')).length;
    made.pass(20_000);
    expect(made.log.filter((line) => line.includes('session_close_request')).length).to.equal(closes);
  });

  it('no versions → two → one: what is not wanted goes when the others are on; somebody is always there', () => {
    const made = new Obedient();
    made.reopens = true;
    scale(made, 2);
    open(made, 2);
    const steps = [graphWith('{v1: 9, v2: 1}'), graphWith('{v2: 1}'), SMALL];
    const wanted = [
      ['v1', 'v2'],
      ['v2', 'v2'],
      [null, null],
    ];
    steps.forEach((graph, at) => {
      made.apply(10 + at, graph);
      expect(made.of('front').some(({ status }) => status === 'on')).to.equal(true);
      made.pass(20_000);
      expect(versions(made)).to.deep.equal(wanted[at]);
      expect(made.reply(10 + at)?.status, String(at)).to.equal(200);
      expect(made.m.state.sessions.size).to.equal(2);
    });
  });

  it('a version that no node has is told of, and keeps nothing else from running', () => {
    const made = new Obedient(graphWith('{v1: 1, v3: 1}'));
    scale(made, 3);
    expect(versions(made)).to.deep.equal(['v1', 'v1']);
    made.apply(8, graphWith('{v1: 1, v4: 1}'), true);
    expect(JSON.stringify(made.reply(8)?.body)).to.include('no node has front.v4 in its repository');
  });

  it('weight 0 has no instance; scaling below one of each is refused; migration keeps the version', () => {
    const made = new Obedient(graphWith('{v1: 1, v2: 1}'));
    scale(made, 1);
    expect(made.reply(1)?.status).to.equal(409);
    made.command(2, { command: 'scale', service: 'front', replicas: 2, dry_run: false });
    const v2 = made.of('front').find(({ version }) => version === 'v2');
    made.command(3, { command: 'migrate', instance: String(v2?.id), to: null, dry_run: false });
    made.pass(3000);
    expect(versions(made)).to.deep.equal(['v1', 'v2']);
    expect(made.m.state.instances.has(v2?.id ?? 0)).to.equal(false);
    made.apply(4, graphWith('{v1: 1, v2: 0}'));
    made.pass(3000);
    expect(versions(made)).to.deep.equal(['v1', 'v1']);
  });

  it('a version that nobody uses does not go alone; all go together', () => {
    const made = new Obedient(graphWith('{v1: 1, v2: 1}').replace('versions:', 'idle_after: 5s, versions:'));
    made.command(2, { command: 'scale', service: 'front', replicas: 2, dry_run: false });
    made.command(3, { command: 'scale', service: 'front', replicas: 2, dry_run: false });
    made.pass(30_000);
    expect(versions(made)).to.deep.equal([]);
  });

  it('a graph is refused that gives versions to a store or a gateway, or more of them than replicas', () => {
    const refusal = (text: string): string => {
      try {
        graphOf(text);
        return '';
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(refusal(SMALL.replace('{kind: baas}', '{kind: baas, versions: {v1: 1}}'))).to.include(
      'one instance owns the data',
    );
    expect(refusal(graphWith('{v1: 1, v2: 1}', '{max: 1}'))).to.include(
      '2 versions with a weight and at most 1 replicas',
    );
    expect(refusal(graphWith('{v1: 0}'))).to.include('no version has a weight');
    expect(refusal(graphWith('{v1: -1}'))).to.include('a weight from 0');
  });
});

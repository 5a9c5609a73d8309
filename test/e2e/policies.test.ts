/** Versions with weights and policies in files, on real processes: a canary, an endless loop, a file with a mistake. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Cluster, until } from './cluster.ts';

const PORT = 8085;
const graphWith = (versions: string, policies: string): string => `
cnapp: canary
services:
  gate:  {kind: gateway, public: {users: ${PORT}}}
  front: {kind: service, replicas: {min: 0, max: 4}, versions: ${versions}}
  store: {kind: baas}
edges:
  - [gate, [front-plug, front-socket], front]
  - [front, [store-plug, store-socket], store]
policies: ${policies}
`;
/** Everything but stores goes to node 3. */
const PLACEMENT = `import type { Place } from './types.ts';
export function placement({ kind, nodes }: { kind: string; nodes: Place[] }) {
  const [last] = [...nodes].sort((a, b) => b.node - a.node);
  return { node: kind === 'baas' ? nodes[0]!.node : last!.node, why: 'node 3 has room' };
}
`;

describe('versions with weights, and policies in files', function () {
  this.timeout(60_000);
  let cluster: Cluster;
  let folder = '';
  let users: Socket;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ssmmp-canary-'));
    writeFileSync(join(folder, 'types.ts'), 'export interface Place { readonly node: number }\n');
    writeFileSync(join(folder, 'placement.ts'), PLACEMENT);
    writeFileSync(join(folder, 'loop.ts'), 'export function scaling() {\n  for (;;);\n}\n');
    writeFileSync(join(folder, 'bad.ts'), 'export function scaling( {\n  return 1;\n}\n');
    file('graph.yaml', '{v1: 9, v2: 1}', '{placement: ./placement.ts, scaling: ./loop.ts}');
    cluster = await Cluster.start('127.0.54', ['--graph', join(folder, 'graph.yaml')]);
    const gate = await cluster.one('gate');
    users = connect(PORT, gate.service_instance_network_address);
    await hops(1);
  });
  after(async () => {
    users.destroy();
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function file(name: string, versions: string, policies: string): string {
    writeFileSync(join(folder, name), graphWith(versions, policies));
    return join(folder, name);
  }

  /** Sends so many lines, one after the other; how many of them v2 answered. */
  async function hops(count: number): Promise<number> {
    let canary = 0;
    for (let n = 0; n < count; n += 1) {
      const answer = await new Promise<string>((resolve, reject) => {
        const broken = (): void => reject(new Error('the connection of the user broke'));
        users.once('close', broken);
        users.once('data', (chunk: Buffer) => {
          users.off('close', broken);
          resolve(chunk.toString());
        });
        users.write('hop x\n');
      });
      expect(answer).to.match(/^gate\/\d+\(front\.v[12]\/\d+\(store\/\d+\)\)\n$/);
      if (answer.includes('front.v2')) canary += 1;
    }
    return canary;
  }

  it('a policy in a file chooses the node; one that loops for ever is told of and keeps nobody waiting', async () => {
    const fronts = await cluster.instances('front');
    expect(fronts.map((row) => row.service_instance_network_address)).to.deep.equal(['127.0.54.13', '127.0.54.13']);
    const events = await until('the loop is told of', async () => {
      const { out } = await cluster.ssmmp('events');
      return out.includes('policy scaling of ./loop.ts failed for front: it took longer than 20 ms') ? out : null;
    });
    expect(events).to.include('is placed on node 3: node 3 has room');
    const from = Date.now();
    await hops(20);
    expect(Date.now() - from).to.be.below(5000);
  });

  it('a tenth of the requests goes to the canary; half of them once that is applied', async () => {
    await until('both are in use', async () => (await hops(10)) === 1 || null);
    expect(await hops(100)).to.be.within(9, 11);
    const wide = (await cluster.ssmmp('get', 'instances', '-o', 'wide')).out;
    expect(wide).to.match(/front\/\d+ .* v2 /);
    const half = file('half.yaml', '{v1: 1, v2: 1}', '{placement: ./placement.ts}');
    const plan = await cluster.ssmmp('plan', half);
    expect(plan.code).to.equal(2);
    expect(plan.out)
      .to.include('~ policy scaling: ./loop.ts → load')
      .and.include('~ versions of front: v1 9, v2 1 → v1 1, v2 1');
    expect((await cluster.ssmmp('apply', half)).code).to.equal(0);
    await until('half of them', async () => (await hops(10)) === 5 || null);
    expect(await hops(40)).to.be.within(19, 21);
  });

  it('a policy file with a mistake changes nothing, and the line is named', async () => {
    const bad = file('bad.yaml', '{v1: 1, v2: 1}', '{placement: ./placement.ts, scaling: ./bad.ts}');
    const { code, err } = await cluster.ssmmp('apply', bad);
    expect(code).to.equal(1);
    expect(err).to.match(/bad\.ts:\d:\d+ Expected/);
    expect((await cluster.ssmmp('plan', join(folder, 'half.yaml'))).code).to.equal(0);
  });

  it('everything goes to the new version, and nobody notices', async () => {
    expect((await cluster.ssmmp('apply', file('done.yaml', '{v2: 1}', '{}'))).code).to.equal(0);
    expect(await hops(20)).to.equal(20);
  });

  it('a Manager that dies comes back with its policies, while their files have mistakes', async () => {
    const own = file('graph.yaml', '{v2: 1}', '{placement: ./placement.ts}');
    expect((await cluster.ssmmp('apply', own)).code).to.equal(0);
    writeFileSync(join(folder, 'placement.ts'), 'oh no');
    await cluster.ssmmp('kill', 'manager');
    await until('the Manager is back', async () => ((await cluster.ssmmp('get', 'nodes')).code === 0 ? true : null));
    expect((await cluster.ssmmp('graph', '-o', 'json')).out).to.include('./placement.ts');
    expect(await hops(5)).to.equal(5);
  });
});

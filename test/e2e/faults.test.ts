/** `ssmmp fault` on a real cluster: each fault is felt, listed, and undone: by command, by time, with its front. */
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import type { FaultRecord } from '../../faults/core/fault.ts';
import { Cluster, processesNaming, run, until } from './cluster.ts';
import { OperatorPort } from './operator-port.ts';

const SUBNET = '127.0.49';

interface NodeRow {
  readonly node: number;
  readonly status: string;
}

describe('ssmmp fault', function () {
  this.timeout(60_000);
  let cluster: Cluster;
  let operator: OperatorPort;

  before(async () => {
    cluster = await Cluster.start(SUBNET);
    operator = new OperatorPort(cluster.manager, cluster.stateDir);
  });
  after(() => cluster.stop());
  afterEach(async () => {
    await cluster.ssmmp('fault', 'undo', '--all');
    expect(existsSync(join(cluster.stateDir, 'faults.json')), 'faults.json is gone').to.equal(false);
    await nodesAre('registered', 1, 2, 3);
  });

  async function faults(...args: string[]): Promise<FaultRecord[]> {
    const { out, err, code } = await cluster.ssmmp('fault', ...args, '-o', 'json');
    expect(err + (code === 0 ? '' : `exit ${code}`)).to.equal('');
    return JSON.parse(out) as FaultRecord[];
  }

  async function nodesAre(status: string, ...nodes: number[]): Promise<void> {
    await until(`nodes ${nodes.join(', ')} are ${status}`, async () => {
      const rows = await operator.list<NodeRow>('nodes');
      return nodes.every((node) => rows.find((row) => Number(row.node) === node)?.status === status);
    });
  }

  it('stop: an agent hangs until its time is over, and nobody has to be there', async () => {
    const [fault] = await faults('stop', 'agent', '2', '--for', '2s');
    expect(fault).to.deep.include({ kind: 'stop', target: 'agent of node 2', status: 'on' });
    const kept = JSON.parse(readFileSync(join(cluster.stateDir, 'faults.json'), 'utf8')) as { faults: unknown };
    expect(kept.faults).to.deep.equal([fault]);
    await nodesAre('suspect', 2);
    await nodesAre('registered', 2);
    expect(await faults('list')).to.deep.equal([]);
  });

  it('node-off and node-on: all processes at once; the agent stays away until then', async () => {
    const pids = processesNaming(`${cluster.node(3)} `).length;
    expect(pids).to.be.greaterThan(0);
    await faults('node-off', '3');
    expect(processesNaming(`${cluster.node(3)} `)).to.deep.equal([]);
    await nodesAre('suspect', 3);
    expect(processesNaming(`${cluster.node(3)} `)).to.deep.equal([]);
    await faults('node-on', '3');
    await nodesAre('registered', 3);
  });

  it('cut and heal: without a word to either side; one way too', async () => {
    await faults('cut', '2', '--one-way', 'from-node');
    await nodesAre('suspect', 2);
    expect((await cluster.ssmmp('fault', 'list')).out).to.match(
      /nothing leaves the node +on +- +ssmmp fault heal 2 manager/,
    );
    await faults('heal', '2');
    await nodesAre('registered', 2);
    const wrong = await cluster.ssmmp('fault', 'cut', '2', '3');
    expect(wrong).to.include({ code: 1 });
    expect(wrong.err).to.include('ssmmp up --netns');
    expect(await faults('list')).to.deep.equal([]);
  });

  it('slow: an answer of the node takes as long as its link; users go by the link of cluster.json', async () => {
    const direct = await roundTripMs(cluster.node(1), 8080);
    const [fault] = await faults('slow', '1', 'users', '--delay', '150');
    const file = JSON.parse(readFileSync(join(cluster.stateDir, 'cluster.json'), 'utf8')) as {
      gateways: { address: string; port: number }[];
    };
    const [gateway] = file.gateways;
    expect(fault?.address).to.equal(`${gateway?.address}:${gateway?.port}`);
    const slow = await roundTripMs(gateway?.address as string, gateway?.port as number);
    expect(slow - direct).to.be.greaterThan(290);
  });

  it('R28 hold the wire: an execution_request is frozen, shown, delivered twice, and starts one instance', async () => {
    const hold = cluster.ssmmp('fault', 'hold', '--type', 'execution_request', '-o', 'json');
    await until('the hold is armed', async () => (await faults('list'))[0]?.status === 'armed');
    const scaled = operator.command({ command: 'scale', service: 'post', replicas: 1 });
    const held = JSON.parse((await hold).out) as FaultRecord;
    expect(held.status).to.equal('held');
    expect(held.message).to.match(/^type: execution_request ~ message_id: \d+ ~ .*service_name: post/);
    expect((await operator.on('post')).length).to.equal(0);
    expect((await cluster.ssmmp('fault', 'hold', 'duplicate')).out).to.match(/delivered twice/);
    await scaled;
    expect((await operator.on('post')).length).to.equal(1);
    await until('the agent has seen it twice', () => {
      const folder = join(cluster.stateDir, 'nodes');
      const traces = [1, 2, 3].map((n) => readFileSync(join(folder, String(n), 'trace.jsonl'), 'utf8'));
      return traces.join('').match(/type: execution_request [^"]*service_name: post ~/g)?.length === 2;
    });
    expect((await operator.on('post')).length).to.equal(1);
  });

  it('a front that is killed takes its links with it: agents go straight on; down lets everything go', async () => {
    await faults('cut', '1');
    await faults('stop', 'agent', '3');
    process.kill(cluster.pid, 'SIGKILL');
    await cluster.ended;
    await nodesAre('registered', 1);
    const down = await run('ssmmp', ['down', '--subnet', SUBNET, '--state-dir', cluster.stateDir]);
    expect(down.code).to.equal(0);
    expect(processesNaming(`${SUBNET}.`)).to.deep.equal([]);
    expect(existsSync(join(cluster.stateDir, 'faults.json'))).to.equal(false);
    const none = await cluster.ssmmp('fault', 'list');
    expect(none.code).to.equal(3);
    expect(none.err).to.include('npm start');
    cluster = await Cluster.start(SUBNET, [], cluster.stateDir);
    operator = new OperatorPort(cluster.manager, cluster.stateDir);
  });
});

/** Time from a line to its answer on a new connection; the gateway answers anything. */
async function roundTripMs(host: string, port: number): Promise<number> {
  const socket = net.connect({ host, port, noDelay: true });
  await once(socket, 'connect');
  const from = performance.now();
  socket.write('Type: nonsense ~ Message_id: 1\n');
  await once(socket, 'data');
  socket.destroy();
  return performance.now() - from;
}

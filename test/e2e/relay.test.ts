/** The specification's own example on real processes: nothing in the Manager knows about social media. */
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { Cluster } from './cluster.ts';

function hop(address: string, port: number, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, address);
    let text = '';
    socket.setTimeout(10_000, () => socket.destroy(new Error('no answer within 10 s')));
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      text += chunk.toString();
      if (!text.includes('\n')) return;
      socket.end();
      resolve(text.trim());
    });
    socket.write(`${line}\n`);
  });
}

describe('the specification’s example with one generic relay', function () {
  this.timeout(60_000);
  let cluster: Cluster;

  before(async () => {
    const graph = fileURLToPath(new URL('../../labs/graphs/abstract-example.yaml', import.meta.url));
    cluster = await Cluster.start('127.0.74', ['--graph', graph]);
  });
  after(() => cluster.stop());

  it('one line through all fifteen edges', async () => {
    const gateway = await cluster.one('A');
    const answer = await hop(gateway.service_instance_network_address, 8081, 'hop hello');
    const shape = answer.replaceAll(/\/\d+/g, '');
    const four = 'service-4(BaaS-1, BaaS-1, BaaS-2)';
    const three = 'service-3(BaaS-1, BaaS-2, BaaS-2)';
    expect(shape).to.equal(`A(B(${four}, ${four}), service-1(${four}, ${three}), service-2(${three}, ${three}))`);
    const sessions = JSON.parse((await cluster.ssmmp('get', 'sessions', '-o', 'json')).out) as unknown[];
    expect(sessions).to.have.length(15);
  });
});

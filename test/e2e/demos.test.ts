/**
 * Every `ssmmp demo`, run as a person runs it: its promises are kept, what it broke is whole again. Times may be longer here
 * than promised: other tests have had the machine's attention, and figures are the benchmarks' business.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { DemoReport } from '../../operator/core/demo-report.ts';
import { DEMOS } from '../../operator/demos/all.ts';
import { Cluster, processesNaming, until } from './cluster.ts';
import { OperatorPort } from './operator-port.ts';

const SUBNET = '127.0.57';
/** A time counts as kept when it is not longer than this many times its limit. */
const SLACK = 2.5;
/** Under a minute each. */
const SECONDS_MAX = 60;

describe('ssmmp demo', function () {
  this.timeout(120_000);
  let cluster: Cluster;

  before(async () => {
    cluster = await Cluster.start(SUBNET);
  });
  after(() => cluster.stop());

  for (const { name, needsOwn } of DEMOS)
    it(`${name}: promises are kept, and everything is undone`, async () => {
      const { out, err } = await cluster.ssmmp('demo', name, '-o', 'json');
      expect(err).to.include(needsOwn ? 'on a testbed of its own' : `on the testbed of ${cluster.stateDir}`);
      expect(out, err).to.not.equal('');
      const report = JSON.parse(out) as DemoReport;
      expect(report.seconds).to.be.below(SECONDS_MAX);
      const broken = report.measures.filter(
        ({ kept, limit_ms: limit, measured_ms: ms }) =>
          !kept && !(limit !== null && ms !== null && ms <= limit * SLACK),
      );
      expect(broken, err).to.deep.equal([]);
      expect(existsSync(join(cluster.stateDir, 'faults.json'))).to.equal(false);
      const operator = new OperatorPort(cluster.manager, cluster.stateDir);
      await until('all nodes are registered', async () => {
        const rows = await operator.list<{ status: string }>('nodes').catch(() => []);
        return rows.length === 3 && rows.every(({ status }) => status === 'registered');
      });
    });

  for (const name of ['node-off', 'torn-log'])
    it(`${name}: after a Ctrl-C, twice as under npx, nothing stays broken and nothing goes on`, async () => {
      const child = spawn(process.execPath, ['bin/ssmmp.mjs', 'demo', name, '--state-dir', cluster.stateDir]);
      const ended = once(child, 'exit');
      let err = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
      await until('something is broken, or moved', () => Promise.resolve(/^»|operator migrates|of its own/m.test(err)));
      child.kill('SIGINT');
      await new Promise((resolve) => setTimeout(resolve, 20)); // the second must not be merged with the first
      child.kill('SIGINT');
      const [code] = (await ended) as [number | null];
      expect(code, err).to.equal(130);
      expect(err)
        .to.include('the demo was interrupted')
        .and.not.match(/\n +at /);
      expect((await cluster.ssmmp('fault', 'list', '-o', 'json')).out).to.equal('[]\n');
    });

  it('a testbed of its own is gone afterwards, files and processes', () => {
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('ssmmp-demo-'))).to.deep.equal([]);
    expect(processesNaming('ssmmp-demo-')).to.deep.equal([]);
  });

  it('list names them; an unknown one is guessed', async () => {
    const { out } = await cluster.ssmmp('demo', 'list', '-o', 'name');
    expect(out.trim().split('\n')).to.deep.equal(DEMOS.map(({ name }) => name));
    const wrong = await cluster.ssmmp('demo', 'crush');
    expect(wrong.code).to.equal(64);
    expect(wrong.err).to.include("did you mean 'crash'?");
  });
});

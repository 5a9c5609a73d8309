/** `ssmmp load` on a real cluster: figures, files, exit codes, while a service is scaled and the Manager is killed. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { LoadReport } from '../../load/core/report.ts';
import { Cluster, run } from './cluster.ts';

const SUBNET = '127.0.53';

describe('ssmmp load', function () {
  this.timeout(60_000);
  let cluster: Cluster;
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ssmmp-load-'));
    cluster = await Cluster.start(SUBNET);
  });
  after(async () => {
    rmSync(folder, { recursive: true, force: true });
    await cluster.stop();
  });

  it('puts users to work, shows every second, writes JSON and a page, and finds no violation', async () => {
    const running = cluster.ssmmp(
      ...['load', '--users', '8', '--seconds', '4', '--mix', 'post=2,read=4,file=1', '--think', '20'],
      ...['--out', folder, '-o', 'json'],
    );
    expect((await cluster.ssmmp('scale', 'post', '2')).code).to.equal(0);
    expect((await cluster.ssmmp('kill', 'manager')).code).to.equal(0);
    const { code, out, err } = await running;
    expect(err).to.match(/^ +1 s +\d+\/s +p50 .* errors none/m);
    expect(code).to.equal(0);
    const report = JSON.parse(out) as LoadReport;
    expect(report.violation).to.equal(null);
    expect(report.errors).to.deep.equal({});
    expect(report.operations).to.include.keys('post ok', 'read ok', 'upload ok', 'list ok', 'download ok');
    expect(report.operations).not.to.include.keys('post unknown', 'read unknown', 'download fail');
    expect(report.instances.map(({ instances }) => instances['post'])).to.include(2);
    expect(JSON.parse(readFileSync(join(folder, 'load.json'), 'utf8'))).to.deep.equal(report);
    expect(readFileSync(join(folder, 'load.html'), 'utf8')).to.match(/^<!doctype html>[^]*<h2>Instances<\/h2>/);
  });

  it('an open rate; the same users come again; a table for people', async () => {
    const { code, out } = await cluster.ssmmp('load', '--users', '4', '--seconds', '2', '--rate', '50');
    expect(code).to.equal(0);
    expect(out)
      .to.match(/retrieve_last_10_posts_request/)
      .and.to.match(/history checked: no violation/);
  });

  it('exit code 64 for a mix that is none, 3 where there is no gateway, and both say what to do', async () => {
    const wrong = await cluster.ssmmp('load', '--mix', 'posts=1');
    expect(wrong.code).to.equal(64);
    expect(wrong.err).to.include('post=1,read=4,file=0');
    const nobody = await run('ssmmp', ['load', '--state-dir', join(folder, 'none'), '--subnet', SUBNET]);
    expect(nobody.code).to.equal(3);
    expect(nobody.err).to.include('--gateway');
  });
});

/**
 * Scaling by load on real processes: an instance that finds itself busy (R45), the second one that takes half of its work, and
 * the end of the second when there is nothing to do. The service burns a processor for each line, so what is measured is real.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import * as esbuild from 'esbuild';
import { Cluster, until } from './cluster.ts';

const ROOT = join(import.meta.dirname, '../..');
const PORT = 8087;
const BURN_MS = 15;
/** Lines under way, so that an oven always has its next one. */
const LINES = 6;

const GRAPH = `
cnapp: busy
services:
  gate: {kind: gateway, public: {users: ${PORT}}}
  oven: {kind: service, replicas: {min: 1, max: 2}}
edges:
  - [gate, [oven-plug, oven-socket], oven]
`;

/** An oven: keeps its event loop busy for each line, and says which instance it is. */
const OVEN = `
import { runService } from '../../services/kit/main.ts';
runService((context) => ({
  orderedSockets: Object.fromEntries(context.socketNames.map((name) => [name, () => {
    const until = performance.now() + ${BURN_MS};
    while (performance.now() < until);
    return \`oven/\${context.instanceId}\`;
  }])),
}));
`;

describe('scaling by load', function () {
  this.timeout(60_000);
  let cluster: Cluster;
  let folder = '';
  let user: Socket;
  let isAsking = true;
  const answeredBy = new Map<string, number>();

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ssmmp-autoscale-'));
    const program = join(folder, 'oven.cjs');
    await esbuild.build({
      stdin: { contents: OVEN, resolveDir: import.meta.dirname, loader: 'ts' },
      outfile: program,
      bundle: true,
      platform: 'node',
      format: 'cjs',
      logLevel: 'error',
    });
    writeFileSync(join(folder, 'graph.yaml'), GRAPH);
    const repository = {
      services: {
        gate: { run: ['node', join(ROOT, 'dist', 'services', 'relay.js')] },
        oven: { run: ['node', program] },
      },
    };
    writeFileSync(join(folder, 'repository.yaml'), JSON.stringify(repository));
    const files = ['--graph', join(folder, 'graph.yaml'), '--repository', join(folder, 'repository.yaml')];
    cluster = await Cluster.start('127.0.46', [...files, '--timer-scale', '0.3']);
    user = connect(PORT, (await cluster.one('gate')).service_instance_network_address);
  });
  after(async () => {
    isAsking = false;
    user.destroy();
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Some lines at a time, each followed by another one as soon as it is answered, until no more are wanted. */
  async function keepAsking(): Promise<void> {
    const lines = createInterface({ input: user });
    let underWay = LINES;
    user.write('hop x\n'.repeat(LINES));
    for await (const line of lines) {
      const [, oven] = /\((oven\/\d+)\)$/.exec(line) ?? expect.fail(`not an answer of an oven: ${line}`);
      answeredBy.set(String(oven), (answeredBy.get(String(oven)) ?? 0) + 1);
      if (isAsking) user.write('hop x\n');
      else if ((underWay -= 1) === 0) return;
    }
  }

  const ovens = async (): Promise<number> => (await cluster.instances('oven')).length;
  const reasons = async (): Promise<string> => (await cluster.ssmmp('events')).out;

  it('a busy replica gets a second one, and the events say why', async () => {
    const asking = keepAsking();
    await until('there are two ovens', async () => (await ovens()) === 2, 20_000);
    expect(await reasons()).to.match(/oven 1 → 2: its replica above 0\.8 for \d s/);
    await until('both are asked', () => Promise.resolve(answeredBy.size === 2), 10_000);
    isAsking = false;
    await asking;
  });

  it('it goes again when there is nothing to do, and the events say why', async () => {
    await until('there is one oven', async () => (await ovens()) === 1, 20_000);
    expect(await reasons()).to.match(/oven 2 → 1: the load of all would leave 1 below 0\.3, for \d s/);
  });
});

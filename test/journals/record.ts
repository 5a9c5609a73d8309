/**
 * `npm run record-journals`: plays one scenario after another on a real cluster and keeps the Manager's journal of each in
 * test/journals/manager-<version>/<scenario>/. Run it when the machine's version goes up; what is kept of older versions
 * stays. replay.test.ts replays all of them. docs/journal.md says when a version goes up.
 *
 * Lives here: the scenarios. Does not live here: any expectation.
 */
import { copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { managerMachine } from '../../manager/core/step.ts';
import { replayJournal } from '../../ssmmp/shell/journal-tool.ts';
import { commandLine } from '../../scripts/command-line.ts';
import { Cluster, until } from '../e2e/cluster.ts';

const SUBNET = '127.0.76';

/** name -> what happens between `up` and `down`. */
const SCENARIOS: Readonly<Record<string, (cluster: Cluster) => Promise<void>>> = {
  'boot-and-a-users-day': usersDay,
  'scale-migrate-drain': async (cluster) => {
    await usersDay(cluster);
    await cluster.ssmmp('scale', 'post', '3');
    await cluster.ssmmp('migrate', `post/${(await cluster.one('post')).service_instance_id}`);
    await cluster.ssmmp('migrate', `users-db/${(await cluster.one('users-db')).service_instance_id}`);
    await cluster.ssmmp('scale', 'post', '1');
    await cluster.ssmmp('drain', '2');
    await cluster.ssmmp('uncordon', '2');
    await cluster.cnapp('ann', ['last-posts']);
  },
  'instances-agent-and-manager-killed': async (cluster) => {
    await usersDay(cluster);
    await cluster.ssmmp('kill', 'instance', 'posts-db');
    await cluster.cnapp('ann', ['send-post', 'after the crash of a store']);
    await cluster.ssmmp('kill', 'agent', '2');
    await until('the agent is back', async () => (await nodes(cluster)).every(({ status }) => status === 'registered'));
    await cluster.ssmmp('kill', 'manager');
    await until('the Manager is back', async () => (await nodes(cluster)).length === 3);
    await cluster.cnapp('ann', ['last-posts']);
  },
  'agent-lost-and-back': async (cluster) => {
    await usersDay(cluster);
    await cluster.ssmmp('kill', 'agent', '3', '--signal', 'STOP');
    const is = (status: string) => async (): Promise<boolean> => (await nodes(cluster))[2]?.status === status;
    await until('node 3 is lost', is('lost'), 15_000);
    await cluster.cnapp('ann', ['last-posts']);
    await cluster.ssmmp('kill', 'agent', '3', '--signal', 'CONT');
    await until('node 3 is back', is('registered'), 15_000);
    await cluster.cnapp('ann', ['last-posts']);
  },
};

async function usersDay(cluster: Cluster): Promise<void> {
  await cluster.cnapp('ann', ['register', 'ann', '--password-stdin'], 'correct horse 1\n');
  await cluster.cnapp('ann', ['login', 'ann', '--password-stdin'], 'correct horse 1\n');
  await cluster.cnapp('ann', ['send-post', 'Hello']);
  await cluster.cnapp('ann', ['last-posts']);
  const file = join(cluster.stateDir, 'file.txt');
  writeFileSync(file, 'a small file\n');
  await cluster.cnapp('ann', ['send-file', file]);
  await cluster.cnapp('ann', ['list-files']);
}

async function nodes(cluster: Cluster): Promise<{ status: string }[]> {
  const { code, out } = await cluster.ssmmp('get', 'nodes', '-o', 'json');
  return code === 0 ? (JSON.parse(out) as { status: string }[]) : [];
}

commandLine('record-journals', 'plays scenarios on a real cluster and keeps the journal of each in test/journals', [
  ['', 'when the version of the Manager’s machine went up'],
]).parse();
const home = join(import.meta.dirname, `manager-${managerMachine.version}`);
for (const [name, play] of Object.entries(SCENARIOS)) {
  const cluster = await Cluster.start(SUBNET);
  const to = join(home, name);
  try {
    await play(cluster);
    const ended = await cluster.ssmmp('down');
    if (ended.code !== 0) throw new Error(`down: ${ended.err}`);
    const from = join(cluster.stateDir, 'journal');
    rmSync(to, { recursive: true, force: true });
    mkdirSync(to, { recursive: true });
    for (const file of readdirSync(from)) copyFileSync(join(from, file), join(to, file));
    const replayed = replayJournal(managerMachine, { folder: to });
    if (!replayed.ok) throw new Error(replayed.problem);
    const { records, stateHash, summary } = replayed;
    writeFileSync(join(to, 'expected.json'), `${JSON.stringify({ records, stateHash })}\n`);
    console.log(`${name}: ${records} records, ${(summary.bytes / 1024).toFixed(0)} KiB, state ${stateHash}`);
  } finally {
    await cluster.stop();
  }
}

/**
 * The Manager, its supervisor and an agent are killed, hang, die together, in the middle of things; disks are full. No user
 * notices more than docs/recovery.md says, and its transcripts of these are compared here.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { findProcesses, type FoundProcess } from '../../operator/shell/testbed-processes.ts';
import { DISK_FULL_FILE } from '../../ssmmp/shell/disk-fault.ts';
import { journalRank } from '../../ssmmp/shell/journal-mirror.ts';
import { isRunning, readPidFile } from '../../ssmmp/shell/process-identity.ts';
import { OperatorPort } from './operator-port.ts';
import { PlainUser, type Done } from './plain-user.ts';
import { asked, expectTranscript, happened, inOrder, supervisorSaid, type Told } from './recovery/transcript.ts';
import { Cluster, run, until, type InstanceRow, type Ran } from './cluster.ts';

const SUBNET = '127.0.49';
const SSMMP = fileURLToPath(new URL('../../dist/ssmmp.js', import.meta.url));

describe('the supervising manager', function () {
  this.timeout(90_000);
  let cluster: Cluster;
  let manager: OperatorPort;
  /** Has its connection and sessions all the time; `done` is all it asked for. */
  let user: PlainUser;
  let done: Done[] = [];

  before(async () => {
    cluster = await Cluster.start(SUBNET, ['--timer-scale', '0.5']);
    user = another('ben');
    manager = new OperatorPort(cluster.manager, cluster.stateDir);
    const gateway = `${cluster.node(1)}:8080`;
    for (const verb of ['register', 'login'])
      await cluster.cnapp('ann', [verb, 'ann', '--password-stdin', '--gateway', gateway], 'a good password');
    await user.enter('another good password');
  });
  after(() => {
    user.close();
    return cluster.stop();
  });

  const another = (name: string): PlainUser =>
    new PlainUser(name, { hosts: [cluster.node(1)], port: 8080 }, (one) => void done.push(one));
  /** Kills with SIGKILL; from now on a transcript counts. */
  const killNow = (...victims: (FoundProcess | undefined)[]): number => {
    done = [];
    const at = Date.now();
    for (const victim of victims) if (victim !== undefined) process.kill(victim.pid, 'SIGKILL');
    return at;
  };
  /** What the user asked for, what the supervisor said, and what happened, since `at`. */
  const whole = async (at: number, about: RegExp): Promise<Told[]> =>
    inOrder(asked(done, at), supervisorSaid(cluster, at), await happened(cluster, at, about));

  const one = (role: FoundProcess['role']): FoundProcess | undefined =>
    findProcesses(cluster.stateDir).find((found) => found.role === role);
  const pidOf = (role: FoundProcess['role']): number => one(role)?.pid ?? 0;
  const post = (text: string): Promise<Ran> =>
    cluster.cnapp('ann', ['send-post', text, '--gateway', `${cluster.node(1)}:8080`]);
  const ok = async (ran: Promise<Ran>): Promise<string> => {
    const { code, out, err } = await ran;
    expect(code, err).to.equal(0);
    return out;
  };
  /** Another Manager than `before` serves. */
  const managerAfter = (before: number): Promise<unknown> =>
    until('another Manager serves', async () => {
      const now = readPidFile(join(cluster.stateDir, 'manager.pid'));
      return now !== null && now.pid !== before && isRunning(now) && (await answers());
    });
  const answers = (): Promise<boolean> =>
    manager.list('nodes').then(
      () => true,
      () => false,
    );
  /** All instances are on, and the agents have exactly their processes. */
  const settled = (): Promise<InstanceRow[]> =>
    until('all instances are on, and no other process is left', async () => {
      const rows = await manager.list<InstanceRow>('instances').catch(() => []);
      if (rows.length === 0 || rows.some(({ status }) => status !== 'on')) return null;
      const processes = findProcesses(cluster.stateDir).filter(({ role }) => role === 'instance');
      const [listed, found] = [rows.map(({ pid }) => pid).sort(), processes.map(({ pid }) => pid).sort()];
      return JSON.stringify(listed) === JSON.stringify(found) ? rows : null;
    });
  const pids = (rows: readonly InstanceRow[]): Record<number, number> =>
    Object.fromEntries(rows.map(({ service_instance_id: id, pid }) => [id, pid]));

  it('R49 R51 a Manager that hangs is killed, and another serves: instances go on, its id and epoch go up', async () => {
    await ok(post('before the hang'));
    const before = pids(await settled());
    const hung = pidOf('manager');
    await ok(cluster.ssmmp('kill', 'manager', '--signal', 'STOP'));
    await ok(post('while it hangs'));
    await managerAfter(hung);
    expect(existsSync(`/proc/${hung}`)).to.equal(false);
    expect(pids(await settled())).to.deep.equal(before);
    expect((await cluster.ssmmp('events')).out).to.match(/epoch 2/);
    await ok(post('after the hang'));
  });

  it('the supervisor is killed: the Manager goes on, the next supervisor takes it over and starts another when it dies', async () => {
    const [before, supervisor] = [pidOf('manager'), pidOf('supervisor')];
    let at = killNow(one('supervisor'));
    expect(await user.post('without a supervisor')).to.not.equal(null);
    await until('another supervisor', () => ![0, supervisor].includes(pidOf('supervisor')));
    expect(pidOf('manager')).to.equal(before);
    await until('it has taken the Manager over', () =>
      readFileSync(join(cluster.stateDir, 'supervisor.log'), 'utf8').includes(`(pid ${before}) runs already`),
    );
    expectTranscript('supervisor-killed', inOrder(asked(done, at), supervisorSaid(cluster, at)));
    // a user for whom a session is there, and one who needs the first session with `file-transfer`
    const uploader = another('carl');
    uploader.token = user.token;
    at = killNow(one('manager'));
    const uploaded = uploader.upload('notes.txt', Buffer.from('some text'), async () => undefined);
    expect(await user.post('without a Manager')).to.not.equal(null);
    await managerAfter(before);
    expect(await uploaded).to.equal(200);
    uploader.close();
    expectTranscript(
      'manager-killed',
      await whole(at, /Manager of|node 1 registered|node 1 → .*initiation|file-transfer/),
    );
  });

  it('a supervisor that was stopped is told of where one looks, and starts the Manager once it goes on', async () => {
    const [before, supervisor] = [pidOf('manager'), pidOf('supervisor')];
    const told = new RegExp(`the supervisor \\(pid ${supervisor}\\) is stopped, so nobody starts a Manager that dies`);
    await ok(cluster.ssmmp('kill', 'supervisor', '--signal', 'STOP'));
    expect((await cluster.ssmmp('doctor')).out).to.match(told);
    killNow(one('manager'));
    await until('nobody answers operators', async () => (await cluster.ssmmp('get', 'nodes')).code === 3);
    expect((await cluster.ssmmp('get', 'nodes')).err).to.match(told);
    expect(await user.post('without both')).to.not.equal(null);
    await ok(cluster.ssmmp('kill', 'supervisor', '--signal', 'CONT'));
    await managerAfter(before);
    expect((await cluster.ssmmp('doctor')).out).to.not.match(told);
  });

  it('both are killed at once: nothing on existing sessions, and both are back', async () => {
    const before = pids(await settled());
    const [decider, supervisor] = [one('manager'), one('supervisor')];
    const at = killNow(supervisor, decider);
    expect(await user.post('nobody decides now')).to.not.equal(null);
    await managerAfter(decider?.pid ?? 0);
    expect(pids(await settled())).to.deep.equal(before);
    expectTranscript('both-killed', await whole(at, /Manager of|node 1 registered|node 1 → .*initiation|api-gateway/));
  });

  it('R49 the Manager is killed in the middle of a start, a scale and a migration: what was begun is brought to an end', async () => {
    const kill = async (afterMs: number): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      const victim = one('manager');
      if (victim !== undefined) process.kill(victim.pid, 'SIGKILL');
    };
    const seen = new Set<number>();
    for (const [round, afterMs] of [5, 40, 90].entries()) {
      const before = pidOf('manager');
      const replicas = 2 + (round % 2);
      const scale = { command: 'scale', service: 'post', replicas };
      const scaled = manager.command(scale).catch(() => null);
      await kill(afterMs);
      await scaled;
      await managerAfter(before);
      // the command again is right whatever became of the first one
      await manager.command(scale);
      const rows = await settled();
      expect(rows.filter(({ service_name: name }) => name === 'post')).to.have.length(replicas);
      for (const { service_instance_id: id } of rows) seen.add(id);
    }
    const [moved] = await manager.on('post');
    const before = pidOf('manager');
    const migrated = manager.command({ command: 'migrate', instance: moved?.service_instance_id }).catch(() => null);
    await kill(40);
    await migrated;
    await managerAfter(before);
    const rows = await settled();
    expect(rows.filter(({ service_name: name }) => name === 'post')).to.have.length(2);
    // from zero, in the middle of a start: the request waits and is answered
    const [again, read] = [
      pidOf('manager'),
      cluster.cnapp('ann', ['last-posts', '--gateway', `${cluster.node(1)}:8080`]),
    ];
    await kill(60);
    expect((await read).code).to.equal(0);
    await managerAfter(again);
    const ids = (await settled()).map(({ service_instance_id: id }) => id);
    expect(new Set(ids).size).to.equal(ids.length);
    await ok(post('all is well'));
  });

  it('R47 an agent is killed under load: the same processes go on, and no request fails', async () => {
    const before = pids(await settled());
    const load = cluster.ssmmp('load', '--users', '4', '--seconds', '3', '--mix', 'post=1,read=4', '-o', 'json');
    await until('it posts', async () => (await manager.list('sessions')).length > 2);
    const agents = findProcesses(cluster.stateDir).filter(({ role }) => role === 'agent');
    const at = killNow(...agents);
    expect(await user.post('without agents')).to.not.equal(null);
    const { code, out } = await load;
    expect(code, out).to.equal(0);
    const now = pids(await settled());
    for (const [id, pid] of Object.entries(before)) expect(now[Number(id)]).to.equal(pid);
    expectTranscript('agent-killed', await whole(at, /node 1 registered|node 1 → .*initiation|api-gateway/));
  });

  it('a full disk under a store is told to the user, and under the Manager to the operator; both go on by themselves', async () => {
    const file = join(cluster.stateDir, 'baas', 'posts-db', DISK_FULL_FILE);
    let at = killNow();
    writeFileSync(file, '');
    // asked once: a client of ours would try again for a while
    const [type, startMs] = ['send_post_request', performance.now()];
    const refused = await ask(cluster.node(1), `${type} ~ Message_id: 7 ~ Line_1: ${user.token} ~ Line_2: no`);
    const [, said = ''] =
      /Message_id: 7 ~ Status: 503 ~ Line_3: (.*?) ~ Line_4/.exec(decodeURIComponent(refused)) ?? expect.fail(refused);
    expect(said).to.match(/^The disk of posts-db is full: nothing was stored/);
    done.push({ type, startMs, endMs: performance.now(), status: 503, said, repeats: [] });
    expect(await user.read()).to.be.an('array');
    rmSync(file);
    expect(await user.post('room again')).to.not.equal(null);
    expectTranscript('store-disk-full', asked(done, at));
    const journal = join(cluster.stateDir, 'journal', DISK_FULL_FILE);
    at = killNow();
    writeFileSync(journal, '');
    const refusal = await cluster.ssmmp('scale', 'post', '3');
    expect(refusal.code).to.equal(1);
    expect(refusal.err).to.match(/ENOSPC/);
    const [why = ''] = refusal.err.replace('ssmmp: ', '').split(' (');
    const operator = [{ ms: Date.now() - at, text: `operator: ssmmp scale post 3, exit 1 ${why}` }];
    await ok(cluster.ssmmp('get', 'instances'));
    operator.push({ ms: Date.now() - at, text: 'operator: ssmmp get instances, exit 0' });
    expect(await user.post('users go on')).to.not.equal(null);
    rmSync(journal);
    await until('the Manager acknowledges again', () =>
      manager.command({ command: 'scale', service: 'post', replicas: 3 }).then(
        () => true,
        () => false,
      ),
    );
    expect(await manager.on('post')).to.have.length(3);
    expectTranscript('manager-disk-full', inOrder(operator, await whole(at, /Manager of|disk|scales|post\//)));
  });

  it('R51 the journal is lost with the Manager: it comes back from the mirror', async () => {
    const before = pids(await settled());
    const victim = one('manager') as FoundProcess;
    // stopped first, so that nothing is begun between the two
    process.kill(victim.pid, 'SIGSTOP');
    const copied = (): boolean => {
      const [own, copy] = [
        journalRank(join(cluster.stateDir, 'journal')),
        journalRank(join(cluster.stateDir, 'mirror')),
      ];
      return own !== null && own.lastRecord === copy?.lastRecord;
    };
    await until('the mirror has it all', copied);
    rmSync(join(cluster.stateDir, 'journal'), { recursive: true });
    process.kill(victim.pid, 'SIGKILL');
    await managerAfter(victim.pid);
    expect(pids(await settled())).to.deep.equal(before);
    expect((await cluster.ssmmp('events')).out).to.match(/the state comes from .*mirror/);
    await ok(post('from the mirror'));
  });
});

/** The answer to one request of the string protocol. */
async function ask(host: string, request: string): Promise<string> {
  const socket = connect(8080, host);
  socket.write(`Type: ${request}\n`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return answer.toString();
}

describe('an agent that does not come back', function () {
  this.timeout(60_000);

  it('R47 its instances drain and end by themselves', async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'ssmmp-orphans-'));
    const flags = ['--subnet', SUBNET, '--state-dir', stateDir, '--timer-scale', '0.1'];
    const graph = fileURLToPath(new URL('../../services/cnapp.yaml', import.meta.url));
    const repository = fileURLToPath(new URL('../../dist/repository.yaml', import.meta.url));
    const place = ['--address', `${SUBNET}.11`, '--manager', `${SUBNET}.1`, '--repository', repository];
    const manager = spawn(process.execPath, [SSMMP, 'manager', '--graph', graph, ...flags], { stdio: 'ignore' });
    const agent = spawn(process.execPath, [SSMMP, 'agent', ...place, ...flags], { stdio: 'ignore' });
    try {
      await until(
        'a gateway serves',
        async () => (await run('ssmmp', ['get', 'gateways', '-o', 'name', ...flags.slice(0, 4)])).out !== '',
        20_000,
      );
      const instances = findProcesses(stateDir).filter(({ role }) => role === 'instance');
      expect(instances).to.not.deep.equal([]);
      agent.kill('SIGKILL');
      await once(agent, 'exit');
      expect(instances.filter(isRunning)).to.have.length(instances.length);
      await until('all have ended', () => instances.every((one) => !isRunning(one)), 15_000);
    } finally {
      for (const one of [agent, manager]) {
        one.kill('SIGTERM');
        if (one.exitCode === null && one.signalCode === null) await once(one, 'exit');
      }
      rmSync(stateDir, { recursive: true, force: true });
    }
  });
});

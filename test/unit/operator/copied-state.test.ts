/**
 * A state directory that is copied, moved, or linked to while its cluster runs: the copy names nobody, the moved one all.
 * The processes are one that sleeps, for nothing here looks at what a process is.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { managerPlace } from '../../../agent/shell/manager-place.ts';
import { StateFile } from '../../../agent/shell/state-file.ts';
import { findTarget } from '../../../operator/commands/kill.ts';
import { undoLeftFaults } from '../../../operator/shell/fault-file.ts';
import { readSettings } from '../../../operator/shell/settings.ts';
import { findProcesses } from '../../../operator/shell/testbed-processes.ts';
import { copyText, dropUpLock, takeUpLock } from '../../../operator/shell/up-lock.ts';
import { folderMark } from '../../../ssmmp/shell/folder-mark.ts';
import { isStopped, readPidFile, startTimeOf, writePidFile } from '../../../ssmmp/shell/process-identity.ts';
import type { ProcessIdentity } from '../../../ssmmp/shell/process-identity.ts';
import { takeLock } from '../../../ssmmp/shell/process-lock.ts';
import { findManager } from '../../../supervisor/shell/manager-process.ts';
import { smallState, startFakeManager } from './fake-manager.ts';

const ALL = ['up', 'agent', 'supervisor', 'manager', 'instance'];

describe('a state directory that is copied', () => {
  let around: string;
  /** Of the cluster that runs. */
  let stateDir: string;
  let copy: string;
  let sleeper: ChildProcess;
  let identity: ProcessIdentity;
  const roles = (dir: string): string[] => findProcesses(dir).map(({ role }) => role);
  const node = (dir: string): string => join(dir, 'nodes', '1');
  const child = { service: 'post', startTime: null, sockets: [], ready: true, mute: false };

  beforeEach(() => {
    around = realpathSync(mkdtempSync(join(tmpdir(), 'ssmmp-copy-')));
    stateDir = join(around, 'state');
    copy = join(around, 'copy');
    sleeper = spawn(process.execPath, ['-e', 'setInterval(() => 0, 1000)'], { stdio: 'ignore' });
    identity = { pid: sleeper.pid ?? 0, startTime: startTimeOf(sleeper.pid ?? 0) };
    mkdirSync(node(stateDir), { recursive: true });
    for (const name of ['up.lock', 'supervisor.lock', 'supervisor.json', 'manager.lock', 'nodes/1/agent.pid'])
      writePidFile(join(stateDir, name), identity);
    const file = new StateFile(join(node(stateDir), 'agent.json'));
    const instances = [{ ...child, id: 5, pid: identity.pid, startTime: identity.startTime }];
    file.save({ node: 'n1', cluster: 'c', epoch: 4, spent: [2], instances });
    file.close();
    cpSync(stateDir, copy, { recursive: true, preserveTimestamps: true });
  });
  afterEach(async () => {
    sleeper.kill('SIGKILL');
    if (sleeper.exitCode === null && sleeper.signalCode === null) await once(sleeper, 'exit');
    rmSync(around, { recursive: true });
  });

  it('R47 R51 its files name nobody, and those of the original name all', () => {
    expect(roles(stateDir)).to.deep.equal(ALL);
    expect(roles(copy)).to.deep.equal([]);
    expect(findManager(stateDir)).to.deep.equal(identity);
    expect(findManager(copy)).to.equal(null);
  });

  it('a directory that is moved, or reached over a link, names all', () => {
    symlinkSync(stateDir, join(around, 'link'));
    expect(roles(join(around, 'link'))).to.deep.equal(ALL);
    renameSync(stateDir, join(around, 'moved'));
    expect(roles(join(around, 'moved'))).to.deep.equal(ALL);
    expect(takeUpLock(join(around, 'moved'))).to.deep.equal(identity);
    const { instances } = new StateFile(join(around, 'moved', 'nodes', '1', 'agent.json')).load() ?? {};
    expect(instances).to.have.length(1);
  });

  it('a copy that is put back where it came from names all: they have their state at that path', () => {
    rmSync(stateDir, { recursive: true });
    cpSync(copy, stateDir, { recursive: true });
    expect(roles(stateDir)).to.deep.equal(ALL);
  });

  it('files of a version that wrote no marks are believed', () => {
    for (const name of ['up.lock', 'manager.lock', 'nodes/1/agent.json']) {
      const { folder, ...rest } = JSON.parse(readFileSync(join(copy, name), 'utf8')) as Record<string, unknown>;
      expect(folder, name).to.deep.equal(folderMark(join(stateDir, name, '..')));
      writeFileSync(join(copy, name), JSON.stringify(rest));
    }
    expect(roles(copy)).to.deep.equal(['up', 'manager', 'instance']);
    expect(copyText(copy)).to.equal(null);
  });

  it('R51 its locks are stale, and say of what it is a copy', () => {
    expect(takeLock(stateDir, 'manager', 'Manager')).to.deep.include({ ok: false });
    const lock = takeLock(copy, 'manager', 'Manager');
    expect(lock).to.deep.include({ ok: true, tookOver: true });
    if (lock.ok) lock.release();
    expect(existsSync(join(copy, 'manager.lock'))).to.equal(false);

    expect(copyText(stateDir)).to.equal(null);
    expect(copyText(copy)).to.contain(`${copy} is a copy of ${stateDir}`);
    expect(takeUpLock(stateDir)).to.deep.equal(identity);
    expect(takeUpLock(copy)).to.equal(null);
    expect(copyText(copy), 'it is its own now').to.equal(null);
    expect(readPidFile(join(copy, 'up.lock'))?.pid).to.equal(process.pid);
    dropUpLock(copy);
    expect(existsSync(join(copy, 'up.lock'))).to.equal(false);
  });

  it('R47 its agents take nobody back, and start none of the ids again; who they are they keep', () => {
    const kept = new StateFile(join(node(copy), 'agent.json')).load();
    expect(kept).to.deep.equal({ node: 'n1', cluster: 'c', epoch: 4, spent: [2, 5], instances: [] });
    const file = new StateFile(join(node(copy), 'agent.json'));
    file.save({ node: 'n1', cluster: 'c', epoch: 5, spent: [2, 5], instances: [{ ...child, ...identity, id: 9 }] });
    file.close();
    expect(new StateFile(join(node(copy), 'agent.json')).load()?.instances).to.have.length(1);
  });

  it('its agents do not go over the links of the original', () => {
    const straight = { address: '127.0.0.1', port: 55555 };
    const link = { address: '127.0.0.11', port: 4000 };
    const text = JSON.stringify({ ...link, ...identity, folder: folderMark(node(stateDir)) });
    for (const dir of [stateDir, copy]) writeFileSync(join(node(dir), 'manager-link.json'), text);
    expect(managerPlace(node(stateDir), straight)).to.deep.equal(link);
    expect(managerPlace(node(copy), straight)).to.deep.equal(straight);
  });

  it('an instance that a Manager knows from the journal only is killed by its agent’s record or not at all', async () => {
    writeFileSync(join(copy, 'operator-token'), 'secret\n', { mode: 0o600 });
    const small = smallState();
    const rows = [5, 6].map((id) => ({
      service_name: 'post',
      service_instance_id: id,
      service_instance_network_address: '127.0.52.11',
      status: id === 5 ? 'unknown' : 'on',
      pid: 4242,
    }));
    const state = { ...small, instances: rows };
    const manager = await startFakeManager('127.0.52.2', 'secret', state);
    const of = (dir: string): ReturnType<typeof readSettings> => {
      const { operator, ...rest } = readSettings({ stateDir: dir, output: 'table' });
      return { ...rest, operator: { ...operator, address: '127.0.52.2', port: manager.port } };
    };
    try {
      expect(await findTarget('instance', '5', of(stateDir))).to.deep.include(identity);
      expect(await findTarget('instance', '6', of(copy))).to.deep.include({ pid: 4242 });
      const found = await findTarget('instance', '5', of(copy)).catch((error: unknown) => String(error));
      expect(found).to.include('instance 5 does not run on this machine');
    } finally {
      await manager.close();
    }
  });

  it('the faults that were on undo nothing at the original', async function () {
    if (process.platform === 'win32') return this.skip();
    const request = { kind: 'stop', ...identity };
    const text = JSON.stringify({ folder: folderMark(stateDir), faults: [{ request }] });
    for (const dir of [stateDir, copy]) writeFileSync(join(dir, 'faults.json'), text);
    sleeper.kill('SIGSTOP');
    while (!isStopped(identity.pid)) await sleep(5);
    expect(undoLeftFaults(copy)).to.equal(1);
    expect(existsSync(join(copy, 'faults.json'))).to.equal(false);
    expect(isStopped(identity.pid)).to.equal(true);
    undoLeftFaults(stateDir);
    while (isStopped(identity.pid)) await sleep(5);
  });
});

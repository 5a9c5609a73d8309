/** Pid files and the question whether exactly this process runs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  hasEnded,
  isRunning,
  ownIdentity,
  readPidFile,
  removePidFile,
  startTimeOf,
  writePidFile,
} from '../../../ssmmp/shell/process-identity.ts';

describe('process identity', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ssmmp-pid-'));
  const file = join(folder, 'x.pid');
  after(() => rmSync(folder, { recursive: true }));

  it('R47 tells a process from another with the same pid by its start time', () => {
    expect(isRunning(ownIdentity())).to.equal(true);
    if (process.platform === 'linux') expect(isRunning({ pid: process.pid, startTime: '1' })).to.equal(false);
  });

  it('a process that ended does not run, and has no start time', async () => {
    const child = spawn(process.execPath, ['-e', '0']);
    const identity = { pid: child.pid ?? 0, startTime: startTimeOf(child.pid ?? 0) };
    await once(child, 'exit');
    expect(isRunning(identity)).to.equal(false);
    expect(startTimeOf(identity.pid)).to.equal(null);
  });

  it('a zombie whose other threads still end has not ended: it holds its ports', () => {
    const stat = (state: string, threads: number): string[] =>
      `${state} 1 7 7 0 -1 4194316 0 0 0 0 0 0 0 0 20 0 ${threads} 0 5161935 0`.split(' ');
    expect(hasEnded(stat('Z', 11))).to.equal(false);
    expect(hasEnded(stat('Z', 1))).to.equal(true);
    expect(hasEnded(stat('X', 1))).to.equal(true);
    expect(hasEnded(stat('S', 1))).to.equal(false);
  });

  it('writes, reads and removes pid files, never another process’s', () => {
    writePidFile(file);
    expect(readPidFile(file)).to.deep.equal(ownIdentity());
    removePidFile(file);
    expect(existsSync(file)).to.equal(false);
    writeFileSync(file, '{"pid": 2, "startTime": "7"}');
    removePidFile(file);
    expect(readPidFile(file)).to.deep.equal({ pid: 2, startTime: '7' });
  });

  it('an unreadable pid file names nobody', () => {
    for (const text of ['', '{"pid":', 'null', '{"pid": -1}', '{"pid": "3"}', '{"pid": 1}', '[]']) {
      writeFileSync(file, text);
      expect(readPidFile(file), text).to.equal(null);
    }
    expect(readPidFile(join(folder, 'missing'))).to.equal(null);
  });
});

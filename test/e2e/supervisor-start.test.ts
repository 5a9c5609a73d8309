/**
 * A supervisor that is told to end while it starts: whatever the moment, no Manager is left that nobody knows of.
 *
 * The Manager here is a few lines that leave their process id, since what is tried is the supervisor alone.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';

const SUPERVISOR = join(import.meta.dirname, '../../dist/supervisor.js');
const ROUNDS = 12;
/** From the moment at which its record is there, which is right before it starts the Manager. */
const STEP_MS = 0.5;
const MANAGER = `
const fs = require('node:fs');
fs.writeFileSync(process.argv[2] + '/' + process.pid + '.born', '');
setTimeout(() => {}, 20_000);
`;

describe('a supervisor that is told to end while it starts', function () {
  this.timeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), 'ssmmp-early-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('leaves no Manager behind, whatever the moment', async () => {
    const manager = join(folder, 'manager.cjs');
    writeFileSync(manager, MANAGER);
    for (let round = 0; round < ROUNDS; round += 1) {
      const stateDir = mkdtempSync(join(folder, 'state-'));
      const args = ['--state-dir', stateDir, '--manager', manager, '--operator', '127.0.0.1:9', '--', stateDir];
      const supervisor = spawn(process.execPath, [SUPERVISOR, ...args], { stdio: 'ignore' });
      const ended = once(supervisor, 'exit');
      while (!existsSync(join(stateDir, 'supervisor.pid'))) await new Promise((resolve) => setImmediate(resolve));
      const from = performance.now();
      while (performance.now() - from < round * STEP_MS);
      supervisor.kill('SIGTERM');
      await ended;
      // A Manager that was started in the last moment says so once its Node runs, some 40 ms later.
      await new Promise((resolve) => setTimeout(resolve, 150));
      const alive = readdirSync(stateDir)
        .flatMap((name) => /^(\d+)\.born$/.exec(name)?.[1] ?? [])
        .filter(isAlive);
      for (const pid of alive) process.kill(Number(pid), 'SIGKILL');
      expect(alive, `told to end ${round * STEP_MS} ms after its record was there`).to.deep.equal([]);
    }
  });
});

function isAlive(pid: string): boolean {
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch {
    return false;
  }
}

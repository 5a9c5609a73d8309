/**
 * The lifeline: whoever hangs on it hears that its owner has cut it, was killed, or was never there.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { hangOn, Lifeline } from '../../../ssmmp/shell/lifeline.ts';

const SOURCE = fileURLToPath(new URL('../../../ssmmp/shell/lifeline.ts', import.meta.url));

/** A process that hangs on a lifeline and ends with 7 when it is cut. */
async function hanging(folder: string): Promise<ChildProcess> {
  const code = `const { hangOn } = await import(${JSON.stringify(SOURCE)});
    hangOn(process.argv[1], () => process.exit(7)); setInterval(() => {}, 1000); console.log('hangs');`;
  const words = ['--import', 'tsx', '--input-type=module', '-e', code, folder];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}

describe('lifeline', function () {
  this.timeout(30_000);

  it('cutting it ends what hangs on it, and waits for that', async () => {
    const lifeline = new Lifeline();
    const child = await hanging(lifeline.folder);
    const ended = once(child, 'exit');
    await lifeline.cut();
    expect(await ended).to.deep.equal([7, null]);
    expect(existsSync(lifeline.folder)).to.equal(false);
  });

  it('an owner that is killed cannot cut it: what hangs on it ends all the same', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ssmmp-lifeline-test-'));
    const owner = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    try {
      writeFileSync(join(folder, 'owner'), JSON.stringify({ pid: owner.pid }));
      const child = await hanging(folder);
      const ended = once(child, 'exit');
      owner.kill('SIGKILL');
      expect(await ended).to.deep.equal([7, null]);
    } finally {
      owner.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('a folder that is gone already is a lifeline that is cut', () => {
    let cut = 0;
    hangOn(join(tmpdir(), 'ssmmp-lifeline-test-of-nobody'), () => (cut += 1));
    expect(cut).to.equal(1);
  });
});

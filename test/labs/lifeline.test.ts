/** A program of a lab that starts a cluster in the background, and is killed: the cluster ends with the item. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { runNode, Scope } from '../../labs/runner/shell/programs.ts';
import { takeSubnet } from '../../labs/runner/shell/subnet.ts';
import { findProcesses } from '../../operator/shell/testbed-processes.ts';

const SSMMP = fileURLToPath(new URL('../../dist/ssmmp.js', import.meta.url));
const LATE_MS = 6_000;

describe('a cluster in the background', function () {
  this.timeout(120_000);

  it('ends with the scope of the program that started it, though that was killed', async () => {
    const home = mkdtempSync(join(tmpdir(), 'ssmmp-lifeline-labs-'));
    const { subnet, release } = await takeSubnet();
    const scope = new Scope();
    try {
      const [state, script] = [join(home, 'state'), join(home, 'starts.mjs')];
      const words = [SSMMP, 'up', '--detach', '--nodes', '1', '--subnet', subnet, '--state-dir', state];
      writeFileSync(
        script,
        `import { execFileSync } from 'node:child_process';
        execFileSync(process.execPath, ${JSON.stringify(words)});
        console.log('up');
        setInterval(() => {}, 1000);`,
      );
      let [ran, deadlineMs] = [await runNode(script, [], scope, { deadlineMs: LATE_MS }), LATE_MS];
      // a busy machine may need longer for its start than a quick test wants to wait: what is left then goes on
      while (!ran.out.includes('up') && deadlineMs < 10 * LATE_MS)
        ran = await runNode(script, [], scope, { deadlineMs: (deadlineMs *= 2) });
      expect(ran.isLate, `${ran.out}${ran.err}`).to.equal(true);
      expect(findProcesses(state), 'the cluster outlives the program').to.not.deep.equal([]);
      await scope.close();
      expect(findProcesses(state)).to.deep.equal([]);
    } finally {
      await scope.close();
      release();
      rmSync(home, { recursive: true, force: true });
    }
  });
});

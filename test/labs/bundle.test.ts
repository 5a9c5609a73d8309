/** The built command, its runs below a package of ES modules, as runs/ of a clone is. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { cleanEnvironment, runNode, Scope } from '../../labs/runner/shell/programs.ts';

const SSMMP = fileURLToPath(new URL('../../dist/ssmmp.js', import.meta.url));

describe('the check of a lab', function () {
  this.timeout(60_000);

  it('is built and loaded below a package of ES modules too', async () => {
    const home = mkdtempSync(join(tmpdir(), 'ssmmp-bundle-'));
    const scope = new Scope();
    try {
      writeFileSync(join(home, 'package.json'), '{"type": "module"}');
      const env = { ...cleanEnvironment(), SSMMP_LAB_RUNS: join(home, 'runs') } as Record<string, string>;
      const { code, out, err } = await runNode(SSMMP, ['lab', 'check', '0', '--starter'], scope, {
        cwd: home,
        env,
      });
      expect(`${out}${err}`).to.not.contain('broke');
      expect(code, 'a starter fails').to.equal(1);
    } finally {
      await scope.close();
      rmSync(home, { recursive: true, force: true });
    }
  });
});

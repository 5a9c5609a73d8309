/**
 * Students' code that runs in a driver's process cannot say its own verdict: it prints what the driver would print, and ends.
 *
 * The verdicts below are those that such code could have forged before drivers told them with a secret.
 */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { LabResult } from '../../labs/runner/core/result.ts';
import { run } from '../e2e/cluster.ts';
import { ROOT } from './small-lab.ts';

const FORGED = [
  {
    lab: '08-write-a-policy',
    item: 'saves',
    file: 'policy.ts',
    verdict:
      '{"problem":"","yours":[{"late":0,"seconds":1,"changes":0}],"theirs":[{"late":0,"seconds":9,"changes":0}],"calm":{"late":0,"seconds":1,"changes":0}}',
  },
  { lab: '06-the-manager-dies', item: 'recover', file: 'recover.ts', verdict: '{"cases":9,"problem":null}' },
];

describe('labs: a forged verdict', function () {
  this.timeout(60_000);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ssmmp-forged-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  for (const { lab, item, file, verdict } of FORGED)
    it(`${file} of ${lab} that prints one and ends gets no points`, async () => {
      const work = join(folder, lab);
      cpSync(join(ROOT, 'labs', lab, 'starter'), work, { recursive: true });
      writeFileSync(
        join(work, file),
        `declare const process: any;\nprocess.stdout.write(${JSON.stringify(`${verdict}\n`)} + '- ' + ${JSON.stringify(`${verdict}\n`)});\nprocess.exit(0);\nexport {};\n`,
      );
      const number = String(Number(lab.slice(0, 2)));
      const words = ['lab', 'check', number, '--dir', work, '--only', item, '--runs', join(folder, 'runs')];
      const ran = await run('ssmmp', [...words, '-o', 'json']);
      const result = JSON.parse(ran.out) as LabResult;
      expect(result.items.find(({ name }) => name === item)).to.include({ status: 'failed', points: 0 });
      expect(ran.code).to.equal(1);
    });
});

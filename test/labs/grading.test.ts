/**
 * Grading: what a fence keeps in and out, which submissions are not run at all, what is written.
 *
 * Nothing here starts a cluster but the last test, which grades submissions of lab 0.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Graded } from '../../labs/runner/core/exports.ts';
import { makeFence } from '../../labs/runner/shell/fence.ts';
import { gradeAll } from '../../labs/runner/shell/grade.ts';
import { until } from '../../labs/runner/shell/until.ts';
import { run } from '../e2e/cluster.ts';
import { makeSmallLab, putIn, ROOT } from './small-lab.ts';

/** Nothing on stdin, nothing kept from it. */
const OPEN = { input: '', readOnly: [], writable: [], hidden: [] };
/** By which the sleepers of these tests are known. */
const SLEEP_S = `33.${process.pid}`;

/** Those that still run; none where the system has no /proc to look into. */
function sleepers(): string[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && commandLine(name) === `sleep\0${SLEEP_S}\0`);
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // it ended while we looked
  }
}

describe('labs: grading', function () {
  this.timeout(60_000);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ssmmp-grading-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const put = (path: string, text: string): void => putIn(folder, path, text);

  it('a fence ends what takes too long, too much memory or too many processes, and everything it started', async () => {
    const fence = makeFence();
    const limits = { seconds: 30, memoryMb: 512, processes: 40, cwd: folder, ...OPEN };
    const sleep = `require('node:child_process').spawn('sleep', ['${SLEEP_S}'], { detached: true });`;
    put('sleep.js', `${sleep} setTimeout(() => {}, 60000);`);
    const late = await fence.run([join(folder, 'sleep.js')], { ...limits, seconds: 1 });
    expect(late.limit).to.equal('it took longer than 1 s');
    put('eat.js', 'const all = []; setInterval(() => all.push(Buffer.alloc(8e6, 1)), 5);');
    const fat = await fence.run([join(folder, 'eat.js')], { ...limits, memoryMb: 200 });
    expect(fat.limit).to.match(/MB together; 200 are allowed/);
    put('breed.js', `for (let n = 0; n < 60; n += 1) ${sleep} setTimeout(() => {}, 60000);`);
    const many = await fence.run([join(folder, 'breed.js')], limits);
    expect(many.limit).to.match(/^it had \d+ processes at once; 40 are allowed$/);
    const fine = await fence.run(['-e', 'console.log(6)'], limits);
    expect(fine).to.deep.include({ code: 0, out: '6\n', limit: null });
    await until('the sleepers are gone', () => sleepers().length === 0);
  });

  it('what is in a fence may not write the clone, and finds the hidden seeds empty', async function () {
    const fence = makeFence();
    if (fence.says.startsWith('no namespaces')) this.skip();
    put("it's ours/seeds.txt", '4242');
    put('own/a', '');
    const program = `
      const { readFileSync, writeFileSync } = require('node:fs');
      const { spawnSync } = require('node:child_process');
      const can = (action) => { try { action(); return true; } catch { return false; } };
      spawnSync('umount', ['seeds.txt']);
      spawnSync('mount', ['-o', 'remount,bind,rw', '.']);
      console.log(JSON.stringify({
        seeds: readFileSync('seeds.txt', 'utf8'), stdin: readFileSync(0, 'utf8'),
        ours: can(() => writeFileSync('x', '')), own: can(() => writeFileSync('../own/a', 'x')),
      }));`;
    const ours = join(folder, "it's ours");
    const ran = await fence.run(['-e', program], {
      seconds: 30,
      memoryMb: 512,
      processes: 40,
      cwd: ours,
      input: '7',
      readOnly: [ours, folder],
      writable: [join(folder, 'own')],
      hidden: [join(ours, 'seeds.txt')],
    });
    expect(ran.err).to.equal('');
    expect(JSON.parse(ran.out)).to.deep.equal({ seeds: '', stdin: '7', ours: false, own: true });
  });

  it('a submission with a link out of it, or with what is no file, is not run', async () => {
    const { places, lab } = makeSmallLab(folder);
    put('hand-in/alice/n.txt', '7');
    put('hand-in/bob/m.txt', '7');
    symlinkSync('../alice/n.txt', join(folder, 'hand-in/bob/n.txt'));
    put('hand-in/carol/m.txt', '7');
    symlinkSync('m.txt', join(folder, 'hand-in/carol/n.txt'));
    const fenced: string[] = [];
    const fence = {
      says: '',
      run: (words: readonly string[]) => {
        fenced.push(words.join(' '));
        return Promise.resolve({ code: 127, out: '', err: '', limit: null });
      },
    };
    const all = await gradeAll(lab, places, fence, {
      submissions: [join(folder, 'hand-in/bob'), join(folder, 'hand-in/carol')],
      seeds: [4242],
      jobs: 1,
      seconds: 1,
      memoryMb: 128,
      out: join(folder, 'grades'),
      hidden: null,
      onGraded: () => undefined,
    });
    expect(all[0]?.problem).to.deep.equal({
      whose: 'student',
      text: 'n.txt is a link that leads out of the submission; hand in the file itself',
    });
    expect(fenced).to.have.length(1);
    expect(fenced[0]).to.include('carol').and.not.include('4242');
  });

  it('submissions are graded with one command, into four formats', async () => {
    put('hand-in/good/answers.yaml', '');
    put('hand-in/none/answers.yaml', readFileSync(join(ROOT, 'labs/00-meet-the-cnapp/starter/answers.yaml'), 'utf8'));
    const solved = await run('ssmmp', [
      'lab',
      'check',
      '0',
      '--solution',
      '--runs',
      join(folder, 'runs'),
      '-o',
      'json',
    ]);
    expect(solved.code, solved.err).to.equal(0);
    const good = (JSON.parse(solved.out) as { folder: string }).folder;
    const args = ['lab', 'grade', good, join(folder, 'hand-in/none'), '--lab', '0', '--out', join(folder, 'grades')];
    const { code, out, err } = await run('ssmmp', args);
    expect(code, err).to.equal(0);
    expect(out)
      .to.match(/work +100 +passed/)
      .and.match(/none +0 +failed/);
    const { submissions } = JSON.parse(readFileSync(join(folder, 'grades/results.json'), 'utf8')) as {
      submissions: Graded[];
    };
    expect(submissions.map(({ result }) => result?.points)).to.deep.equal([100, 0]);
    expect(readFileSync(join(folder, 'grades/results.csv'), 'utf8')).to.match(/^work,20,40,40,100,100,passed,,$/m);
    expect(readFileSync(join(folder, 'grades/junit.xml'), 'utf8')).to.include('failures="3"');
    expect(JSON.parse(readFileSync(join(folder, 'grades/gradescope/work.json'), 'utf8'))).to.include({ score: 100 });
    const wrong = await run('ssmmp', ['lab', 'grade', join(folder, 'nowhere'), '--lab', '0']);
    expect(wrong.code).to.equal(64);
  });
});

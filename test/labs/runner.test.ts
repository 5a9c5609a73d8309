/**
 * The runner itself, on small labs that are made here: how items end, what a proof notices, what grading writes.
 *
 * Nothing here starts a cluster but the last test, which grades submissions of lab 0.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { Graded } from '../../labs/runner/core/exports.ts';
import { bundle } from '../../labs/runner/shell/bundle.ts';
import { runCheck } from '../../labs/runner/shell/check.ts';
import type { Checked } from '../../labs/runner/shell/check.ts';
import { gradeAll } from '../../labs/runner/shell/grade.ts';
import { makeFence } from '../../labs/runner/shell/fence.ts';
import { readLab } from '../../labs/runner/shell/lab-folder.ts';
import { makeRunFolder, writeRun } from '../../labs/runner/shell/run-folder.ts';
import { placesOf } from '../../labs/runner/shell/places.ts';
import { Proof } from '../../labs/runner/shell/proof.ts';
import { runLabProgram } from '../../labs/runner/shell/prepare.ts';
import type { Unmet } from '../../labs/runner/shell/unmet.ts';
import { readMemory, resetWork, startWork } from '../../labs/runner/shell/work-folder.ts';
import { until } from '../../labs/runner/shell/until.ts';
import { startTimeOf } from '../../ssmmp/shell/process-identity.ts';
import { run } from '../e2e/cluster.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');
const YAML = `title: Small
goal: to be small
minutes: 1
checks:
  - {name: number, says: n is 7, points: 10, page: README.md, hints: [a, b, c]}
  - {name: other, says: it does its own, points: 5, page: README.md, seconds: 1, hints: [a, b, c]}
wrong:
  eight: {fails: number, because: x}
`;
const CHECK = `import { defineChecks, expectEqual } from '../runner/api.ts';
export const checks = defineChecks({
  number: (work) => expectEqual('n', Number(work.text('n.txt')), 7),
  other: async (work) => { OTHER },
});
`;

/** Nothing on stdin, nothing kept from it. */
const OPEN = { input: '', readOnly: [], writable: [], hidden: [] };

describe('labs: the runner', function () {
  this.timeout(60_000);
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ssmmp-runner-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };

  /** A clone with one lab, whose second item has this code. */
  function small(other = 'work.text("n.txt");') {
    for (const name of ['node_modules', 'dist', 'ssmmp', 'load', 'services', 'package.json'])
      symlinkSync(join(ROOT, name), join(folder, name));
    mkdirSync(join(folder, 'labs'));
    symlinkSync(join(ROOT, 'labs', 'runner'), join(folder, 'labs', 'runner'));
    const lab = 'labs/00-small';
    put(`${lab}/lab.yaml`, YAML);
    put(`${lab}/check.ts`, CHECK.replace('OTHER', other));
    put(`${lab}/README.md`, '# Lab 0: Small\n');
    put(`${lab}/starter/n.txt`, '1');
    put(`${lab}/solution/n.txt`, '7');
    put(`${lab}/wrong/eight/n.txt`, '8');
    const places = placesOf(folder);
    return { places, lab: readLab(places, '00-small') };
  }

  async function checked(n: string, other?: string, stop?: AbortSignal): Promise<Checked> {
    const { lab, places } = small(other);
    put('work/n.txt', n);
    const options = {
      seed: 3,
      only: [],
      quickOnly: false,
      runFolder: makeRunFolder(places, lab.name),
      command: 'again',
      ...(stop === undefined ? {} : { stop }),
    };
    const outcome = await runCheck(lab, join(folder, 'work'), places, options);
    writeRun(places, options.runFolder, outcome);
    return outcome;
  }

  it('what is right passes, and the run leaves results, events, messages and a page', async () => {
    const { result } = await checked('7');
    expect(result).to.include({ verdict: 'passed', points: 15, points_max: 15, used_seed: false, again: 'again' });
    const latest = join(folder, 'runs', '00-small', 'latest');
    for (const file of ['results.json', 'events.json', 'trace.json', 'report.html'])
      expect(existsSync(join(latest, file)), file).to.equal(true);
  });

  it('what is not as expected fails, and says what came', async () => {
    const { result } = await checked('8');
    expect(result.items.map(({ status }) => status)).to.deep.equal(['failed', 'passed']);
    expect(result.items[0]?.failure).to.include({ expected: 'n: 7', came: 'n: 8', page: 'README.md' });
  });

  it("an error that the check did not foresee is the grader's, a late item the student's", async () => {
    const broken = await checked('7', 'JSON.parse("{");');
    expect(broken.result.verdict).to.equal('broken');
    expect(broken.result.items[1]).to.include({ status: 'broken', points: 0 });
    expect(broken.result.items[1]?.error).to.include('SyntaxError');
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    const late = await checked('7', 'await work.until("never", () => false, 60_000);');
    expect(late.result.items[1]?.failure?.expected).to.equal('done within 1 s');
  });

  it('an item that computes without end is killed with what it started, and fails; those after it are asked', async () => {
    put('spin.cjs', "require('node:fs').writeFileSync('pid', String(process.pid)); for (;;) {}");
    const { lab, places } = small();
    put('work/n.txt', '7');
    put(
      'labs/00-small/check.ts',
      CHECK.replace('OTHER', 'work.text("n.txt");').replace(
        /number: .*/,
        `number: async (work) => { void work.node(work.path('../spin.cjs'), [], { cwd: work.folder }); for (;;) {} },`,
      ),
    );
    const hurried = { ...lab, checks: lab.checks.map((item) => ({ ...item, seconds: 3 })) };
    const runFolder = makeRunFolder(places, lab.name);
    const { result } = await runCheck(hurried, join(folder, 'work'), places, {
      seed: 3,
      only: [],
      quickOnly: false,
      runFolder,
      command: 'again',
    });
    expect(result.items.map(({ status }) => status)).to.deep.equal(['failed', 'passed']);
    expect(result.items[0]?.failure).to.include({ expected: 'done within 3 s', page: 'README.md' });
    expect(result.items[0]?.failure?.came).to.match(/^it was still computing after \d+\.\d s, and was killed$/);
    expect(result).to.include({ verdict: 'failed', points: 5, again: 'again --seed 3' });
    const pid = Number(readFileSync(join(folder, 'work/pid'), 'utf8'));
    expect(startTimeOf(pid), 'the program that the item started').to.equal(null);
  });

  it('who presses Ctrl-C ends it at once, whether it waits or computes, and it has not passed', async () => {
    for (const other of [
      'work.write("n.txt", "0"); for (;;) {}',
      'work.write("n.txt", "0"); await new Promise(() => {});',
    ]) {
      const stop = new AbortController();
      const whole = checked('7', other, stop.signal);
      const begun = (): boolean =>
        existsSync(join(folder, 'work/n.txt')) && readFileSync(join(folder, 'work/n.txt'), 'utf8') === '0';
      await until('the item runs', begun);
      stop.abort();
      const { result } = await whole;
      expect(result.verdict).to.equal('failed');
      expect(result.items[1]?.failure?.came).to.match(/^the check was ended after \d+\.\d s$/);
      rmSync(folder, { recursive: true });
      mkdirSync(folder);
    }
  });

  it("a check that ends its process, or that does not load, is the grader's; the other items count", async () => {
    const gone = await checked('7', 'process.exit(3);');
    expect(gone.result.items.map(({ status }) => status)).to.deep.equal(['passed', 'broken']);
    expect(gone.result.items[1]?.error).to.equal('the process of the check ended (exit code 3) while it ran this item');
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    const unloaded = await checked('7', '},\n}); process.exit(4); defineChecks({ a: () => {');
    expect(unloaded.result.items.map(({ status }) => status)).to.deep.equal(['broken', 'broken']);
    expect(unloaded.result.items[0]?.error).to.include('(exit code 4) while it loaded');
  });

  it('a check.ts that cannot be built is broken, with file and line', async () => {
    const { result } = await checked('7', 'const = ;');
    expect(result.verdict).to.equal('broken');
    expect(result.items[0]?.error).to.match(/check\.ts:4:\d+/);
  });

  it('the seed is named once an item uses it, and gives the same chance again', async () => {
    const { result } = await checked('7', 'if (work.chance.below(1000) === -1) throw new Error();');
    expect(result).to.include({ used_seed: true, again: 'again --seed 3' });
  });

  it('a proof notices a starter that passes, a solution that fails, a wrong answer that fails something else', async () => {
    const { lab, places } = small();
    const proof = new Proof(lab, places, join(folder, 'proof'));
    expect([await proof.starter(), await proof.solution(1), await proof.wrong('eight')]).to.deep.equal([
      null,
      null,
      null,
    ]);
    put('labs/00-small/starter/n.txt', '7');
    put('labs/00-small/wrong/eight/n.txt', '7');
    put('labs/00-small/solution/n.txt', '9');
    const other = new Proof(lab, places, join(folder, 'other'));
    expect(await other.starter()).to.include('the starter must fail');
    expect(await other.solution(1))
      .to.include('the solution must pass')
      .and.include('n: 9');
    expect(await other.wrong('eight')).to.include('fails nothing');
    put('labs/00-small/check.ts', CHECK.replace('OTHER', 'work.text("there-is-none");'));
    put('labs/00-small/wrong/eight/n.txt', '8');
    expect(await other.wrong('eight')).to.include('it fails number, other');
  });

  it('a working folder is not started twice; a reset keeps what was there', async () => {
    const { lab, places } = small();
    const work = join(folder, 'mine');
    await startWork(lab, work, places);
    put('mine/n.txt', 'my own');
    const again = await startWork(lab, work, places).catch((error: unknown) => (error as Error).message);
    expect(again).to.include('is there already');
    const copy = await resetWork(lab, work, places);
    expect(readFileSync(join(copy, 'n.txt'), 'utf8')).to.equal('my own');
    expect(readFileSync(join(work, 'n.txt'), 'utf8')).to.equal('1');
    expect(readMemory(work)).to.include({ lab: '00-small', best: 0 });
  });

  it('prepare.ts makes what no starter can be, for a student and for a proof; programs of a lab run on the folder', async () => {
    const { lab, places } = small();
    put('labs/00-small/prepare.ts', 'export const prepare = (work) => work.write("n.txt", work.text("n.txt") + "1");');
    put('labs/00-small/programs/tell.ts', 'export const program = async (work, words) => Number(work.text(words[0]));');
    await startWork(lab, join(folder, 'mine'), places);
    expect(await runLabProgram(lab, 'tell', ['n.txt'], join(folder, 'mine'), places)).to.equal(11);
    expect(await new Proof(lab, places, join(folder, 'proof')).starter()).to.equal(null);
    const told = async (name: string, word: string): Promise<string> =>
      await runLabProgram(lab, name, [word], folder, places).then(String, (error: Error) => error.message);
    expect(await told('ask', 'n.txt')).to.equal("lab 0 has no program 'ask'; there is tell");
    expect(await told('tell', 'none.txt')).to.include('expected the file none.txt in your working folder');
  });

  it('a folder is laid over the clone: its parts are taken from there, whole, and nothing else is', async () => {
    put('clone/a/main.ts', 'import { n } from "../b/n.ts"; import { law } from "../b/law.ts"; console.log(n + law);');
    put('clone/b/n.ts', 'export const n = "ours ";');
    put('clone/b/law.ts', 'import { more } from "../c/more.ts"; export const law = `law ${more}`;');
    put('clone/c/more.ts', 'export const more = "ours";');
    for (const file of ['b/law', 'c/more']) put(`mine/${file}.ts`, 'throw new Error("not from here");');
    const overlay = { folder: join(folder, 'mine'), parts: ['b'], ours: ['b/law.ts'] };
    const built = (): Promise<void> =>
      bundle(join(folder, 'clone/a/main.ts'), join(folder, 'out.cjs'), placesOf(join(folder, 'clone')), overlay);
    const missing = await built().then(String, (error: Unmet) => error.text.came);
    expect(missing).to.match(/mine\/b\/n\.ts/);
    put('mine/b/n.ts', 'export { n } from "./new.ts";');
    put('mine/b/new.ts', 'export const n = "theirs ";');
    await built();
    expect(spawnSync(process.execPath, [join(folder, 'out.cjs')]).stdout.toString()).to.equal('theirs law ours\n');
  });

  it('a fence ends what takes too long or too much memory, and everything it started', async () => {
    const fence = makeFence();
    put(
      'sleep.js',
      "require('node:child_process').spawn('sleep', ['33.25'], { detached: true }); setTimeout(() => {}, 60000);",
    );
    const late = await fence.run([join(folder, 'sleep.js')], { seconds: 1, memoryMb: 512, cwd: folder, ...OPEN });
    expect(late.limit).to.equal('it took longer than 1 s');
    put('eat.js', 'const all = []; setInterval(() => all.push(Buffer.alloc(8e6, 1)), 5);');
    const fat = await fence.run([join(folder, 'eat.js')], { seconds: 30, memoryMb: 200, cwd: folder, ...OPEN });
    expect(fat.limit).to.match(/MB together; 200 are allowed/);
    const fine = await fence.run(['-e', 'console.log(6)'], { seconds: 30, memoryMb: 200, cwd: folder, ...OPEN });
    expect(fine).to.deep.include({ code: 0, out: '6\n', limit: null });
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
    const { places, lab } = small();
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

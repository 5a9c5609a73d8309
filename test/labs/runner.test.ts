/**
 * The runner itself, on small labs that are made here: how items end, what a proof notices, what students' folders get.
 *
 * Nothing here starts a cluster. Grading is in grading.test.ts.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { bundle } from '../../labs/runner/shell/bundle.ts';
import { runCheck } from '../../labs/runner/shell/check.ts';
import type { Checked } from '../../labs/runner/shell/check.ts';
import { placesOf } from '../../labs/runner/shell/places.ts';
import { runLabProgram } from '../../labs/runner/shell/prepare.ts';
import { Proof } from '../../labs/runner/shell/proof.ts';
import { makeRunFolder, writeRun } from '../../labs/runner/shell/run-folder.ts';
import type { Unmet } from '../../labs/runner/shell/unmet.ts';
import { until } from '../../labs/runner/shell/until.ts';
import { readMemory, resetWork, startWork } from '../../labs/runner/shell/work-folder.ts';
import { startTimeOf } from '../../ssmmp/shell/process-identity.ts';
import { CHECK, makeSmallLab, putIn } from './small-lab.ts';

describe('labs: the runner', function () {
  this.timeout(60_000);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ssmmp-runner-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const put = (path: string, text: string): void => putIn(folder, path, text);
  const small = (other?: string): ReturnType<typeof makeSmallLab> => makeSmallLab(folder, other);

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
});

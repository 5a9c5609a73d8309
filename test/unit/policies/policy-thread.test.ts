/** Policies in files: compiled with the place of every mistake, and run so that nothing they do harms who asks. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { PolicyRunner } from '../../../manager/shell/policy-oracle.ts';
import type { PolicyQuestion } from '../../../manager/core/oracle.ts';
import { DEFAULT_POLICIES } from '../../../ssmmp/core/graph.ts';
import type { ScalingView } from '../../../ssmmp/core/policy.ts';
import { pino } from 'pino';
import { compilePolicies, compilePolicy } from '../../../ssmmp/shell/policy-file.ts';
import { PolicyWorker } from '../../../ssmmp/shell/policy-worker.ts';
import { graphOf, SMALL } from '../manager/harness.ts';

describe('policies: files', () => {
  let folder = '';
  const workers: PolicyWorker[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ssmmp-policy-'));
  });

  afterEach(() => {
    for (const worker of workers.splice(0)) worker.end();
    rmSync(folder, { recursive: true, force: true });
  });

  async function problemsOf(text: string): Promise<readonly string[]> {
    writeFileSync(join(folder, 'my.ts'), text);
    writeFileSync(join(folder, 'graph.yaml'), SMALL);
    const graph = graphOf(`${SMALL}policies: {scaling: ./my.ts}\n`);
    const compiled = await compilePolicies(graph, join(folder, 'graph.yaml'));
    return compiled.ok ? [] : compiled.problems;
  }

  async function load(text: string): Promise<PolicyWorker> {
    writeFileSync(join(folder, 'my.ts'), text);
    const compiled = await compilePolicy('scaling', './my.ts', folder);
    if (!compiled.ok) throw new Error(compiled.problems.join('\n'));
    const worker = await PolicyWorker.load('scaling', './my.ts', compiled.code);
    if (typeof worker === 'string') throw new Error(worker);
    workers.push(worker);
    return worker;
  }

  it('TypeScript and files of its folder become one piece of code in the graph', async () => {
    writeFileSync(join(folder, 'helper.ts'), 'export const most = (a: number, b: number): number => Math.max(a, b);\n');
    const worker = await load(
      "import { most } from './helper.ts';\nexport function scaling(view: { a: number }) { return { replicas: most(view.a, 2) }; }",
    );
    expect(worker.ask('scaling', { a: 7 })).to.deep.equal({ choice: { replicas: 7 }, said: [] });
  });

  it('says line and column of what cannot be', async () => {
    const cases: [string, RegExp][] = [
      ['export function scaling(view) {\n  return {replicas: 1;\n}', /^my\.ts:2:22 Expected/],
      [
        "import { readFileSync } from 'node:fs';\nexport const scaling = readFileSync;",
        /^my\.ts:1:30 Could not resolve .* a policy computes/,
      ],
      ['export function scale() {}', /^\.\/my\.ts:1:1 exports scale; expected a function 'scaling'/],
      ['', /exports nothing; expected a function 'scaling'/],
      ['export const scaling = 7;', /exports no function; expected a function 'scaling'/],
      [
        'interface A {}\n\nconst a: any = null;\na.b = 1;\nexport function scaling() {}',
        /^\.\/my\.ts:4:3 it threw TypeError/,
      ],
      ['for (;;);\nexport function scaling() {}', /it did not load within/],
    ];
    for (const [text, expected] of cases) expect((await problemsOf(text)).join('\n'), text).to.match(expected);
    expect((await compilePolicy('scaling', 'none.ts', folder)).ok).to.equal(false);
  });

  it('a throw is told with its line; console.log is passed on', async () => {
    const worker = await load(
      "export function scaling(view: any) {\n  console.log('I saw', view);\n  return view.x.y;\n}",
    );
    const answer = worker.ask('scaling', { a: 1 });
    expect(answer)
      .to.have.property('problem')
      .that.matches(/^it threw TypeError: .* \(\.\/my\.ts:3:17\)$/);
    expect(answer.said).to.deep.equal(['I saw {"a":1}']);
    expect(worker.alive).to.equal(true);
  });

  const harmful: [string, string, RegExp][] = [
    ['an endless loop', 'for (;;);', /longer than 20 ms/],
    [
      'a heap without end',
      'const all: unknown[] = []; for (;;) all.push(new Array(10_000).fill(all));',
      /longer than 20 ms/,
    ],
    ['a getter that never returns', 'return { get replicas() { for (;;); } };', /longer than 20 ms/],
    ['a promise', 'return Promise.resolve({ replicas: 1 });', /returned a promise/],
    ['nothing', '', /returned nothing/],
    ['a circle', 'const a: any = {}; a.a = a; return a;', /circular/],
    ['too much', "return { replicas: 1, state: 'x'.repeat(20_000) };", /characters of JSON; expected at most/],
    ['the end of the process', "return (0, eval)('process').exit(1);", /process is not defined/],
  ];
  for (const [what, body, expected] of harmful)
    it(`survives ${what}`, async () => {
      const worker = await load(`export function scaling(): any { ${body} }`);
      const from = performance.now();
      expect(worker.ask('scaling', {})).to.have.property('problem').that.matches(expected);
      expect(performance.now() - from).to.be.below(1000);
    });
});

describe('policies: the Manager’s side', () => {
  const file = './my.ts';
  const view = { service: 'post' } as ScalingView;
  const question = (code: string): PolicyQuestion => ({ kind: 'scaling', file, code, view });

  it('one that is too slow rests, and is started again', async () => {
    const code = 'let calls = 0; exports.scaling = () => { if (++calls === 2) for (;;); return { replicas: 1 }; };';
    const runner = new PolicyRunner(pino({ enabled: false }));
    try {
      expect(await runner.load({ ...DEFAULT_POLICIES, scaling: { file, code } })).to.deep.equal([]);
      expect(runner.ask(question(code))).to.deep.equal({ choice: { replicas: 1 } });
      expect(runner.ask(question(code)))
        .to.have.property('problem')
        .that.contains('longer than');
      expect(runner.ask(question(code))).to.have.property('problem', 'it was too slow and rests');
      const until = performance.now() + 10_000;
      while (!('choice' in runner.ask(question(code)))) {
        expect(performance.now()).to.be.below(until);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    } finally {
      runner.stop();
    }
  });

  it('what does not load is told, and is no answer', async () => {
    const runner = new PolicyRunner(pino({ enabled: false }));
    const code = "throw new Error('not today')";
    expect(await runner.load({ ...DEFAULT_POLICIES, scaling: { file, code } })).to.deep.equal([
      './my.ts: it threw Error: not today',
    ]);
    expect(runner.ask(question(code))).to.have.property('problem');
    runner.stop();
  });
});

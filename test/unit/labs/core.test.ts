/** The runner's core: lab.yaml, scoring, the verdict's words, formats for others, diagrams and the page. */
import { expect } from 'chai';
import { csvText, gradescope, junitXml } from '../../../labs/runner/core/exports.ts';
import type { Graded } from '../../../labs/runner/core/exports.ts';
import { curvesOf } from '../../../labs/runner/core/event.ts';
import { parseLab } from '../../../labs/runner/core/lab-file.ts';
import { reportPage } from '../../../labs/runner/core/report.ts';
import { scored, verdictOf, worstOf } from '../../../labs/runner/core/result.ts';
import type { ItemResult, LabResult } from '../../../labs/runner/core/result.ts';
import { MESSAGES_DRAWN_MAX, sequenceSvg, withoutHealth } from '../../../labs/runner/core/sequence.ts';
import { verdictText } from '../../../labs/runner/core/verdict.ts';

const same = (text: string): string => text;
const PLAIN = { heading: same, good: same, bad: same, faint: same };

const PASSED: ItemResult = {
  name: 'a',
  says: 'one thing',
  points_max: 40,
  points: 40,
  status: 'passed',
  took_ms: 12,
  failure: null,
  error: null,
};
const FAILED: ItemResult = {
  ...PASSED,
  name: 'b',
  points: 0,
  status: 'failed',
  failure: { expected: 'x <b>', came: '=y', page: 'docs/x.md', remark: 'because' },
};
const BROKEN: ItemResult = { ...PASSED, name: 'c', points: 0, status: 'broken', error: 'TypeError: oh' };
const LEFT_OUT: ItemResult = { ...PASSED, name: 'd', points: 0, status: 'left out' };

function resultOf(...items: ItemResult[]): LabResult {
  return scored({
    lab: '03-scale',
    title: 'Scale',
    folder: '/x/<y>',
    time: '2026-01-01T00:00:00.000Z',
    seed: 7,
    used_seed: true,
    took_ms: 1500,
    items,
    again: 'npx ssmmp lab check 3 --seed 7',
  });
}

describe('labs: lab.yaml', () => {
  const ITEM = '{name: a, says: x, points: 5, page: p, hints: [a, b, c]}';
  const good = `title: T\ngoal: G\nminutes: 5\nchecks:\n  - ${ITEM}\nwrong:\n  w: {fails: a, because: x}\n`;

  it('a good one is read, with what it leaves out', () => {
    const result = parseLab(good, 'lab.yaml');
    expect(result.ok && result.lab).to.deep.include({ needs: [], slow: false, measures: false });
    expect(result.ok && result.lab.checks[0]).to.include({ live: false, seconds: 60 });
  });

  const WRONG: readonly (readonly [what: string, text: string, place: string, words: string])[] = [
    ['an unknown key', good.replace('minutes', 'minutos'), 'lab.yaml:3:1', 'did you mean'],
    ['two hints', good.replace('[a, b, c]', '[a, b]'), 'lab.yaml:5:', '3 hints'],
    ['an item twice', good.replace('wrong:', `  - ${ITEM}\nwrong:`), 'lab.yaml:6:', "two items are called 'a'"],
    ['a wrong answer for no item', good.replace('fails: a', 'fails: z'), 'lab.yaml:7:', "fails 'z', which is no item"],
    ['points of nothing', good.replace('points: 5', 'points: 0'), 'lab.yaml:5:', 'from 1 to 100'],
  ];
  for (const [what, text, place, words] of WRONG) {
    it(`${what} is told with its place`, () => {
      const result = parseLab(text, 'lab.yaml');
      const told = result.ok
        ? []
        : result.problems.map(({ file, line, column, sentence }) => `${file}:${line}:${column} ${sentence}`);
      expect(
        told.some((line) => line.startsWith(place) && line.includes(words)),
        told.join('\n'),
      ).to.equal(true);
    });
  }
});

describe('labs: scoring', () => {
  it('broken before failed before passed; what was left out counts neither way; nothing checked is nothing passed', () => {
    expect(verdictOf([PASSED, FAILED, BROKEN])).to.equal('broken');
    expect(verdictOf([PASSED, FAILED])).to.equal('failed');
    expect(verdictOf([PASSED])).to.equal('passed');
    expect(verdictOf([])).to.equal('failed');
    expect(resultOf(PASSED, LEFT_OUT)).to.include({ points: 40, points_max: 40, verdict: 'passed' });
    expect(resultOf(LEFT_OUT)).to.include({ points: 0, verdict: 'failed' });
  });

  it('of several runs each item counts as where it earned least', () => {
    const [first, second] = [resultOf(PASSED, { ...PASSED, name: 'b' }), resultOf(PASSED, FAILED)];
    expect(worstOf([first, second])).to.include({ points: 40, points_max: 80, verdict: 'failed' });
    expect(worstOf([second, first]).items.map(({ status }) => status)).to.deep.equal(['passed', 'failed']);
    expect(worstOf([first, resultOf(PASSED, { ...BROKEN, name: 'b' })]).verdict).to.equal('broken');
  });
});

describe('labs: the verdict', () => {
  it('the first failure in full, with page, seed and the command that repeats it', () => {
    const text = verdictText(resultOf(PASSED, FAILED, { ...FAILED, name: 'second' }), PLAIN);
    expect(text).to.include('expected\n    x <b>\n  came\n    =y').and.include('read      docs/x.md');
    expect(text).to.include('seed      7').and.include('npx ssmmp lab check 3 --seed 7 --only b');
    expect(text.match(/expected/g)).to.have.length(1);
    expect(text).to.match(/not yet {2}40 of 120 points, 1\.5 s\n$/);
  });

  it('a broken check is not called a mistake of the student', () => {
    const text = verdictText(resultOf(FAILED, BROKEN), PLAIN);
    expect(text).to.include('this is not your mistake').and.include('TypeError: oh');
  });
});

describe('labs: grades for others', () => {
  const ALL: Graded[] = [
    { submission: 'ann', result: resultOf(PASSED, FAILED), problem: null, took_ms: 10 },
    { submission: '=bob', result: null, problem: { whose: 'student', text: 'it took longer than 5 s' }, took_ms: 10 },
    { submission: 'cy', result: resultOf(BROKEN), problem: null, took_ms: 10 },
  ];

  it('JUnit tells a failure from an error', () => {
    const xml = junitXml('03-scale', ALL);
    expect(xml).to.include('name="03-scale ann" tests="2" failures="1" errors="0"');
    expect(xml).to.include('name="03-scale =bob" tests="1" failures="1" errors="0"');
    expect(xml).to.include('name="03-scale cy" tests="1" failures="0" errors="1"');
    expect(xml).not.to.match(/<b>/);
  });

  it('CSV has a line a submission, whose doing it was, and no formulas', () => {
    const lines = csvText(ALL).split('\n');
    expect(lines[0]).to.equal('submission,a,b,points,points_max,verdict,blame,problem');
    expect(lines[1]).to.equal('ann,40,0,40,80,failed,student,');
    expect(lines[2]).to.match(/^'=bob,0,0,0,,failed,student,it took longer/);
    expect(lines[3]).to.match(/broken,grader,$/);
  });

  it('Gradescope gets no zero that looks like a grade when the grader broke', () => {
    expect(gradescope(ALL[0] as Graded, 80)).to.deep.include({ score: 40 });
    const broken = gradescope(ALL[2] as Graded, 80);
    expect(broken['output']).to.include('not your mistake');
    expect(broken['tests']).to.deep.equal([]);
  });
});

describe('labs: pictures and the page', () => {
  const entry = (from: string, to: string, message: string) => ({
    time: '2026-01-01T00:00:00.000Z',
    hop: 'instance-agent',
    from,
    to,
    exchange: 'post/7/1000',
    message,
  });
  const ENTRIES = [
    entry('post/7', '127.0.0.11', 'type: session_request ~ message_id: 1000 ~ source_plug_name: <p>'),
    entry('127.0.0.11', 'Manager', 'type: session_request ~ message_id: 1000'),
    entry('Manager', '127.0.0.11', 'type: session_response ~ message_id: 1000 ~ status: 503'),
  ];

  it('a diagram has a column a party, an arrow a message, and nothing that could run', () => {
    const svg = sequenceSvg(ENTRIES);
    expect(svg.match(/<title>/g)).to.have.length(3);
    expect(svg.match(/font-weight="600"/g)).to.have.length(3);
    expect(svg).to.include('session_response 1000 · 503').and.include('tip-bad)');
    expect(svg).not.to.match(/<p>|NaN|undefined/);
    expect(sequenceSvg([])).to.equal('');
    const many = sequenceSvg(Array.from({ length: 400 }, () => ENTRIES[0] as (typeof ENTRIES)[number]));
    expect(many.match(/<title>/g)).to.have.length(MESSAGES_DRAWN_MAX);
  });

  it('health is left out', () => {
    const health = entry('Manager', '127.0.0.11', 'type: agent_health_control_request ~ message_id: 3');
    expect(withoutHealth([...ENTRIES, health])).to.deep.equal(ENTRIES);
  });

  it('instances and sessions over time, also through ends of services that were never on', () => {
    const event = (seq: number, at: number, what: string, data: Record<string, string | number>) => ({
      seq,
      at,
      what,
      text: '',
      data,
    });
    const curves = curvesOf([
      event(1, 1000, 'instance', { service_instance_id: 1, service_name: 'post', status: 'on' }),
      event(2, 2000, 'session', { session: 'k', status: 'on' }),
      event(3, 3000, 'instance', { service_instance_id: 2, service_name: 'post', status: 'off' }),
      event(4, 5000, 'instance', { service_instance_id: 1, service_name: 'post', status: 'draining' }),
    ]);
    expect(curves.seconds).to.equal(4);
    expect(curves.instances).to.deep.equal([{ name: 'post', isStep: true, points: [[0, 0], [0, 1], [4, 0], [4, 0]] }]); // prettier-ignore
    expect(curves.sessions.points).to.deep.equal([[0, 0], [1, 1], [4, 1]]); // prettier-ignore
    expect(curvesOf([]).seconds).to.equal(1);
  });

  it('the page is whole, runs no script, loads nothing, and shows texts as they are', () => {
    const exhibits = [{ title: 'c <i>', events: [], trace: ENTRIES, loads: [] }];
    const page = reportPage(resultOf(PASSED, FAILED), exhibits, [{ title: 'd', entries: ENTRIES }]);
    expect(page)
      .to.match(/^<!doctype html>/)
      .and.match(/<\/html>\n$/);
    expect(page).not.to.match(/<script|src=|href=|NaN|undefined|<b>|<i>|<y>/);
    expect(page.match(/aria-label="sequence of messages"/g)).to.have.length(2);
  });
});

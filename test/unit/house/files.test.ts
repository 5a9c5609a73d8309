// The rules of the house that a look at the files can check. What may not be here: anything that runs the project.
//
// Rules that nobody checks are promises. Each test names every offender in one go, with what to do about it.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { PURE_FOLDERS } from '../../../scripts/layers.mjs';
import { NODE_OLDEST, complaintAbout } from '../../../scripts/node-version.mjs';

const ROOT = join(import.meta.dirname, '..', '..', '..');

/** Longer than this, a file has more than one subject. The aim is 300; this is where it stops. */
const LINES_MAX = 400;

/** Files that may be longer, each with its reason. */
const LONG_FILES: Readonly<Record<string, string>> = {};

/** Tracked files and those that will be: nothing that .gitignore names. */
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(ROOT, path)));
const sources = files.filter((path) => /\.(ts|mjs|cjs|js)$/.test(path));

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

function json(path: string): Record<string, Record<string, unknown>> {
  return JSON.parse(read(path)) as Record<string, Record<string, unknown>>;
}

describe('house: files', () => {
  it('every source file opens with a comment that says what lives in it', () => {
    const offenders = sources.filter((path) => !/^(#!.*\n)?\s*(\/\/|\/\*)/.test(read(path)));
    expect(offenders, 'open these with a comment: what lives in the file and what may not').to.deep.equal([]);
  });

  it(`no file has more than ${LINES_MAX} lines, or it is listed with a reason`, () => {
    const offenders = sources
      .map((path) => ({ path, lines: read(path).split('\n').length - 1 }))
      .filter(({ path, lines }) => lines > LINES_MAX && LONG_FILES[path] === undefined)
      .map(({ path, lines }) => `${path} (${lines})`);
    expect(offenders, 'cut these by subject, or list them in LONG_FILES with a reason').to.deep.equal([]);
    const idle = Object.keys(LONG_FILES).filter(
      (path) => !files.includes(path) || read(path).split('\n').length <= LINES_MAX,
    );
    expect(idle, 'these need no place in LONG_FILES any more').to.deep.equal([]);
  });

  it('no file names a place of the machine it was written on, or a host that packages come from', () => {
    // Written in pieces, so that this file is none of the offenders.
    const forbidden = [
      ['/wo', 'rk/main'],
      ['/wo', 'rk/shared'],
      ['/ro', 'ot/'],
      ['registry.', 'npmjs.org'],
      ['bash_', 'jobs'],
    ];
    const offenders = files
      .filter((path) => !/\.(png|gif|ico|woff2?)$/.test(path))
      .flatMap((path) =>
        forbidden
          .map((parts) => parts.join(''))
          .filter((text) => read(path).includes(text))
          .map((text) => `${path}: ${text}`),
      );
    expect(offenders).to.deep.equal([]);
  });

  it('no file is a lone `utils.ts`', () => {
    expect(files.filter((path) => /(^|\/)(utils?|helpers?|misc|common)\.(ts|mjs)$/.test(path))).to.deep.equal([]);
  });

  it('every decision has a number of its own, and says it in its title', () => {
    const decisions = files.filter((path) => /^docs\/decisions\/\d/.test(path));
    const numbers = decisions.map((path) => path.slice('docs/decisions/'.length, 'docs/decisions/0000'.length));
    expect(numbers).to.deep.equal(decisions.map((_, index) => String(index + 1).padStart(4, '0')));
    for (const [index, path] of decisions.entries())
      expect(read(path), path).to.match(RegExp(`^# ${numbers[index]} [A-Z]`));
  });

  it('TypeScript is only what can be erased: no enum, no namespace', () => {
    const offenders = sources
      .filter((path) => path.endsWith('.ts'))
      .filter((path) => /^\s*(export\s+)?(declare\s+)?(const\s+)?(enum|namespace)\s+\w/m.test(read(path)));
    expect(offenders).to.deep.equal([]);
  });
});

describe('house: packages', () => {
  it('package-lock.json names no place to fetch from', () => {
    expect(
      read('package-lock.json').match(/"resolved":.*/g),
      'run npm install with the .npmrc of the project',
    ).to.equal(null);
  });

  it('every dependency has its line in docs/architecture.md: what for, and why this one', () => {
    const { dependencies, devDependencies } = json('package.json');
    const text = existsSync(join(ROOT, 'docs/architecture.md')) ? read('docs/architecture.md') : '';
    const section = text.split(/^## /m).find((part) => part.startsWith('Dependencies')) ?? '';
    const names = [...Object.keys(dependencies ?? {}), ...Object.keys(devDependencies ?? {})];
    const missing = names.filter((name) => !section.includes(`\`${name}\``));
    expect(missing, 'add a line each to the section Dependencies of docs/architecture.md').to.deep.equal([]);
    const listed = [...section.matchAll(/^- `([^`]+)`/gm)].map((match) => match[1] ?? '');
    expect(
      listed.filter((name) => !names.includes(name)),
      'listed there, but no dependency any more',
    ).to.deep.equal([]);
  });

  it('the oldest Node is the same in package.json and in the check at the start', () => {
    expect(json('package.json')['engines']?.['node']).to.equal(`>=${NODE_OLDEST.join('.')}`);
  });

  it('a too old Node gets one sentence, a new enough one gets none', () => {
    for (const version of ['v20.19.0', 'v20.20.2', 'v21.0.0', 'v22.1.0', 'v100.0.0'])
      expect(complaintAbout(version)).to.equal('');
    for (const version of ['v0.10.48', 'v12.22.1', 'v18.20.4', 'v20.18.9']) {
      expect(complaintAbout(version)).to.match(
        /^ssmmp-lab needs Node 20\.19 or newer and this is Node [^\n]+: install [^\n]+\.$/,
      );
    }
  });

  it('npm start leaves no shell between npm and the testbed, which would swallow a SIGTERM and spoil the exit code', () => {
    expect(json('package.json')['scripts']?.['start']).to.match(/^exec node /);
    expect(files, 'what `exec` is where the shell has none').to.include('exec.cmd');
  });

  it('the folders that are pure for lint are pure for the compiler', () => {
    const { include } = JSON.parse(read('tsconfig.pure.json')) as { include: string[] };
    expect([...include].sort()).to.deep.equal([...PURE_FOLDERS].sort());
  });
});

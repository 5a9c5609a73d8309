/**
 * Every command of README.md, run in order, its output compared with what the README shows.
 *
 * console-text.ts says how the README shows them. Where a command asks for a password, the test gives it on stdin.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { until } from './cluster.ts';
import { matches, shownIn } from './console-text.ts';
import type { Shown } from './console-text.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

const shown = shownIn(README);

describe('README.md', function () {
  this.timeout(240_000);
  let home: string;
  const environment = (): NodeJS.ProcessEnv => ({
    ...process.env,
    NO_COLOR: '1',
    HOME: home,
    XDG_CONFIG_HOME: home,
    npm_config_loglevel: 'error',
  });

  before(() => {
    // A folder like a fresh clone, without installing again: what a start needs is linked.
    home = mkdtempSync(join(tmpdir(), 'ssmmp-readme-'));
    cpSync(join(ROOT, 'README.md'), join(home, 'README.md'));
    for (const name of ['package.json', 'node_modules', 'dist', 'bin', 'scripts'])
      symlinkSync(join(ROOT, name), join(home, name));
  });
  after(() => rmSync(home, { recursive: true, force: true }));

  function inShell(command: string): Promise<{ code: number; text: string }> {
    const asks = /cnapp (register|login) /.test(command);
    return new Promise((resolve) => {
      const child = spawn('sh', ['-c', asks ? `${command} --password-stdin` : command], {
        cwd: home,
        env: environment(),
      });
      let out = '';
      let err = '';
      child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
      child.on('close', (code) =>
        resolve({ code: code ?? 255, text: `${out}${err}`.replaceAll(/^ready: (?:building|installing).*\n/gm, '') }),
      );
      child.stdin.end(asks ? 'correct horse 1\n' : '');
    });
  }

  it('shows commands and their output', () => {
    expect(shown[0]?.command).to.equal('npm start');
    expect(shown.length).to.be.greaterThan(12);
  });

  it('does what it says, in order', async () => {
    const [start, ...rest] = shown as [Shown, ...Shown[]];
    const front = spawn(process.execPath, [join(ROOT, 'dist/ssmmp.js'), 'up'], { cwd: home, env: environment() });
    let talk = '';
    front.stdout.on('data', (chunk: Buffer) => (talk += chunk.toString()));
    front.stderr.on('data', (chunk: Buffer) => (talk += chunk.toString()));
    const ended = new Promise((resolve) => front.on('exit', resolve));
    try {
      await until('npm start is ready', () => talk.includes('Ctrl-C'), 20_000);
      expect(matches(talk, start.output), `npm start printed\n${talk}`).to.equal(true);
      for (const { command, output } of rest) {
        const { code, text } = await inShell(command);
        expect(code, `$ ${command}\n${text}`).to.equal(0);
        expect(
          matches(text, output),
          `$ ${command}\nprinted\n${text}\nthe README shows\n${output.join('\n')}`,
        ).to.equal(true);
      }
    } finally {
      front.kill('SIGTERM');
      await ended;
    }
  });
});

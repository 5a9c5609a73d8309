/**
 * A chapter, typed: its commands are run in order, and what they print is compared with what the chapter shows.
 *
 * Lives here: the typing. Does not live here: which chapters (chapters.test.ts, `npm run labs-proof`). Each runs in a subnet of
 * its own; addresses are compared as those of 127.0.0. `npx` is replaced by a small program that does the same without
 * looking for packages, half a second a command sooner.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { expect } from 'chai';
import type { Lab } from '../../labs/runner/shell/lab-folder.ts';
import { labFiles, PLAY_FILE, type Places } from '../../labs/runner/shell/places.ts';
import { cleanEnvironment } from '../../labs/runner/shell/programs.ts';
import { play } from '../../labs/runner/shell/shipped.ts';
import { takeSubnet } from '../../labs/runner/shell/subnet.ts';
import { copyInto } from '../../labs/runner/shell/work-folder.ts';
import { Lifeline } from '../../ssmmp/shell/lifeline.ts';
import { matches, stepsOf } from '../e2e/console-text.ts';

const PASSWORD = 'correct horse 1\n';

/** Types the chapter of a lab in a home of its own; an AssertionError says which command printed something else. */
export async function typeChapter(lab: Lab, places: Places): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'ssmmp-chapter-'));
  // as in a clone, where students' folders lie
  writeFileSync(join(home, 'package.json'), '{"type": "module"}');
  const { subnet, release } = await takeSubnet();
  const lifeline = new Lifeline();
  const environment = environmentFor(home, subnet, places, lifeline);
  let folder = home;
  try {
    for (const step of stepsOf(readFileSync(labFiles.chapter(lab.folder), 'utf8'))) {
      if ('remark' in step) {
        expect(step.remark, 'a remark that the test knows').to.equal('answer');
        copyInto(labFiles.solution(lab.folder), folder);
        rmSync(join(folder, PLAY_FILE), { force: true });
        await play(join(labFiles.solution(lab.folder), PLAY_FILE), lab, folder, places, 1, ['answer']);
        continue;
      }
      const [, target] = /^cd (.+)$/.exec(step.command) ?? [];
      if (target !== undefined) {
        folder = resolve(folder, target);
        continue;
      }
      const { code, text } = await inShell(step.command, folder, environment);
      const seen = text.replaceAll(`${subnet}.`, '127.0.0.');
      expect(code, `$ ${step.command}\n${seen}`).to.equal(0);
      const shown = step.output.join('\n');
      expect(matches(seen, step.output), `$ ${step.command}\nprinted\n${seen}\nthe chapter shows\n${shown}`).to.equal(
        true,
      );
    }
  } finally {
    await inShell('npx ssmmp down', folder, environment);
    await lifeline.cut();
    release();
    rmSync(home, { recursive: true, force: true });
  }
}

function environmentFor(home: string, subnet: string, places: Places, lifeline: Lifeline): NodeJS.ProcessEnv {
  const bin = join(home, 'bin');
  mkdirSync(bin);
  const npx = `#!/bin/sh\nprogram=$1\nshift\nexec '${process.execPath}' '${places.dist}'/$program.js "$@"\n`;
  writeFileSync(join(bin, 'npx'), npx, { mode: 0o755 });
  return cleanEnvironment({
    ...lifeline.environment,
    PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`,
    HOME: home,
    XDG_CONFIG_HOME: home,
    SSMMP_SUBNET: subnet,
    SSMMP_LAB_RUNS: join(home, 'runs'),
    SSMMP_LAB_CLONE: places.root,
  });
}

function inShell(command: string, cwd: string, env: NodeJS.ProcessEnv): Promise<{ code: number; text: string }> {
  const asks = /cnapp (register|login) /.test(command);
  return new Promise((done) => {
    const words = ['-c', asks ? `${command} --password-stdin` : command];
    const child = spawn('sh', words, { cwd, env, stdio: [asks ? 'pipe' : 'ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.on('close', (code) => done({ code: code ?? 255, text: `${out}${err}` }));
    child.stdin?.end(PASSWORD);
  });
}

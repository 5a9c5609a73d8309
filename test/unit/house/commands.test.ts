/**
 * The repository's own commands, `npm run NAME`: asked for help they help and do nothing else, and a word they do not know
 * gets a sentence. A bench that ran for ten minutes because somebody asked it for help is how this came about.
 */
import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../../..');
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };

/** What has no options of its own to ask about: it ends soon whatever it is told, or is another one's shorthand. */
const OTHERS = ['build', 'docs', 'format', 'check', 'test:unit'];

/** Those that pass on what they do not know: `npm test` to mocha. */
const PASSES_ON = ['test'];

const COMMANDS = Object.keys(scripts).filter((name) => !OTHERS.includes(name));

describe('the commands of the repository', function () {
  this.timeout(60_000);
  for (const name of COMMANDS) {
    it(`npm run ${name} -- --help leads with examples`, async () => {
      const { code, out } = await ready(name, '--help');
      expect(code).to.equal(0);
      expect(out.split('\n').slice(0, 4).join('\n')).to.match(/^ {2}(npm (run )?|ssmmp )/m);
    });
    if (PASSES_ON.includes(name)) continue;
    it(`npm run ${name} -- --nonsense is told in a sentence`, async () => {
      const { code, err } = await ready(name, '--nonsense');
      expect(err)
        .to.match(/nonsense/)
        .and.not.match(/^ +at /m);
      expect(code).to.equal(64);
    });
  }
});

function ready(name: string, ...words: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(ROOT, 'scripts', 'ready.mjs'), name, ...words], {
      cwd: ROOT,
      env: { ...process.env, NO_COLOR: '1' },
    });
    const texts = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (texts.out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (texts.err += text));
    const timer = setTimeout(() => child.kill('SIGKILL'), 30_000);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? -1, ...texts });
    });
  });
}

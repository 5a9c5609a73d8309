// Does a service load with its compiled form, and without it, and never with somebody else's?
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';

const QUICK_LOADING = new URL('../../../scripts/quick-loading.mjs', import.meta.url).href;

const MARK_BYTES = 40;

describe('house: quick loading', () => {
  let folder = '';

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ssmmp-quick-'));
    writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }');
    writeFileSync(
      join(folder, 'a.code.js'),
      "function later() { return __filename.slice(-9); }\nconsole.log(later(), process.argv[2], require('node:path').sep);",
    );
    // In a process of its own, as the build does it: what is compiled fits the flags of who compiled it.
    const make = `import(${JSON.stringify(QUICK_LOADING)}).then((made) => made.makeQuickLoading(${JSON.stringify(folder)}, 'a'))`;
    execFileSync(process.execPath, ['-e', make], { env: { PATH: process.env['PATH'] } });
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const run = (): string =>
    execFileSync(process.execPath, [join(folder, 'a.js'), 'x'], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] },
    });

  it('the compiled form fits a Node started without flags', () => {
    const source = readFileSync(join(folder, 'a.code.js'), 'latin1');
    const probe = `
      const { Script } = require('node:vm');
      const cachedData = require('node:fs').readFileSync(${JSON.stringify(join(folder, 'a.cache'))}).subarray(${MARK_BYTES});
      const text = '(function (exports, require, module, __filename, __dirname) {' + ${JSON.stringify(source)} + '\\n})';
      console.log(new Script(text, { cachedData }).cachedDataRejected);`;
    expect(execFileSync(process.execPath, ['-e', probe], { encoding: 'utf8', env: {} }).trim()).to.equal('false');
  });

  it('a program runs with it, with the names and arguments of a file of its own', () => {
    expect(run()).to.equal('a.code.js x /\n');
  });

  it('a program runs without it', () => {
    rmSync(join(folder, 'a.cache'));
    expect(run()).to.equal('a.code.js x /\n');
  });

  it('the compiled form of another build is left alone, though its code is just as long', () => {
    const changed = readFileSync(join(folder, 'a.code.js'), 'latin1')
      .replace(/^\/\/\w+/, `//${'0'.repeat(MARK_BYTES)}`)
      .replace('slice(-9)', 'slice(-4)');
    writeFileSync(join(folder, 'a.code.js'), changed);
    expect(run()).to.equal('e.js x /\n');
  });
});

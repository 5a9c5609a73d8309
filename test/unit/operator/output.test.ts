/** Colours of the operator's command: on a terminal only, and never more than the text that was given. */
import { closeSync, existsSync, openSync } from 'node:fs';
import { expect } from 'chai';
import { interruption } from '../../../operator/commands/command.ts';
import { bundle, runInto } from './command-line.ts';
import { styleFor } from '../../../operator/shell/output.ts';

const BOLD = '\x1b[1m';
const PLAIN = '\x1b[22m';

describe('the colours of ssmmp', () => {
  const before = { ...process.env };
  afterEach(() => {
    for (const name of ['FORCE_COLOR', 'NO_COLOR']) {
      const value = before[name];
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  });

  it('a heading is the text alone, also where a list of titles is mapped', () => {
    Reflect.deleteProperty(process.env, 'NO_COLOR');
    process.env['FORCE_COLOR'] = '1';
    const { heading } = styleFor(process.stdout);
    expect(['LAB', 'TITLE'].map(heading)).to.deep.equal([`${BOLD}LAB${PLAIN}`, `${BOLD}TITLE${PLAIN}`]);
  });

  it('NO_COLOR wins', () => {
    process.env['FORCE_COLOR'] = '1';
    process.env['NO_COLOR'] = '1';
    expect(styleFor(process.stdout).bad('x')).to.equal('x');
  });
});

describe('the ends of ssmmp', () => {
  it('a full disk behind stdout is a sentence and exit code 1', async function () {
    this.timeout(30_000);
    if (!existsSync('/dev/full')) this.skip();
    await bundle();
    const full = openSync('/dev/full', 'w');
    const { code, stderr } = await runInto(full, ['graph', 'services/cnapp.yaml']);
    closeSync(full);
    expect(code).to.equal(1);
    expect(stderr).to.match(/^ssmmp: stdout cannot be written: ENOSPC[^\n]*\n$/);
  });

  it('a Ctrl-C that comes twice, as under npx, is one: what was begun is undone', () => {
    const before = process.listenerCount('SIGHUP');
    const stop = interruption();
    process.emit('SIGHUP');
    process.emit('SIGHUP');
    expect(stop.aborted).to.equal(true);
    // Without one the second signal would end the process at once.
    expect(process.listenerCount('SIGHUP')).to.equal(before + 1);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.removeListener(signal, process.listeners(signal).at(-1) as () => void);
    }
  });
});

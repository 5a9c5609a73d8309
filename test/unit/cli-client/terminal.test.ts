/** What happens on a terminal: hidden prompts, history, Ctrl-C, colours. The terminal is two streams that say they are one. */
import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import { paletteFor } from '../../../cli-client/shell/colour.ts';
import type { Io } from '../../../cli-client/shell/io.ts';
import { Asker, Interrupted } from '../../../cli-client/shell/prompt.ts';

function terminal(): { io: Io; type: (text: string) => void; shown: () => string } {
  const stdin = Object.assign(new PassThrough(), { isTTY: true });
  const stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
  let shown = '';
  stderr.setEncoding('utf8').on('data', (text: string) => (shown += text));
  const io = { stdin, stdout: new PassThrough(), stderr, env: {}, cwd: '/' };
  // One key at a time, as a person types: readline takes more at once for a paste.
  const type = (text: string): void => {
    for (const key of text) stdin.write(key);
  };
  return { io, type, shown: () => shown };
}

describe('cnapp: on a terminal', () => {
  it('a password is not shown and is not in the history; other lines are', async () => {
    const { io, type, shown } = terminal();
    const asker = new Asker(io);
    const first = asker.ask('> ', true);
    type('login ada\r');
    expect(await first).to.equal('login ada');
    const hidden = asker.askHidden('Password: ');
    type('lovelace1\r');
    expect(await hidden).to.equal('lovelace1');
    expect(shown()).to.contain('Password: \n').and.contain('login ada').and.not.contain('lovelace');
    const again = asker.ask('> ', true);
    type('\x1b[A');
    const deadlineMs = performance.now() + 5000;
    while (shown().split('login ada').length < 3 && performance.now() < deadlineMs) {
      await new Promise((resolve) => setTimeout(resolve, 10)); // the arrow key is three characters
    }
    type('\r');
    expect(await again).to.equal('login ada');
    asker.close();
  });

  it('Ctrl-C ends a question, and reaches a command that runs', async () => {
    const { io, type } = terminal();
    let interrupts = 0;
    const asker = new Asker(io, { onInterrupt: () => (interrupts += 1) });
    const asked = asker.askHidden('Password: ').catch((error: unknown) => error);
    type('abc\x03');
    expect(await asked).to.be.instanceOf(Interrupted);
    type('\x03');
    const next = asker.ask('> ');
    type('x\r');
    expect(await next).to.equal('x');
    expect(interrupts).to.equal(1);
    asker.close();
  });

  it('lines that come early are not lost; the end of the input is null', async () => {
    const { io, type } = terminal();
    const asker = new Asker(io);
    type('a\rb\r');
    await new Promise((resolve) => setImmediate(resolve));
    expect([await asker.ask('> '), await asker.ask('> ')]).to.deep.equal(['a', 'b']);
    const last = asker.ask('> ');
    type('\x04');
    expect(await last).to.equal(null);
    expect(await asker.ask('> ')).to.equal(null);
  });

  it('colours only on a terminal, never with NO_COLOR or TERM=dumb', () => {
    const stream = Object.assign(new PassThrough(), { isTTY: true });
    const bad = (env: Io['env'], isTTY: boolean): string => paletteFor(Object.assign(stream, { isTTY }), env).bad('x');
    expect(bad({}, true)).to.equal('\x1b[31mx\x1b[39m');
    expect(bad({ NO_COLOR: '' }, true)).to.equal('\x1b[31mx\x1b[39m');
    expect(bad({ NO_COLOR: '1' }, true)).to.equal('x');
    expect(bad({ TERM: 'dumb' }, true)).to.equal('x');
    expect(bad({}, false)).to.equal('x');
  });
});

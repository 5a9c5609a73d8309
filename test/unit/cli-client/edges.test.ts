/** `cnapp` where nobody looks: Ctrl-C beside the end of stdin, odd places to write to, two of it at once. */
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync } from 'node:fs';
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import { formatGateway } from '../../../cli-client/core/gateways.ts';
import { FileSink, isSpecial } from '../../../cli-client/shell/sinks.ts';
import { cnapp, type Ended } from './command-line.ts';
import { FakeGateway } from './fake-gateway.ts';

describe('cnapp: odd moments and places', function () {
  this.timeout(20_000);
  let fake: FakeGateway;
  let folder: string;
  let env: Record<string, string>;

  beforeEach(async () => {
    fake = new FakeGateway();
    await fake.start();
    fake.addUser('ada', 'lovelace1');
    folder = mkdtempSync(join(tmpdir(), 'cnapp-test-'));
    env = { HOME: folder, CNAPP_GATEWAY: formatGateway(fake.gateway) };
    expect((await run('login ada --password-stdin', 'lovelace1')).code).to.equal(0);
  });
  afterEach(async () => {
    await fake.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function run(words: string, stdin: string | PassThrough = '', interrupt = new AbortController()): Promise<Ended> {
    return cnapp(words, { env, cwd: folder, stdin, interrupt });
  }

  // Ctrl-C in `tar c . | cnapp send-file - --name all.tar` ends tar too: what came so far is no file.
  for (const words of ['send-file - --name all.tar', 'send-post -']) {
    it(`Ctrl-C, and then the end of stdin: ${words} sends nothing`, async () => {
      const asked: string[] = [];
      fake.fault = (request) => {
        asked.push(request.name);
        return 'none';
      };
      const stdin = new PassThrough();
      const interrupt = new AbortController();
      const running = run(words, stdin, interrupt);
      stdin.write('half of it');
      await new Promise((resolve) => setImmediate(resolve));
      interrupt.abort();
      stdin.end();
      expect((await running).code).to.equal(130);
      expect(asked).to.deep.equal([]);
    });
  }

  it('Ctrl-C while stdin is read leaves no copy of it behind', async () => {
    const before = copies();
    const stdin = new PassThrough();
    const interrupt = new AbortController();
    const running = run('send-file - --name all.tar', stdin, interrupt);
    stdin.write('half of it');
    const deadlineMs = performance.now() + 5_000;
    while (copies().length === before.length && performance.now() < deadlineMs) await new Promise(setImmediate);
    expect(copies().length).to.equal(before.length + 1);
    interrupt.abort();
    expect((await running).code).to.equal(130);
    expect(copies()).to.deep.equal(before);
  });

  function copies(): string[] {
    return readdirSync(tmpdir()).filter((name) => /^cnapp-(?!test-)/.test(name));
  }

  it('what is no plain file is written into, not replaced', async function () {
    if (!existsSync('/dev/null')) this.skip();
    fake.putFile('ada', 'text', Buffer.from('only this\n'));
    expect(await isSpecial('/dev/null')).to.equal(true);
    expect(await isSpecial(join(folder, 'none'))).to.equal(false);
    expect(await isSpecial(folder)).to.equal(false);
    // A link to a device stands for one here: were it replaced, the test would need to be root to notice.
    const link = join(folder, 'device');
    symlinkSync('/dev/null', link);
    expect((await run('get-file text --out device')).code).to.equal(0);
    expect(lstatSync(link).isSymbolicLink()).to.equal(true);
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).to.deep.equal([]);
  });

  it('a pipe with a name takes a whole file, and is none to be sent', async function () {
    const pipe = join(folder, 'pipe');
    if (spawnSync('mkfifo', [pipe]).status !== 0) this.skip();
    const bytes = randomBytes(500_000);
    fake.putFile('ada', 'large', bytes);
    const [read, got] = await Promise.all([readFile(pipe), run('get-file large --out pipe')]);
    expect(got.code, got.err).to.equal(0);
    expect(read.equals(bytes)).to.equal(true);
    const sent = await run('send-file pipe');
    expect(sent.code).to.equal(1);
    expect(sent.err).to.match(/pipe is not a file/);
  });

  it('--out with a separator at its end is a folder, which must be there', async () => {
    fake.putFile('ada', 'text', Buffer.from('only this\n'));
    const result = await run('get-file text --out nowhere/');
    expect(result.code).to.equal(1);
    expect(result.err).to.match(/there is no folder .*nowhere/);
    mkdirSync(join(folder, 'sub'));
    expect((await run('get-file text --out sub/')).out).to.equal(join(folder, 'sub', 'text') + '\n');
  });

  it('two that get one file at once both have it', async () => {
    const target = join(folder, 'both');
    const bytes = randomBytes(1000);
    const sinks = [new FileSink(target), new FileSink(target)];
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    for (const sink of sinks) expect(await sink.identify(bytes.length, sha256, false)).to.equal(0);
    for (const sink of sinks) await sink.write(bytes);
    // as a gateway may write it: hexadecimal is the same in either case
    for (const sink of sinks) expect(await sink.complete(sha256.toUpperCase())).to.equal(true);
    expect(readFileSync(target).equals(bytes)).to.equal(true);
  });

  it('a token file that cannot be written: a sentence, and no draft with a token left', async () => {
    mkdirSync(join(folder, 'taken'));
    const result = await run('login ada --password-stdin --token-file taken', 'lovelace1');
    expect(result.code).to.equal(1);
    expect(result.err).to.match(/token file .*taken cannot be written.*--token-file/s);
    expect(readdirSync(folder).filter((name) => name.includes('.new'))).to.deep.equal([]);
  });

  it('a home that is no folder is like one without a login', async () => {
    writeFileSync(join(folder, 'plain'), '');
    env['HOME'] = join(folder, 'plain');
    expect((await run('whoami')).code).to.equal(4);
    const shell = await run('shell', 'whoami\nlogin ada\nlovelace1\n');
    expect(shell.err)
      .to.match(/not logged in/)
      .and.match(/cannot be written/);
  });

  it('-o wide is a table; CNAPP_OUTPUT says the format where no flag does', async () => {
    fake.putFile('ada', 'text', Buffer.from('x'));
    expect((await run('list-files -o wide')).out).to.equal((await run('list-files')).out);
    env['CNAPP_OUTPUT'] = 'json';
    expect(JSON.parse((await run('whoami')).out)).to.deep.equal({ user: 'ada' });
    expect((await run('whoami -o name')).out).to.equal('ada\n');
    env['CNAPP_OUTPUT'] = 'xml';
    const wrong = await run('whoami');
    expect(wrong.code).to.equal(64);
    expect(wrong.err).to.match(/CNAPP_OUTPUT/);
  });
});

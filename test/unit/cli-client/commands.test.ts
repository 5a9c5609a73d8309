/** Whole runs of `cnapp` in this process against the fake gateway: words, streams, exit codes, files. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { formatGateway } from '../../../cli-client/core/gateways.ts';
import { cnapp, type Ended } from './command-line.ts';
import { FakeGateway } from './fake-gateway.ts';

describe('cnapp: the command line', function () {
  this.timeout(20_000);
  let fake: FakeGateway;
  let folder: string;
  let env: Record<string, string>;

  beforeEach(async () => {
    fake = new FakeGateway();
    await fake.start();
    folder = mkdtempSync(join(tmpdir(), 'cnapp-test-'));
    env = { HOME: folder, CNAPP_GATEWAY: formatGateway(fake.gateway) };
  });
  afterEach(async () => {
    await fake.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function run(
    words: string | string[],
    stdin: string | Buffer = '',
    interrupt = new AbortController(),
  ): Promise<Ended> {
    return cnapp(words, { env, cwd: folder, stdin, interrupt });
  }
  async function logIn(user = 'ada'): Promise<void> {
    expect(await run(`register ${user} --password-stdin`, 'lovelace1\n')).to.include({ code: 0, out: '' });
    expect(await run(`login ${user} --password-stdin`, 'lovelace1\n')).to.include({ code: 0, out: '' });
  }

  it('registers, logs in with a token file of mode 0600, says who, logs out', async () => {
    await logIn();
    const path = join(folder, '.config', 'cnapp', 'token');
    expect(statSync(path).mode & 0o777).to.equal(0o600);
    expect(await run('whoami')).to.deep.equal({ code: 0, out: 'ada\n', err: '' });
    expect((await run('whoami -o json')).out).to.equal('{\n  "user": "ada"\n}\n');
    expect((await run('logout')).code).to.equal(0);
    expect(existsSync(path)).to.equal(false);
    expect(fake.tokens.size).to.equal(0);
    expect((await run('whoami')).code).to.equal(4);
  });

  it('takes the token file from the flag before the environment', async () => {
    env['CNAPP_TOKEN_FILE'] = 'b.token';
    await logIn();
    expect(existsSync(join(folder, 'b.token'))).to.equal(true);
    expect((await run('whoami --token-file a.token')).code).to.equal(4);
    writeFileSync(join(folder, 'a.token'), 'nonsense');
    expect((await run('whoami --token-file a.token')).err).to.match(/not a token file/);
  });

  it('a login that has run out, and one that the gateway does not know, is exit code 4', async () => {
    env['CNAPP_TOKEN_FILE'] = 't';
    const time = new Date(Date.now() - 13 * 3600 * 1000).toISOString();
    writeFileSync(join(folder, 't'), JSON.stringify({ user: 'ada', token: 'x', time }), { mode: 0o600 });
    expect((await run('last-posts')).err).to.match(/run out/);
    writeFileSync(join(folder, 't'), JSON.stringify({ user: 'ada', token: 'x', time: new Date() }), { mode: 0o600 });
    const result = await run('last-posts -o json');
    expect(result.code).to.equal(4);
    expect(JSON.parse(result.out)).to.deep.equal({ status: 401, message: 'no valid token', data: null });
    expect(result.err).to.match(/no valid token \(401\)\nlog in with: cnapp login USER/);
  });

  it('wrong password is exit code 1, a taken name too', async () => {
    await logIn();
    expect(await run('login ada --password-stdin', 'wrong pass\n')).to.include({ code: 1 });
    expect((await run('register ada --password-stdin', 'lovelace1\n')).err).to.match(/taken \(409\)/);
    expect((await run('register ad --password-stdin', 'lovelace1\n')).err).to.match(/3 to 32 characters/);
  });

  it('a password is never taken from a pipe by surprise', async () => {
    expect(await run('login ada', 'lovelace1\n')).to.include({ code: 64 });
    expect((await run('login ada --password-stdin', '')).code).to.equal(64);
  });

  it('sends posts from words and from stdin, and shows them visibly', async () => {
    await logIn();
    expect(await run('send-post Hello world')).to.include({ code: 0, out: '1\n' });
    expect((await run('send-post - -o json', 'two\nlines\n')).out).to.equal('{\n  "post_id": 2\n}\n');
    expect((await run(['send-post', '--', '-x \x1b[31m'])).out).to.equal('3\n');
    expect(fake.posts.map((post) => post.text)).to.deep.equal(['Hello world', 'two\nlines', '-x \x1b[31m']);
    const shown = (await run('last-posts')).out;
    expect(shown).to.contain('-x \u241b[31m\n').and.contain('    two\u240a\n    lines\n').and.not.contain('\x1b');
    const listed = JSON.parse((await run('retrieve_last_10_posts -o json')).out) as { post_id: number; text: string }[];
    expect(listed.map((post) => post.post_id)).to.deep.equal([3, 2, 1]);
    expect(listed[0]?.text).to.equal('-x \x1b[31m');
    expect((await run('last-posts -o name')).out).to.equal('3\n2\n1\n');
  });

  it('refuses a post that is too long without sending it', async () => {
    await logIn();
    const result = await run('send-post - -o json', 'x'.repeat(4097));
    expect(result.code).to.equal(1);
    expect(JSON.parse(result.out)).to.include({ status: 413 });
    expect((await run('send-post -', 'x'.repeat(70_000))).err).to.match(/413/);
    expect(fake.requests.at(-1)?.name).to.equal('login_request');
  });

  it('an empty list is [] in JSON and a sentence for people', async () => {
    await logIn();
    expect((await run('last-posts -o json')).out).to.equal('[]\n');
    expect(await run('list-files')).to.deep.equal({ code: 0, out: '', err: 'You have no files yet.\n' });
  });

  it('sends, lists and gets files', async () => {
    await logIn();
    const bytes = randomBytes(100_000);
    writeFileSync(join(folder, 'local.bin'), bytes);
    expect(await run('send-file local.bin')).to.include({ code: 0, out: 'local.bin\n' });
    expect((await run('send-file local.bin --name b.bin')).out).to.equal('b.bin\n');
    const sent = JSON.parse((await run('send-file - --name c.bin -o json', bytes)).out) as object;
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    expect(sent).to.deep.equal({ name: 'c.bin', size: 100_000, sha256 });
    const files = JSON.parse((await run('list-files -o json')).out) as { name: string; size: number; time: string }[];
    expect(files.map((file) => [file.name, file.size])).to.deep.equal([
      ['b.bin', 100_000],
      ['c.bin', 100_000],
      ['local.bin', 100_000],
    ]);
    expect((await run('list-files -o name')).out).to.equal('b.bin\nc.bin\nlocal.bin\n');
    expect((await run('list-files')).out).to.match(/^NAME +SIZE +TIME\nb\.bin +100000 +2/);
    expect((await run('get-file b.bin')).code).to.equal(0);
    expect(readFileSync(join(folder, 'b.bin')).equals(bytes)).to.equal(true);
    mkdirSync(join(folder, 'sub'));
    expect((await run('file_transfer get b.bin --out sub')).code).to.equal(0);
    expect(readFileSync(join(folder, 'sub', 'b.bin')).equals(bytes)).to.equal(true);
    expect((await run('get-file b.bin --out sub/x')).out).to.equal(join(folder, 'sub', 'x') + '\n');
    fake.putFile('ada', 'text', Buffer.from('only this\n'));
    expect((await run('get-file text --out -')).out).to.equal('only this\n');
  });

  it('lists more than a hundred files', async () => {
    await logIn();
    for (let at = 0; at < 250; at += 1) fake.putFile('ada', `f${at}`, Buffer.from('x'));
    expect((await run('list-files -o name')).out.trim().split('\n').length).to.equal(250);
  });

  it('says what is wrong with a file', async () => {
    await logIn();
    expect((await run('get-file nothing')).err).to.match(/no such file \(404\)/);
    expect((await run('get-file ../x')).err).to.match(/must not hold/);
    expect((await run('send-file nothing')).err).to.match(/ENOENT/);
    expect((await run('send-file .')).err).to.match(/must not be '\.'|is not a file/);
    expect((await run('send-file - ')).code).to.equal(64);
    expect((await run('get-file x --out no/such/folder/x')).code).to.equal(1);
  });

  it('finds the gateway of the running cluster', async () => {
    const { host, port } = fake.gateway;
    delete env['CNAPP_GATEWAY'];
    mkdirSync(join(folder, '.ssmmp'));
    writeFileSync(join(folder, '.ssmmp', 'cluster.json'), JSON.stringify({ gateways: [{ address: host, port }] }));
    await logIn();
    mkdirSync(join(folder, 'other'));
    env['SSMMP_STATE_DIR'] = 'other';
    writeFileSync(join(folder, 'other', 'cluster.json'), '{"gateways": 3}');
    expect((await run('last-posts')).err).to.match(/cluster\.json: has no list/);
  });

  it('a gateway that is not there is exit code 3 and says where it looked', async function () {
    await logIn();
    await fake.stop();
    const result = await run('last-posts -o json');
    expect(result.code).to.equal(3);
    expect(result.err)
      .to.match(/no gateway was reached at 127\.0\.44\.11/)
      .and.match(/CNAPP_GATEWAY/);
    expect(JSON.parse(result.out)).to.include({ status: 0 });
  });

  it('wrong usage is exit code 64; help leads with examples and is exit code 0', async () => {
    for (const words of ['', 'nonsense', 'login', 'last-posts -o xml', 'get-file', 'logout --nonsense']) {
      const result = await run(words);
      expect(result.code, words).to.equal(64);
      expect(result.out, words).to.equal('');
      expect(result.err, words).not.to.equal('');
    }
    expect((await run('--gateway a:b last-posts')).code).to.equal(4);
    const verbs = ['', 'register', 'login', 'logout', 'whoami', 'send-post', 'last-posts', 'send-file', 'get-file'];
    for (const verb of [...verbs, 'list-files', 'shell', 'file_transfer']) {
      const result = await run(`${verb} --help`.trim());
      expect(result.code, verb).to.equal(0);
      expect(result.out, verb).to.match(/^Examples:\n {2}cnapp /);
    }
  });

  it('Ctrl-C in a transfer is exit code 130 and says how to go on', async () => {
    await logIn();
    const bytes = randomBytes(2_000_000);
    fake.putFile('ada', 'big', bytes);
    const interrupt = new AbortController();
    fake.fault = (request) => {
      if (request.name !== 'get_file_request' || request.fields.offset < 1_000_000) return 'none';
      setImmediate(() => interrupt.abort());
      return 'silent';
    };
    const result = await run('get-file big', '', interrupt);
    expect(result).to.include({ code: 130, out: '' });
    expect(result.err).to.match(/the same command goes on where it stopped/);
    fake.fault = () => 'none';
    expect((await run('get-file big')).code).to.equal(0);
    expect(readFileSync(join(folder, 'big')).equals(bytes)).to.equal(true);
  });

  describe('shell from a pipe', () => {
    const shell = (lines: string[]): Promise<Ended> => run('shell', lines.join('\n') + '\n');

    it('does the verbs, the slides\u2019 mode names, quotes and options; a password is the next line', async () => {
      const result = await shell([
        'registration ada',
        'lovelace1',
        'login ada',
        'lovelace1',
        "send_post 'a  b'",
        'send-post',
        'asked for',
        'cnapp retrieve_last_10_posts -o json',
        '',
        'exit',
        'send-post never',
      ]);
      expect(result.code).to.equal(0);
      expect(fake.posts.map((post) => post.text)).to.deep.equal(['a  b', 'asked for']);
      expect(result.out).to.contain('"text": "asked for"');
    });

    it('goes on after a mistake; its exit code is that of the last command', async () => {
      const result = await shell(['nonsense', "'", 'whoami']);
      expect(result.code).to.equal(4);
      expect(result.err)
        .to.match(/unknown command 'nonsense'/)
        .and.match(/is closed by another one/);
      expect((await shell(['whoami', 'help'])).code).to.equal(0);
      expect((await shell(['help get-file'])).out).to.match(/^Examples:\n {2}cnapp get-file/);
    });

    it('keeps one connection for all its commands', async () => {
      await logIn();
      const before = fake.connections;
      expect((await shell(['send-post a', 'send-post b', 'last-posts -o name'])).out).to.equal('1\n2\n2\n1\n');
      expect(fake.connections - before).to.equal(1);
    });
  });
});

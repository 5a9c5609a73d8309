/** The process `cnapp`: its exit code, a reader that leaves early, Ctrl-C. */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, existsSync, mkdtempSync, openSync, readdirSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { formatGateway } from '../../../cli-client/core/gateways.ts';
import { FakeGateway } from './fake-gateway.ts';

const MAIN = resolve('cli-client/main.ts');

describe('cnapp: the process', function () {
  this.timeout(30_000);
  let fake: FakeGateway;
  let folder: string;

  before(async () => {
    fake = new FakeGateway();
    await fake.start();
    fake.addUser('ada', 'lovelace1');
    folder = mkdtempSync(join(tmpdir(), 'cnapp-test-'));
    expect((await run(['login', 'ada', '--password-stdin'], 'lovelace1\n')).code).to.equal(0);
  });
  after(async () => {
    await fake.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function start(words: string[]): ChildProcess {
    const env = { PATH: process.env['PATH'], HOME: folder, CNAPP_GATEWAY: formatGateway(fake.gateway) };
    // Not in its folder, where tsx would not be found.
    const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...words], { env });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => errors.set(child, (errors.get(child) ?? '') + text));
    return child;
  }
  const errors = new Map<ChildProcess, string>();

  async function run(words: string[], input: string): Promise<{ code: number | null; err: string }> {
    const child = start(words);
    child.stdout?.resume();
    child.stdin?.end(input);
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, err: errors.get(child) ?? '' };
  }

  it('ends with the exit code though its stdin stays open', async () => {
    const child = start(['whoami']);
    expect(((await once(child, 'exit')) as [number])[0]).to.equal(0);
  });

  it('ends quietly when its reader leaves early', async () => {
    fake.putFile('ada', 'big', Buffer.alloc(5_000_000));
    const child = start(['get-file', 'big', '--out', '-']);
    child.stdout?.once('data', () => child.stdout?.destroy());
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).to.equal(0);
    expect(errors.get(child) ?? '').to.equal('');
  });

  it('a full disk behind stdout is a sentence and exit code 1', async function () {
    if (!existsSync('/dev/full')) this.skip();
    const full = openSync('/dev/full', 'w');
    const env = { PATH: process.env['PATH'], HOME: folder };
    const child = spawn(process.execPath, ['--import', 'tsx', MAIN, 'whoami'], {
      env,
      stdio: ['ignore', full, 'pipe'],
    });
    let err = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (err += text));
    const [code] = (await once(child, 'close')) as [number];
    closeSync(full);
    expect(code).to.equal(1);
    expect(err).to.match(/^cnapp: stdout cannot be written: ENOSPC[^\n]*\n$/);
  });

  it('Ctrl-C, even twice: exit code 130, the partial file kept, how to go on', async () => {
    fake.putFile('ada', 'big', Buffer.alloc(5_000_000));
    const held = new Promise<void>((resolve) => {
      fake.fault = (request) => {
        if (request.name !== 'get_file_request' || request.fields.offset < 2_000_000) return 'none';
        resolve();
        return 'silent';
      };
    });
    const child = start(['get-file', 'big', '--out', folder]);
    await held;
    child.kill('SIGINT');
    child.kill('SIGINT');
    const [code] = (await once(child, 'close')) as [number];
    expect(code).to.equal(130);
    expect(errors.get(child)).to.match(/the same command goes on where it stopped/);
    expect(readdirSync(folder).filter((name) => name.endsWith('.part')).length).to.equal(1);
  });

  it('Ctrl-C ends one that writes into a pipe with a name, which waits for its reader', async function () {
    const pipe = join(folder, 'pipe');
    if (spawnSync('mkfifo', [pipe]).status !== 0) this.skip();
    fake.putFile('ada', 'big', Buffer.alloc(5_000_000));
    const asked = new Promise<void>((resolve) => {
      fake.fault = ({ name }) => {
        if (name === 'get_file_request') resolve();
        return 'none';
      };
    });
    const child = start(['get-file', 'big', '--out', pipe]);
    const ended = once(child, 'close');
    await asked;
    const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    while (readSome(reader) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill('SIGINT'); // and nobody reads on
    expect(await ended, errors.get(child)).to.deep.equal([130, null]);
    closeSync(reader);
  });
});

/** One byte, where there is one. */
function readSome(fd: number): number {
  try {
    return readSync(fd, Buffer.alloc(1));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
    throw error;
  }
}

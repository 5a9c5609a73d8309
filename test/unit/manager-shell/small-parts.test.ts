/** The small parts of the Manager's shell: records as text, lock, token, options, counting. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  chmodSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import fc from 'fast-check';
import { ownIdentity } from '../../../ssmmp/shell/process-identity.ts';
import type { ManagerEffect } from '../../../manager/core/effects.ts';
import type { ManagerInput } from '../../../manager/core/inputs.ts';
import { takeLock } from '../../../ssmmp/shell/process-lock.ts';
import { isAuthorized, operatorToken } from '../../../manager/shell/operator-token.ts';
import { readOptions } from '../../../manager/shell/options.ts';
import { recordText } from '../../../manager/shell/record-text.ts';
import { Traffic } from '../../../manager/shell/traffic.ts';

describe('the small parts of the Manager’s shell', function () {
  this.timeout(20_000);
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'ssmmp-parts-'))));
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  describe('a record as text', () => {
    it('is what JSON.stringify makes, in ASCII', function () {
      this.timeout(20_000);
      const line = fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.string(),
        fc.constantFrom('type: x ~ message_id: 1', 'a → b', '"→', '\\u2192'),
      );
      const inputs: fc.Arbitrary<ManagerInput> = fc.record({
        kind: fc.constant('line_received' as const),
        connection: fc.nat(),
        line,
        at: fc.nat(),
      });
      const effects: fc.Arbitrary<ManagerEffect> = fc.oneof(
        fc.record({ kind: fc.constant('send' as const), connection: fc.nat(), line }),
        fc.record({ kind: fc.constant('close' as const), connection: fc.nat(), why: line }),
        fc.record({
          kind: fc.constant('event' as const),
          event: fc.record({
            seq: fc.nat(),
            what: fc.constant('session' as const),
            text: line,
            data: fc.dictionary(
              fc.constantFrom('status', 'session', 'source_service_instance_id'),
              fc.oneof(line, fc.integer(), fc.double(), fc.boolean(), fc.constant(null)),
              { noNullPrototype: true },
            ),
          }),
        }),
      );
      fc.assert(
        fc.property(fc.nat(), inputs, fc.array(effects), (n, input, out) => {
          const text = recordText(n, input, out);
          expect(text).to.match(/^[\x00-\x7f]*$/);
          expect(JSON.stringify(JSON.parse(text))).to.equal(JSON.stringify({ n, in: input, out }));
        }),
      );
    });
  });

  describe('the lock', () => {
    const path = (): string => join(dir, 'manager.lock');

    it('is refused while its holder lives, in one sentence', () => {
      const first = takeLock(dir, 'manager', 'Manager');
      expect(first).to.deep.include({ ok: true, tookOver: false });
      const second = takeLock(dir, 'manager', 'Manager');
      expect(second).to.deep.include({ ok: false });
      expect(second)
        .to.have.property('problem')
        .that.matches(
          new RegExp(`^another Manager \\(process ${process.pid}\\) runs with .*: stop it with .*--state-dir`),
        );
      if (first.ok) first.release();
      expect(readdirSync(dir)).to.deep.equal([]);
      expect(takeLock(dir, 'manager', 'Manager')).to.deep.include({ ok: true });
    });

    it('is taken over when its process is gone', async () => {
      const child = spawn(process.execPath, ['-e', '']);
      await once(child, 'exit');
      writeFileSync(path(), JSON.stringify({ pid: child.pid, startTime: '1' }));
      expect(takeLock(dir, 'manager', 'Manager')).to.deep.include({ ok: true, tookOver: true });
      expect(readdirSync(dir)).to.deep.equal(['manager.lock']);
    });

    it('is taken over when the pid belongs to another process by now', function () {
      if (ownIdentity().startTime === null) return this.skip();
      writeFileSync(path(), JSON.stringify({ pid: process.pid, startTime: 'long ago' }));
      expect(takeLock(dir, 'manager', 'Manager')).to.deep.include({ ok: true, tookOver: true });
    });

    it('is taken over when it cannot be read', () => {
      writeFileSync(path(), '{"pid":');
      expect(takeLock(dir, 'manager', 'Manager')).to.deep.include({ ok: true, tookOver: true });
    });

    it('is not released by one who does not hold it', () => {
      const lock = takeLock(dir, 'manager', 'Manager');
      writeFileSync(path(), JSON.stringify({ pid: 1, startTime: '1' }));
      if (lock.ok) lock.release();
      expect(existsSync(path())).to.equal(true);
    });
  });

  describe('the operator’s token', () => {
    it('is made once, for its owner alone', function () {
      const token = operatorToken(dir);
      expect(token).to.match(/^[0-9a-f]{64}$/);
      expect(operatorToken(dir)).to.equal(token);
      const path = join(dir, 'operator-token');
      if (process.platform === 'win32') return this.skip();
      expect(statSync(path).mode & 0o777).to.equal(0o600);
      chmodSync(path, 0o644);
      expect(operatorToken(dir)).to.equal(token);
      expect(statSync(path).mode & 0o777).to.equal(0o600);
    });

    it('is made again when the file was cut off', () => {
      writeFileSync(join(dir, 'operator-token'), 'abc', { mode: 0o644 });
      const token = operatorToken(dir);
      expect(token).to.match(/^[0-9a-f]{64}$/);
      expect(readFileSync(join(dir, 'operator-token'), 'utf8').trim()).to.equal(token);
      if (process.platform !== 'win32') expect(statSync(join(dir, 'operator-token')).mode & 0o777).to.equal(0o600);
    });

    it('is compared whole', () => {
      const token = 'ab'.repeat(32);
      expect(isAuthorized(`Bearer ${token}`, token)).to.equal(true);
      expect(isAuthorized(`bearer  ${token}`, token)).to.equal(true);
      for (const wrong of [
        undefined,
        '',
        'Bearer',
        token,
        `Bearer ${token.slice(1)}`,
        `Bearer ${token}0`,
        `Basic ${token}`,
      ])
        expect(isAuthorized(wrong, token), String(wrong)).to.equal(false);
    });
  });

  describe('the command line', () => {
    const needed = ['--graph', 'g.yaml', '--address', '127.0.50.1', '--state-dir', 'd'];

    it('has defaults', () => {
      expect(readOptions(needed, {})).to.deep.equal({
        graphFile: 'g.yaml',
        mirror: null,
        address: '127.0.50.1',
        stateDir: 'd',
        port: 55555,
        operatorPort: 55570,
        dnsPort: 55557,
        portFirst: 54000,
        portLast: 55552,
        sharedAddress: false,
        strict: false,
        timerScale: 1,
        timerPreset: 'lab',
        flush: true,
      });
      expect(readOptions(needed, { SSMMP_TIMER_SCALE: '0.5' })).to.have.property('timerScale', 0.5);
    });

    it('says what is wrong with it', () => {
      const wrong: [string[], RegExp][] = [
        [[], /--graph, --address and --state-dir are needed/],
        [[...needed, '--address', 'localhost'], /--address localhost: expected an IPv4 or IPv6 literal/],
        [[...needed, '--port', '0'], /--port 0: expected a port/],
        [[...needed, '--dns-port', '65536'], /--dns-port 65536: expected a port/],
        [[...needed, '--ports', '9-8'], /--ports 9-8: expected two ports/],
        [[...needed, '--timer-scale', '0'], /--timer-scale 0: expected a number/],
        [[...needed, '--timers', 'fast'], /--timers fast: expected lab, nomad, kubernetes/],
        [[...needed, '--colour'], /--colour/],
        [[...needed, 'more'], /more/],
        [[...needed, '--shared-address', '--strict-1.1'], /R16/],
      ];
      for (const [args, sentence] of wrong) expect(readOptions(args, {})).to.match(sentence);
    });
  });

  describe('counting', () => {
    it('counts messages by type, and times exchanges by originator and id (R10)', () => {
      const timed: string[] = [];
      const traffic = new Traffic((type) => timed.push(type));
      const request = (instance: number): string =>
        `type: session_request ~ message_id: 1000 ~ sub_type: agent_to_Manager ~ source_service_name: a ~ source_service_instance_id: ${instance} ~ x: y`;
      const response = (instance: number): string =>
        `type: session_response ~ message_id: 1000 ~ sub_type: Manager_to_agent ~ source_service_name: a ~ source_service_instance_id: ${instance} ~ x: y`;
      traffic.count('received', request(1));
      traffic.count('received', request(2));
      traffic.count('sent', response(2));
      traffic.count('sent', response(2));
      expect(timed).to.deep.equal(['session_response']);
      traffic.count('sent', response(1));
      traffic.count('sent', 'type: agent_health_control_request ~ message_id: 30001');
      traffic.count('received', 'type: agent_health_control_response ~ message_id: 30001');
      expect(timed).to.deep.equal(['session_response', 'session_response', 'agent_health_control_response']);
      for (const garbage of ['', 'type: ', 'type: x ~ y', 'GET / HTTP/1.1']) traffic.count('received', garbage);
      expect([...traffic.counts()].map(({ type, direction, count }) => `${type} ${direction} ${count}`)).to.deep.equal([
        'session_request received 2',
        'session_response sent 3',
        'agent_health_control_request sent 1',
        'agent_health_control_response received 1',
        'unreadable received 4',
      ]);
    });

    it('R07 keeps numbers and not lines of 64 KiB for exchanges that nobody answers', () => {
      setFlagsFromString('--expose-gc');
      const gc = runInNewContext('gc') as () => void;
      const traffic = new Traffic(() => undefined);
      const ballast = 'x'.repeat(60_000);
      gc();
      const before = process.memoryUsage().heapUsed;
      for (let id = 1e15; id < 1e15 + 300; id += 1)
        for (const type of ['session_request', 'initiation_request'])
          traffic.count('received', line(`type: ${type} ~ message_id: ${id}${id} ~ source_service_instance_id: ${id}`));
      gc();
      expect(process.memoryUsage().heapUsed - before, '600 lines of 60 KB').to.be.lessThan(5_000_000);

      /** As it comes from a socket: one flat string. */
      function line(head: string): string {
        return Buffer.from(`${head} ~ ${ballast}`).toString('latin1');
      }
    });
  });
});

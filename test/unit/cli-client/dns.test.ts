/** The client finds gateways by name in the Manager's DNS, and others when they die: the true DNS server, fake gateways. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { UserClient } from '../../../cli-client/client.ts';
import { ClientClosed, connect, GatewayNotReached } from '../../../cli-client/client.ts';
import type { DnsHost } from '../../../manager/core/dns.ts';
import { DnsServer } from '../../../manager/shell/dns-server.ts';
import { cnapp, type Ended } from './command-line.ts';
import { FakeGateway } from './fake-gateway.ts';

const DNS = { address: '127.0.51.2', port: 55557 };
const NAME = { host: 'gateway.tiny.test', port: 8080 };

describe('cnapp: gateways found in the DNS', function () {
  this.timeout(20_000);
  let dns: DnsServer;
  /** What the DNS names: the last octets of gateways' addresses. */
  let named: number[];
  let gateways: FakeGateway[];
  const clients: UserClient[] = [];

  const dnsServer = (): DnsServer =>
    new DnsServer({
      ...DNS,
      timerScale: 1,
      zone: () => {
        const hosts = named.map((octet): DnsHost => ({
          name: `gate-${octet}.tiny.test`,
          type: 'A',
          address: `127.0.51.${octet}`,
        }));
        return { alias: NAME.host, domain: 'tiny.test', serial: 1, hosts };
      },
      troubled: (error) => {
        throw error;
      },
    });
  const gateway = async (octet: number): Promise<FakeGateway> => {
    const fake = new FakeGateway(`127.0.51.${octet}`);
    fake.port = NAME.port;
    await fake.start();
    gateways.push(fake);
    fake.addUser('bob');
    return fake;
  };
  const client = async (options: Parameters<typeof connect>[1] = {}): Promise<UserClient> => {
    const made = await connect(NAME, { dns: DNS, openMs: 1_000, repeatMs: 3_000, ...options });
    clients.push(made);
    return made;
  };
  const post = (from: UserClient, text: string): Promise<{ ok: boolean }> =>
    from.request('send_post_request', { token: 'token-of-bob', text });
  const failure = (asked: Promise<unknown>): Promise<Error> =>
    asked.then(
      () => new Error('it did not fail'),
      (error: Error) => error,
    );

  beforeEach(async () => {
    named = [21, 22];
    gateways = [];
    dns = dnsServer();
    await dns.listen();
  });
  afterEach(async () => {
    for (const one of clients.splice(0)) one.close();
    dns.stop();
    await Promise.all(gateways.map((fake) => fake.stop()));
  });

  it('clients are spread over the gateways', async () => {
    const [first, second] = [await gateway(21), await gateway(22)];
    for (let count = 0; count < 4; count += 1) expect(await post(await client(), 'x')).to.include({ ok: true });
    expect([first.connections, second.connections]).to.deep.equal([2, 2]);
  });

  it('a gateway dies: the other one is sent the same operations, though the DNS names both', async () => {
    const [first, second] = [await gateway(21), await gateway(22)];
    const one = await client();
    first.fault = () => 'cut_after';
    const asked = Array.from({ length: 5 }, (_, at) => post(one, `post ${at}`));
    await first.stop();
    for (const answer of await Promise.all(asked)) expect(answer).to.include({ ok: true });
    expect(second.posts.map(({ text }) => text)).to.deep.equal(['post 0', 'post 1', 'post 2', 'post 3', 'post 4']);
    const sentTwice = second.requests.slice(0, first.requests.length).map(({ operationId }) => operationId);
    expect(first.requests.map(({ operationId }) => operationId)).to.deep.equal(sentTwice);
  });

  it('one that is dead from the start is passed over', async () => {
    const second = await gateway(22);
    for (let count = 0; count < 3; count += 1) await client();
    expect(second.connections).to.equal(3);
  });

  it('looks again at each connection: a gateway that came later is found', async () => {
    named = [21];
    const first = await gateway(21);
    const one = await client();
    await post(one, 'x');
    named = [23];
    const third = await gateway(23);
    await first.stop();
    expect(await post(one, 'y')).to.include({ ok: true });
    expect(third.posts).to.have.length(1);
  });

  it('with one gateway, it waits until that one is back', async () => {
    named = [21];
    const first = await gateway(21);
    const one = await client();
    await first.stop();
    const asked = post(one, 'x');
    setTimeout(() => void first.start(), 300);
    expect(await asked).to.include({ ok: true });
  });

  it('waits until a gateway has a record at all', async () => {
    named = [];
    const first = await gateway(21);
    setTimeout(() => (named = [21]), 300);
    expect(await post(await client(), 'x')).to.include({ ok: true });
    expect(first.posts).to.have.length(1);
  });

  it('a DNS that is gone keeps nobody from the gateways it named', async () => {
    const [first, second] = [await gateway(21), await gateway(22)];
    const one = await client();
    await post(one, 'to the first');
    first.cut();
    await post(one, 'to the second, so both are known');
    expect([first.posts.length, second.posts.length]).to.deep.equal([1, 1]);
    dns.stop();
    second.cut();
    expect(await post(one, 'z')).to.include({ ok: true });
    dns = dnsServer();
    await dns.listen();
  });

  it('says which DNS does not know the name, or does not answer; close() ends a search', async () => {
    const unknown = await failure(connect({ host: 'nosuch.tiny.test', port: 8080 }, { dns: DNS, openMs: 200 }));
    expect(unknown).to.be.instanceOf(GatewayNotReached);
    expect(unknown.message).to.equal(
      'no gateway was reached at nosuch.tiny.test:8080 (DNS 127.0.51.2:55557): ' +
        'the DNS at 127.0.51.2:55557 knows no gateway of the name nosuch.tiny.test',
    );
    const nowhere = { address: '127.0.51.3', port: 55557 };
    const silent = await failure(connect(NAME, { dns: nowhere, openMs: 2_000 }));
    expect(silent.message).to.match(/the DNS at 127\.0\.51\.3:55557 does not answer \(E[A-Z]+\)$/);
    const abort = new AbortController();
    const searching = failure(connect(NAME, { dns: nowhere, openMs: 10_000, signal: abort.signal }));
    setTimeout(() => abort.abort(), 20);
    expect(await searching).to.be.instanceOf(ClientClosed);
  });

  it('a name that a guessed DNS does not know, or where it is gone, is left to the machine', async () => {
    const fake = new FakeGateway('127.0.0.1');
    await fake.start();
    gateways.push(fake);
    const target = { host: 'localhost', port: fake.port };
    for (const address of [DNS.address, '127.0.51.3'])
      clients.push(await connect(target, { dns: { ...DNS, address, isGuess: true }, openMs: 3_000 }));
    expect(fake.connections).to.equal(2);
    expect(await failure(connect(target, { dns: DNS, openMs: 200 }))).to.be.instanceOf(GatewayNotReached);
  });

  it('gateways that take connections and close them are not hammered', async () => {
    const [first, second] = [await gateway(21), await gateway(22)];
    for (const fake of [first, second]) fake.fault = () => 'cut_before';
    const one = await client({ repeatMs: 1_000 });
    expect(await failure(post(one, 'x'))).to.be.instanceOf(GatewayNotReached);
    expect(first.connections + second.connections).to.be.within(6, 20);
  });

  describe('the command line', () => {
    let folder: string;
    let env: Record<string, string>;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'cnapp-dns-'));
      env = { HOME: folder };
    });
    afterEach(() => rmSync(folder, { recursive: true, force: true }));

    const run = (words: string): Promise<Ended> => cnapp(words, { env, cwd: folder, stdin: 'password1\n' });

    it('--dns, CNAPP_DNS and the running cluster all know the alias', async () => {
      named = [21];
      await gateway(21);
      const login = 'login bob --password-stdin --gateway gateway.tiny.test';
      expect(await run(`${login} --dns 127.0.51.2:55557`)).to.include({ code: 0 });
      env['CNAPP_DNS'] = '127.0.51.2';
      expect(await run(login)).to.include({ code: 0 });
      env = { HOME: folder };
      mkdirSync(join(folder, '.ssmmp'));
      writeFileSync(join(folder, '.ssmmp', 'cluster.json'), JSON.stringify({ gateways: [], dns: DNS }));
      expect(await run(login)).to.include({ code: 0 });
    });

    it('what is wrong with it is said, with exit code 64', async () => {
      await gateway(21);
      await gateway(22);
      const login = 'login bob --password-stdin';
      for (const dnsText of ['localhost', '1:2', '127.0.51.2:0', ':::', '1::2::3']) {
        const { code, err } = await run(`${login} --gateway gateway.tiny.test --dns ${dnsText}`);
        expect(code, dnsText).to.equal(64);
        expect(err, dnsText).to.contain(dnsText);
      }
      const alone = await run(`${login} --dns 127.0.51.2`);
      expect(alone.code).to.equal(64);
      expect(alone.err).to.contain('--gateway gateway.social-media.test');
      env['CNAPP_GATEWAY'] = 'gateway.tiny.test';
      expect((await run(`${login} --dns 127.0.51.2`)).code).to.equal(0);
    });
  });
});

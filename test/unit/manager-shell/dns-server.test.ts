/** The Manager's DNS on real sockets: Node's resolver, raw UDP and TCP, dig; records that follow the gateways. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { Resolver } from 'node:dns/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { decode } from 'dns-packet';
import { pino } from 'pino';
import type { DnsZone } from '../../../manager/core/dns.ts';
import { CONNECTIONS_MAX, DnsServer, SILENT_MS } from '../../../manager/shell/dns-server.ts';
import { startManager, type RunningManager } from '../../../manager/shell/manager.ts';
import { DNS_PORT, lineOf, Peer, testGraph, testOptions, until } from './cluster.ts';
import { askUdp, codeOf, framed, queryBytes, TcpAsker } from './dns-client.ts';

const ADDRESS = '127.0.51.1';
const TIMER_SCALE = 0.1;
const ALIAS = 'gateway.tiny.test';

function resolverOf(address = ADDRESS, port = DNS_PORT): Resolver {
  const resolver = new Resolver({ timeout: 2_000, tries: 1 });
  resolver.setServers([`${address}:${port}`]);
  return resolver;
}

const codeOfFailure = (asked: Promise<unknown>): Promise<unknown> =>
  asked.then(
    (value) => value,
    (error: NodeJS.ErrnoException) => error.code,
  );

describe('the DNS server', function () {
  this.timeout(30_000);
  let zone: DnsZone;
  let server: DnsServer;
  let isBroken = false;
  const troubles: Error[] = [];
  const serverOn = (port: number): DnsServer =>
    new DnsServer({
      address: ADDRESS,
      port,
      timerScale: TIMER_SCALE,
      zone: () => {
        if (isBroken) throw new Error('a fault of the test');
        return zone;
      },
      troubled: (error) => troubles.push(error),
    });
  const askers: TcpAsker[] = [];
  const tcp = async (): Promise<TcpAsker> => {
    const asker = await TcpAsker.connect(ADDRESS, DNS_PORT);
    askers.push(asker);
    return asker;
  };

  beforeEach(async () => {
    zone = {
      alias: ALIAS,
      domain: 'tiny.test',
      serial: 1,
      hosts: [
        { name: 'gate-1.tiny.test', type: 'A', address: '127.0.51.11' },
        { name: 'gate-2.tiny.test', type: 'A', address: '127.0.51.12' },
        { name: 'gate-3.tiny.test', type: 'AAAA', address: 'fd00::13' },
      ],
    };
    server = serverOn(DNS_PORT);
    await server.listen();
  });
  afterEach(() => {
    for (const { socket } of askers.splice(0)) socket.destroy();
    server.stop();
    expect(troubles.splice(0)).to.deep.equal([]);
  });

  it('R23 Node’s resolver finds the alias, rotated, and the canonical names', async () => {
    const resolver = resolverOf();
    const found = [await resolver.resolve4(ALIAS), await resolver.resolve4(ALIAS), await resolver.resolve4(ALIAS)];
    expect(found).to.deep.equal([['127.0.51.11'], ['127.0.51.12'], ['127.0.51.11']]);
    expect(await resolver.resolve6(ALIAS)).to.deep.equal(['fd00::13']);
    expect(await resolver.resolveCname(ALIAS)).to.have.length(1);
    expect(await resolver.resolve4('GATE-2.tiny.test', { ttl: true })).to.deep.equal([
      { address: '127.0.51.12', ttl: 1 },
    ]);
    expect(await resolver.resolveSoa('tiny.test')).to.include({ nsname: 'tiny.test', minttl: 1 });
    expect(await codeOfFailure(resolver.resolve4('nosuch.tiny.test'))).to.equal('ENOTFOUND');
    expect(await codeOfFailure(resolver.resolve6('gate-1.tiny.test'))).to.equal('ENODATA');
  });

  it('answers many at once, each to the one who asked', async () => {
    const resolver = resolverOf();
    const found = await Promise.all(Array.from({ length: 200 }, () => resolver.resolve4(ALIAS)));
    expect(new Set(found.flat())).to.deep.equal(new Set(['127.0.51.11', '127.0.51.12']));
  });

  it('over TCP: several in one write, in halves, byte by byte; closes when the other end does', async () => {
    const asker = await tcp();
    const query = framed(queryBytes(ALIAS, 'A'));
    asker.socket.write(Buffer.concat([query, query, query.subarray(0, 5)]));
    await until(() => asker.messages.length === 2, 'two answers');
    asker.socket.setNoDelay(true);
    for (const byte of query.subarray(5)) asker.socket.write(Buffer.from([byte]));
    await until(() => asker.messages.length === 3, 'the third answer');
    for (const message of asker.messages) expect(decode(message).answers).to.have.length(2);
    asker.socket.end(query);
    await until(() => asker.isClosed, 'the end');
    expect(asker.messages).to.have.length(4);
    await until(() => server.connectionCount === 0, 'nothing left of the connection');
  });

  it('over TCP: a length that cannot be closes the connection, others do not notice', async () => {
    const other = await tcp();
    for (const length of [0, 11, 4097, 65_535]) {
      const asker = await tcp();
      const bytes = Buffer.alloc(2);
      bytes.writeUInt16BE(length);
      asker.socket.write(bytes);
      await until(() => asker.isClosed, `close after the length ${length}`);
      expect(asker.messages).to.deep.equal([]);
    }
    other.socket.write(framed(queryBytes(ALIAS, 'A')));
    await until(() => other.messages.length === 1, 'the answer');
  });

  it('over TCP: whoever is silent, or never finishes a message, is closed in time', async () => {
    const [silent, slow] = [await tcp(), await tcp()];
    const began = Date.now();
    const query = framed(queryBytes(ALIAS, 'A'));
    let sent = 0;
    const drip = setInterval(() => slow.socket.write(query.subarray(sent, (sent += 1))), 100);
    await until(() => silent.isClosed && slow.isClosed, 'both closed');
    clearInterval(drip);
    expect(Date.now() - began).to.be.at.least(SILENT_MS * TIMER_SCALE - 50);
    expect(slow.messages).to.deep.equal([]);
  });

  it('over TCP: idle connections keep nobody out', async () => {
    const first = await tcp();
    const second = await tcp();
    for (let count = 2; count < CONNECTIONS_MAX; count += 1) await tcp();
    first.socket.write(framed(queryBytes(ALIAS, 'A')));
    await until(() => first.messages.length === 1, 'an answer');
    const late = await tcp();
    late.socket.write(framed(queryBytes(ALIAS, 'A')));
    await until(() => late.messages.length === 1, 'an answer to the newest');
    await until(() => second.isClosed, 'close of the one that was silent longest');
    expect(first.isClosed).to.equal(false);
    expect(server.connectionCount).to.equal(CONNECTIONS_MAX);
  });

  it('over TCP: whoever asks and never reads is closed', async () => {
    const asker = await tcp();
    asker.socket.pause();
    const query = framed(queryBytes(ALIAS, 'A'));
    const many = Buffer.concat(Array.from({ length: 2_000 }, () => query));
    const pump = setInterval(() => asker.socket.writableLength < 1e6 && asker.socket.write(many), 5);
    try {
      await until(() => server.connectionCount === 0, 'close of the connection', 20_000);
    } finally {
      clearInterval(pump);
    }
  });

  it('bad packets: no answer or FORMERR, and it goes on answering', async () => {
    const bad = queryBytes(ALIAS, 'A').subarray(0, 20);
    expect(codeOf(decode((await askUdp(ADDRESS, DNS_PORT, bad)) as Buffer))).to.equal(1);
    for (const silent of [Buffer.alloc(0), Buffer.from('hello'), Buffer.alloc(500, 0xff)])
      expect(await askUdp(ADDRESS, DNS_PORT, silent, 100)).to.equal(null);
    expect(await resolverOf().resolve4(ALIAS)).to.have.length(1);
  });

  it('an answer that cannot be made is told, and the next one is', async () => {
    isBroken = true;
    expect(await askUdp(ADDRESS, DNS_PORT, queryBytes(ALIAS, 'A'), 100)).to.equal(null);
    expect(troubles.splice(0).map(({ message }) => message)).to.deep.equal(['a fault of the test']);
    isBroken = false;
    expect(await resolverOf().resolve4(ALIAS)).to.have.length(1);
  });

  it('a port that is taken, over TCP alone too, is refused and leaves nothing open', async () => {
    const port = DNS_PORT + 1;
    const listener = createServer();
    await new Promise<void>((resolve) => listener.listen({ host: ADDRESS, port }, resolve));
    const again = serverOn(port);
    expect(await codeOfFailure(again.listen())).to.equal('EADDRINUSE');
    await new Promise((resolve) => listener.close(resolve));
    const third = serverOn(port);
    await third.listen();
    third.stop();
  });

  const hasDig = spawnSync('dig', ['-v']).status === 0;
  it(`dig finds the same over UDP and TCP${hasDig ? '' : ' (skipped: dig is not installed; Debian has it in bind9-dnsutils)'}`, async function () {
    if (!hasDig) return this.skip();
    const dig = async (...args: string[]): Promise<string> => {
      const { stdout } = await promisify(execFile)('dig', [
        `@${ADDRESS}`,
        '-p',
        String(DNS_PORT),
        '+time=2',
        '+tries=1',
        ...args,
      ]);
      return stdout;
    };
    for (const transport of ['+notcp', '+tcp']) {
      const answer = await dig(transport, ALIAS, 'A');
      expect(answer)
        .to.match(/status: NOERROR/)
        .and.match(/flags: qr aa rd;/);
      expect(answer).to.match(/^gateway\.tiny\.test\.\s+1\s+IN\s+CNAME\s+gate-[12]\.tiny\.test\.$/m);
      expect(answer).to.match(/^gate-([12])\.tiny\.test\.\s+1\s+IN\s+A\s+127\.0\.51\.1\1$/m);
      expect(answer).not.to.match(/WARNING: Message parser reports malformed/);
      expect(await dig(transport, 'nosuch.tiny.test', 'A'))
        .to.match(/status: NXDOMAIN/)
        .and.match(/\sSOA\s/);
    }
    expect(await dig('+short', 'gate-3.tiny.test', 'AAAA')).to.equal('fd00::13\n');
    expect(await dig('gate-1.tiny.test', 'HTTPS'))
      .to.match(/status: NOERROR/)
      .and.match(/ANSWER: 0, AUTHORITY: 1/);
    expect(await dig('+opcode=NOTIFY', ALIAS, 'A')).to.match(/status: NOTIMP/);
    expect(await dig('-c', 'CH', 'version.bind', 'TXT')).to.match(/status: REFUSED/);
    expect(await dig('+edns=1', '+noednsnegotiation', ALIAS, 'A')).to.match(/status: BADVERS/);
    const rotated = (await dig('+short', ALIAS, 'A', ALIAS, 'A')).match(/^127.*$/gm);
    expect(new Set(rotated)).to.deep.equal(new Set(['127.0.51.11', '127.0.51.12']));
  });
});

describe('the Manager’s DNS', function () {
  this.timeout(20_000);
  const stateDir = mkdtempSync(join(tmpdir(), 'ssmmp-dns-'));
  let manager: RunningManager;
  const peers: Peer[] = [];
  before(async () => {
    manager = await startManager(testOptions(ADDRESS, stateDir), {
      graph: testGraph(),
      log: pino({ level: 'silent' }),
    });
  });
  after(async () => {
    for (const { socket } of peers) socket.destroy();
    await manager.stop();
    rmSync(stateDir, { recursive: true, force: true });
  });

  it('R23 a record comes with its gateway, goes with it, and both ports close with the Manager', async () => {
    const resolver = resolverOf();
    expect(await codeOfFailure(resolver.resolve4(ALIAS))).to.equal('ENOTFOUND');
    const address = '127.0.51.11';
    const agent = await Peer.connect(ADDRESS, address);
    peers.push(agent);
    agent.say(
      `type: initiation_request ~ message_id: 1 ~ agent_network_address: ${address} ~ service_repository: (gate, store)`,
    );
    let gate = '';
    for (let count = 0; count < 2; count += 1) {
      const start = await agent.hear('execution_request');
      agent.say(`type: execution_response ~ message_id: ${lineOf(start, 'message_id')} ~ status: 200`);
      if (lineOf(start, 'service_name') === 'gate') gate = lineOf(start, 'service_instance_id');
    }
    const name = `gate-${gate}.tiny.test`;
    await until(async () => (await codeOfFailure(resolver.resolve4(name))) !== 'ENOTFOUND', 'the record');
    expect(await resolver.resolveCname(ALIAS)).to.deep.equal([name]);
    expect(await resolver.resolve4(ALIAS)).to.deep.equal([address]);

    agent.say(
      `type: service_instance_termination_info ~ message_id: 5 ~ sub_type: agent_to_Manager ~ service_name: gate ~ service_instance_id: ${gate} ~ service_instance_network_address: ${address} ~ x_exit: signal SIGKILL`,
    );
    await until(async () => (await codeOfFailure(resolver.resolve4(name))) === 'ENOTFOUND', 'the end of the record');
    await manager.stop();
    const free = new DnsServer({
      address: ADDRESS,
      port: DNS_PORT,
      timerScale: 1,
      zone: () => null,
      troubled: () => undefined,
    });
    await free.listen();
    expect(await codeOfFailure(resolver.resolve4(ALIAS))).to.equal('ENOTFOUND');
    free.stop();
  });
});

/**
 * Everything that a stranger can do with a socket to the ports of a cluster (but for the users', see bad-users.test.ts):
 * it gets the documented status or is closed within the named limit, a user notices nothing, memory stays bounded,
 * nobody dies.
 *
 * What takes its time (half a line, silence) is begun first and looked at last.
 */
import { createSocket } from 'node:dgram';
import { expect } from 'chai';
import WebSocket from 'ws';
import { SILENT_MS } from '../../manager/shell/dns-server.ts';
import { HEAD_MS } from '../../manager/shell/operator-port.ts';
import { HALF_LINE_MS as SERVICE_HALF_LINE_MS } from '../../services/kit/shell/listener.ts';
import { HALF_LINE_MS } from '../../services/protocols/user.ts';
import { DEFAULT_TIMERS } from '../../ssmmp/core/timers.ts';
import { until } from './cluster.ts';
import { crowd, flood, openFilesMax, Stranger, type Place } from './hostile.ts';
import { sleep } from './plain-user.ts';
import { NOTICED_MS, Siege } from './siege.ts';

const SUBNET = '127.0.54';
/** An address of this machine that is no node's. */
const ROGUE = `${SUBNET}.99`;
const DNS_PORT = 55557;
/** Timers of the other side may be late, and its machine busy. */
const SLACK_MS = 6000;
const MB = 1024 * 1024;
const GARBAGE: Readonly<Record<string, Buffer>> = {
  'binary garbage': Buffer.from(Array.from({ length: 3000 }, (_, at) => (at * 89 + (at >> 3)) % 256)),
  'empty lines': Buffer.from('\n'.repeat(50)),
  'control characters': Buffer.from('\0\x1b[2J\x1b]0;owned\x07\n'.repeat(5)),
  'UTF-8': Buffer.from('type: initiation_request ~ message_id: 1 ~ agent_network_address: 127.0.0.1é\n'.repeat(3)),
  HTTP: Buffer.from('GET / HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n'),
  JSON: Buffer.from('{"type":"initiation_request"}\n'.repeat(3)),
  'the other protocol': Buffer.from('Type: login_request ~ Message_id: 1 ~ Line_1: a ~ Line_2: b\n'.repeat(3)),
};

describe('bad input at the ports of a cluster', function () {
  this.timeout(60_000);
  let siege: Siege;
  const slow: { what: string; stranger: Stranger; limitMs: number }[] = [];

  before(async () => {
    siege = await Siege.start(SUBNET);
    await beginSlowly();
  });
  after(() => siege.stop());
  afterEach(() => expect(siege.witness.complaints(NOTICED_MS), 'the user noticed').to.deep.equal([]));

  const open = ({ host, port }: Place, from?: string): Promise<Stranger> => Stranger.open(host, port, from);

  /** Half of something, and then nothing: each is closed within its limit, which is looked at in the end. */
  async function beginSlowly(): Promise<void> {
    const half = 'type: initiation_request ~ message_id: 1 ~ agent_netw';
    const userHalf = 'Type: login_request ~ Message_id: 1 ~ Li';
    const { manager, agent, port, gateway } = siege;
    const { unidentifiedMs } = DEFAULT_TIMERS;
    // A service looks at its connections three times within the limit, so that one may be a third late.
    const serviceMs = (SERVICE_HALF_LINE_MS * 4) / 3;
    for (const [what, place, text, limitMs] of [
      ['nothing at 55555', manager, '', DEFAULT_TIMERS.unregisteredMs],
      ['half a message at 55555', manager, half, DEFAULT_TIMERS.unregisteredMs],
      ['nothing at 55556', agent, '', unidentifiedMs],
      ['half a message at 55556', agent, half, unidentifiedMs],
      ['nothing at 55570', port, '', HEAD_MS],
      ['half a head at 55570', port, 'GET /livez HTTP/1.1\r\nHo', HEAD_MS],
      ['nothing at 55557', { host: manager.host, port: DNS_PORT }, '', SILENT_MS],
      ['half a question at 55557', { host: manager.host, port: DNS_PORT }, '\0\x20\x12\x34', SILENT_MS],
      ['half a line at 8080', gateway, userHalf, HALF_LINE_MS],
      ['half a line at a service', siege.socket('post'), userHalf, serviceMs],
    ] as const) {
      slow.push({ what, stranger: (await open(place)).write(text), limitMs });
      if (text === '' || place.port === DNS_PORT) continue;
      const dripping = (await open(place)).write(text);
      slow.push({ what: `${what}, a character a second`, stranger: dripping, limitMs });
      const timer = setInterval(() => dripping.write('x'), 1000);
      dripping.socket.on('close', () => clearInterval(timer));
    }
  }

  /** A request for a session as it is said on the way to the Manager or to an agent. */
  function sessionRequest(to: 'Manager' | 'agent', instance: number, hop?: string): string {
    const row = siege.instances.find(({ service_instance_id }) => service_instance_id === instance);
    const subType = hop ?? (to === 'agent' ? 'service_to_agent' : 'agent_to_Manager');
    return (
      `type: session_request ~ message_id: 1000 ~ sub_type: ${subType} ~ source_service_name: ${row?.service_name ?? 'post'}` +
      ` ~ source_service_instance_id: ${instance}` +
      ` ~ source_service_instance_network_address: ${row?.service_instance_network_address ?? siege.agent.host}` +
      ` ~ source_plug_name: posts-plug ~ dest_service_name: posts-db ~ dest_socket_name: posts-socket`
    );
  }

  for (const name of ['Manager', 'agent'] as const) {
    describe(`SSMMP, the port of the ${name}`, () => {
      const place = (): Place => (name === 'Manager' ? siege.manager : siege.agent);

      for (const [what, bytes] of Object.entries(GARBAGE))
        it(`R03 ${what}: closed at the third line`, async () => {
          await (await open(place())).write(bytes).closed(what, NOTICED_MS);
        });

      it('R07 closed at 64 KiB and 1, and at a line of 100 MB after little of it', async () => {
        await (await open(place())).write(`${'x'.repeat(64 * 1024 + 1)}\n`).closed('64 KiB and 1', NOTICED_MS);
        const endless = await open(place());
        for (let mb = 0; mb < 100 && endless.closedAfterMs === null; mb += 1) {
          endless.write('x'.repeat(MB));
          await sleep(1);
        }
        await endless.closed('a line of 100 MB', NOTICED_MS);
        expect(endless.socket.bytesWritten - endless.socket.writableLength).to.be.lessThan(30 * MB);
      });

      it('R01 R38 a message byte by byte, for an instance that is not there: 409', async () => {
        const stranger = await open(place());
        for (const byte of sessionRequest(name, 99)) {
          stranger.write(byte);
          await new Promise((resolve) => setImmediate(resolve));
        }
        expect(await stranger.write('\n').hears(/\n/)).to.match(/^type: session_response .* ~ status: 409\n/);
        stranger.gone();
      });

      it('R03 the wrong hop is 400; it counts, as answers do that nobody asked for', async () => {
        const wrongHop = name === 'Manager' ? 'service_to_agent' : 'agent_to_Manager';
        const stranger = (await open(place())).write(`${sessionRequest(name, 99, wrongHop)}\n`);
        await stranger.hears(/^type: session_response .* ~ status: 400\n/);
        for (const type of ['graceful_shutdown_response', 'hard_shutdown_response'])
          stranger.write(`type: ${type} ~ message_id: 30000 ~ service_instance_id: 1 ~ status: 200\n`);
        await stranger.closed('the wrong hop', NOTICED_MS);
      });

      it('connections opened and reset, five hundred times', async () => {
        for (let round = 0; round < 5; round += 1) (await crowd(place(), 100, 'type: ini')).leave();
        const after = (await open(place())).write(`${sessionRequest(name, 99)}\n`);
        await after.hears(/status: 409/);
        after.gone();
      });
    });
  }

  describe('SSMMP, who is who', () => {
    const initiation = (address: string): string =>
      `type: initiation_request ~ message_id: 1 ~ agent_network_address: ${address} ~ service_repository: ()\n`;

    it('R17 R48 an agent that claims an address: 403 from elsewhere, 409 while its agent lives', async () => {
      const elsewhere = (await open(siege.manager, ROGUE)).write(initiation(siege.agent.host));
      await elsewhere.hears(/^type: initiation_response ~ message_id: 1 ~ status: 403/);
      const second = (await open(siege.manager, siege.agent.host)).write(initiation(siege.agent.host));
      await second.hears(/^type: initiation_response ~ message_id: 1 ~ status: 409/);
      for (const stranger of [elsewhere, second]) stranger.gone();
    });

    it('R11 R38 an agent of its own: what it says of others’ instances is 409 or nothing', async () => {
      const rogue = (await open(siege.manager, ROGUE)).write(initiation(ROGUE));
      await rogue.hears(/^type: initiation_response ~ message_id: 1 ~ status: 200/);
      for (const {
        service_instance_id: id,
        service_name: name,
        service_instance_network_address: at,
      } of siege.instances) {
        rogue.write(`${sessionRequest('Manager', id)}\n`);
        for (const text of [
          `service_instance_termination_info ~ message_id: 5 ~ sub_type: agent_to_Manager ~ service_name: ${name} ~ service_instance_id: ${id} ~ service_instance_network_address: ${at}`,
          `service_instance_health_response ~ message_id: 30001 ~ sub_type: agent_to_Manager ~ service_instance_id: ${id} ~ status: 404`,
          `execution_response ~ message_id: ${30000 + id} ~ status: 500`,
          `hard_shutdown_response ~ message_id: ${30000 + id} ~ service_instance_id: ${id} ~ status: 200`,
        ])
          rogue.write(`type: ${text}\n`);
      }
      const answers = (): number => rogue.received.match(/type: session_response [^\n]* ~ status: 409/g)?.length ?? 0;
      await until('an answer each', () => answers() === siege.instances.length);
      rogue.write(`${sessionRequest('Manager', 1)}\n`.repeat(5000));
      await until('a flood of requests is answered', () => / message_id: 1000 /.test(rogue.received));
      rogue.gone();
    });

    it('R25 whoever names a live instance, or comes from elsewhere, is refused and closed', async () => {
      const here = siege.instances.filter((row) => row.service_instance_network_address === siege.agent.host);
      expect(here.map(({ service_name }) => service_name)).to.include('api-gateway');
      for (const { service_instance_id: id } of here) {
        const second = (await open(siege.agent, siege.agent.host)).write(`${sessionRequest('agent', id)}\n`);
        await second.hears(/^type: session_response .* ~ status: 409\n/);
        await second.closed('a second connection of an instance', NOTICED_MS);
      }
      await (await open(siege.agent, ROGUE)).closed('one from another address', NOTICED_MS);
    });
  });

  describe('the socket of a service', () => {
    for (const service of ['post', 'posts-db', 'users-db', 'file-store']) {
      it(`of ${service}: garbage is 400 and closed; too long, never ending: closed`, async () => {
        const place = siege.socket(service);
        for (const [what, bytes] of Object.entries(GARBAGE)) {
          if (what === 'the other protocol') continue; // it is this one
          const stranger = (await open(place)).write(bytes);
          await stranger.closed(what, NOTICED_MS);
          expect(stranger.received).to.match(/^Type: error_response ~ Message_id: 0 ~ Status: 400 /);
        }
        await (await open(place)).write('x'.repeat(MB)).closed('a line of 1 MB', NOTICED_MS);
        const unknown = (await open(place)).write('Type: nonsense_request ~ Message_id: 7 ~ A: b\n');
        await unknown.hears(/^Type: nonsense_response ~ Message_id: 7 ~ Status: 400 /);
        const empty = (await open(place)).write('Type: append_post_request ~ Message_id: 8 ~ User: %zz\n');
        await empty.hears(/ ~ Message_id: 8 ~ Status: 400 /);
        for (const stranger of [unknown, empty]) stranger.gone();
        for (let round = 0; round < 3; round += 1) (await crowd(place, 50, 'Type: ')).leave();
      });
    }
  });

  describe('the operator port', () => {
    it('SSMMP and garbage: 400 and closed', async () => {
      for (const bytes of [GARBAGE['the other protocol'], GARBAGE['binary garbage'], 'POST / HTTP/9.9\r\n\r\n']) {
        const stranger = (await open(siege.port)).write(bytes as Buffer | string);
        await stranger.closed('no HTTP', NOTICED_MS);
        expect(stranger.received).to.match(/^HTTP\/1\.1 400 /);
      }
      const endless = await open(siege.port);
      endless.write(`GET /${'x'.repeat(MB)}`);
      await endless.closed('a head that does not end', NOTICED_MS);
      expect(endless.received).to.match(/^HTTP\/1\.1 431 /);
    });

    it('no token, a wrong one, another host, another origin: 401 and 403, on every path and for watchers', async () => {
      const { host, port } = siege.port;
      const ask = async (path: string, headers: Record<string, string>): Promise<number> =>
        (await fetch(`http://${host}:${port}${path}`, { headers })).status;
      for (const path of ['/v1/nodes', '/v1/commands', '/v1/trace', '/../../etc/passwd', '/v1/%2e%2e/nodes']) {
        expect(await ask(path, {}), path).to.equal(401);
        expect(await ask(path, { authorization: `Bearer ${'0'.repeat(64)}` }), path).to.equal(401);
        expect(await ask(path, { origin: 'http://evil.example' }), path).to.equal(403);
      }
      const rebound = (await open(siege.port)).write('GET /v1/nodes HTTP/1.1\r\nHost: evil.example:55570\r\n\r\n');
      await rebound.hears(/^HTTP\/1\.1 403 /);
      rebound.gone();
      const watcher = new WebSocket(`ws://${host}:${port}/v1/events`);
      const why = await new Promise<string>((resolve) => watcher.on('error', (error) => resolve(error.message)));
      expect(why).to.include('401');
    });

    it('huge, deep and strange JSON from somebody who has the token: 400 or 413', async () => {
      const { base, headers } = siege.operator as unknown as { base: string; headers: Record<string, string> };
      const post = async (body: string): Promise<number> =>
        (await fetch(`${base}/commands`, { method: 'POST', headers, body })).status;
      const deep = '['.repeat(500_000);
      expect(await post(deep)).to.equal(400);
      expect(await post(deep + ']'.repeat(500_000))).to.equal(400);
      expect(await post(`{"command":"stop","instance":${deep}${']'.repeat(500_000)}}`)).to.equal(400);
      expect(await post('{"command":"stop","instance":{"__proto__":{"x":1}}}')).to.equal(400);
      expect(await post('{"command":"__proto__"}')).to.equal(400);
      expect(await post(`{"command":"stop","instance":"${'9'.repeat(1000)}"}`)).to.be.oneOf([400, 404]);
      for (const text of [deep, '{'.repeat(500_000), 'a: &a [*a, *a]', bomb(), '\0'])
        expect(await post(JSON.stringify({ command: 'apply', file: 'x.yaml', text, dry_run: true }))).to.equal(400);
      expect(await post(`{"command":"${'x'.repeat(3 * MB)}"}`)).to.equal(413);
    });

    /** Ten aliases of ten aliases of …: a gigabyte once it is unfolded. */
    function bomb(): string {
      const lines = Array.from({ length: 10 }, (_, at) => `a${at + 1}: &a${at + 1} [${`*a${at}, `.repeat(10)}]`);
      return ['a0: &a0 x', ...lines, 'services: *a10'].join('\n');
    }
  });

  it('DNS: packets that are none get FORMERR or nothing, and the next is answered', async () => {
    const { host } = siege.manager;
    const socket = createSocket('udp4');
    const send = (bytes: Buffer): void => socket.send(bytes, DNS_PORT, host);
    for (let length = 0; length < 600; length += 7) send(Buffer.alloc(length, 0xc0));
    const looping = Buffer.from('000101000001000000000000c00c00010001', 'hex'); // a name that points to itself
    send(looping);
    const name = Buffer.from('\x07gateway\x0csocial-media\x04test\0', 'latin1');
    const question = Buffer.concat([
      Buffer.from('beef01000001000000000000', 'hex'),
      name,
      Buffer.from('00010001', 'hex'),
    ]);
    const answered = new Promise<void>((resolve) =>
      socket.on('message', (bytes) => void (bytes.readUInt16BE(0) === 0xbeef && resolve())),
    );
    send(question);
    await answered;
    socket.close();
    await (await open({ host, port: DNS_PORT })).write('\xff\xff'.repeat(100)).closed('no DNS', NOTICED_MS);
  });

  describe('when all of it has come', () => {
    it('silence and half a message were closed, each within its limit', () =>
      closedInTime((limitMs) => limitMs < 20_000));

    it('crowds that say nothing, and floods of garbage on all ports at once, keep nobody out', async () => {
      const { manager, agent, port, gateway } = siege;
      const service = siege.socket('posts-db');
      const many = Math.min(3000, Math.floor((openFilesMax() - 1000) / 4));
      const crowds = [
        await crowd(manager, many),
        await crowd(agent, many),
        await crowd(service, many),
        await crowd(port, 300),
      ];
      expect((await siege.cluster.ssmmp('get', 'nodes')).code, 'the operator gets in').to.equal(0);
      const seen = siege.witness.requests;
      expect(await flood([manager, agent, service, gateway, port], 40, 2500)).to.be.greaterThan(10 * MB);
      expect(siege.witness.requests - seen, 'requests meanwhile').to.be.greaterThan(10);
      for (const one of crowds) one.leave();
      expect(await siege.damage(ROGUE)).to.deep.equal([]);
    });

    it('nothing that strangers said reaches the terminal of an operator as it came', async () => {
      for (const args of [['events'], ['trace'], ['logs']]) {
        const { code, out } = await siege.cluster.ssmmp(...args);
        expect(code).to.equal(0);
        expect(out).to.not.match(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
      }
    });

    it('half a line was closed, within its limit', () => closedInTime(() => true));

    it('everything runs as before', async () => {
      expect(await siege.damage(ROGUE)).to.deep.equal([]);
      const pids = (await siege.operator.on()).map(({ pid }) => pid);
      expect(pids).to.include.members(siege.instances.map(({ pid }) => pid));
      await siege.memoryIsBounded();
    });

    async function closedInTime(isDue: (limitMs: number) => boolean): Promise<void> {
      for (const { what, stranger, limitMs } of slow) {
        if (!isDue(limitMs)) continue;
        const afterMs = await stranger.closed(what, limitMs + SLACK_MS);
        expect(afterMs, what).to.be.within(limitMs * 0.5, limitMs + SLACK_MS);
      }
    }
  });
});

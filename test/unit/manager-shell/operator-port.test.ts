/** The operator port: who may ask, what bad input gets, and that a slow reader costs nobody else anything. */
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { expect } from 'chai';
import WebSocket from 'ws';
import { OPERATOR_CONNECTIONS_MAX } from '../../../manager/shell/operator-port.ts';
import { BODY_BYTES_MAX, type ErrorBody } from '../../../manager/shell/http-replies.ts';
import type { TimedEvent, TraceEntry } from '../../../manager/shell/history.ts';
import { STALLED_MS } from '../../../manager/shell/event-stream.ts';
import { HEAD_MS, ROUTES_TESTED } from './routes.ts';
import { lineOf, OPERATOR_PORT, SUBNET, TestManager, until } from './cluster.ts';

describe('the operator port', function () {
  this.timeout(20_000);
  const cluster = new TestManager(1);
  before(() => cluster.start());
  after(() => cluster.remove());

  /** A request with exactly these headers, and the host of our choosing. */
  function raw(path: string, headers: Record<string, string>): Promise<number> {
    return new Promise((resolve, reject) => {
      const request = httpRequest({ host: cluster.address, port: OPERATOR_PORT, path, headers }, (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      });
      request.on('error', reject);
      request.end();
    });
  }

  function watch(query = '', headers: Record<string, string> = {}): { socket: WebSocket; events: TimedEvent[] } {
    const socket = new WebSocket(`ws://${cluster.address}:${OPERATOR_PORT}/v1/events${query}`, {
      headers: { authorization: `Bearer ${cluster.token}`, ...headers },
    });
    const events: TimedEvent[] = [];
    socket.on('message', (data: Buffer) => events.push(JSON.parse(data.toString()) as TimedEvent));
    socket.on('error', () => undefined);
    return { socket, events };
  }

  describe('asks who it is', () => {
    it('answers /livez, /readyz and /metrics to anybody', async () => {
      expect((await cluster.ask('/livez', { headers: {} })).status).to.equal(200);
      const ready = await cluster.ask('/readyz', { headers: {} });
      expect(ready.status).to.equal(503);
      expect((ready.body as ErrorBody).message).to.contain('gateway gate has 0 of 1 instances on');
      const metrics = await cluster.ask('/metrics', { headers: {} });
      expect(metrics.body as string).to.contain('ssmmp_instances{service="gate",status="on"} 0');
    });

    it('answers nothing else without the token', async () => {
      for (const path of [...ROUTES_TESTED, '/v1/nope', '/']) {
        for (const authorization of ['', 'Bearer wrong', `Bearer ${'0'.repeat(64)}`]) {
          const { status, body, headers } = await cluster.ask(path, { headers: { authorization } });
          expect([path, status]).to.deep.equal([path, 401]);
          expect(body as ErrorBody).to.deep.include({ status: 401 });
          expect((body as ErrorBody).message).to.contain('operator-token');
          expect(headers.get('www-authenticate')).to.equal('Bearer');
        }
      }
    });

    it('answers lists with it', async () => {
      for (const path of ROUTES_TESTED) expect([path, (await cluster.ask(path)).status]).to.deep.equal([path, 200]);
      expect((await cluster.ask('/v1/instances')).body).to.be.an('array');
      expect((await cluster.ask('/v1/nodes?all=true')).body).to.deep.equal([]);
      expect((await cluster.ask('/v1/graph')).body).to.have.property('cnapp', 'tiny');
    });

    it('R46 lists the timers as they are, each with what it is for', async () => {
      const rows = (await cluster.ask('/v1/timers')).body as Record<string, unknown>[];
      expect(rows.find(({ name }) => name === 'lostMs')).to.deep.equal({
        name: 'lostMs',
        ms: 5000,
        preset: 'lab',
        preset_ms: 5000,
        lab_ms: 5000,
        factor: 1,
        meaning: 'No answer of an agent for this long: lost, its instances may be replaced.',
      });
    });

    it('refuses what a page of another site could send', async () => {
      const authorization = `Bearer ${cluster.token}`;
      const own = `${cluster.address}:${OPERATOR_PORT}`;
      expect(await raw('/v1/nodes', { authorization, host: own })).to.equal(200);
      expect(await raw('/v1/nodes', { authorization, host: own, origin: `http://${own}` })).to.equal(200);
      expect(await raw('/v1/nodes', { authorization, host: `127.0.0.1:${OPERATOR_PORT}` })).to.equal(200);
      for (const host of ['evil.example', `evil.example:${OPERATOR_PORT}`, '10.0.0.1', 'localhost'])
        expect([host, await raw('/livez', { host })]).to.deep.equal([host, 403]);
      for (const origin of ['http://evil.example', 'null', `http://127.0.0.1:3000`, `https://${own}`])
        expect([origin, await raw('/livez', { host: own, origin })]).to.deep.equal([origin, 403]);
    });

    it('asks watchers of the events the same', async () => {
      const answers = async (headers: Record<string, string>, path = ''): Promise<number> => {
        const { socket } = watch(path, headers);
        return new Promise((resolve) => {
          socket.on('open', () => {
            socket.terminate();
            resolve(101);
          });
          socket.on('unexpected-response', (request, response) => {
            request.destroy();
            resolve(response.statusCode ?? 0);
          });
        });
      };
      expect(await answers({})).to.equal(101);
      expect(await answers({ authorization: 'Bearer wrong' })).to.equal(401);
      expect(await answers({ origin: 'http://evil.example' })).to.equal(403);
      expect(await answers({}, '?since=soon')).to.equal(400);
    });
  });

  describe('takes bad input', () => {
    const post = (body: string | Uint8Array<ArrayBuffer>): ReturnType<TestManager['ask']> =>
      cluster.ask('/v1/commands', { method: 'POST', body, headers: { authorization: `Bearer ${cluster.token}` } });

    it('answers 404 and 405 with what there is', async () => {
      const missing = await cluster.ask('/v1/pods');
      expect([missing.status, (missing.body as ErrorBody).message]).to.deep.equal([
        404,
        'no path /v1/pods; there are /livez, /readyz, /metrics, /v1/nodes, /v1/services, /v1/instances, /v1/sessions, /v1/gateways, /v1/timers, /v1/graph, /v1/events, /v1/trace, /v1/commands',
      ]);
      const wrong = await cluster.ask('/v1/nodes', {
        method: 'DELETE',
        headers: { authorization: `Bearer ${cluster.token}` },
      });
      expect([wrong.status, wrong.headers.get('allow')]).to.deep.equal([405, 'GET']);
      expect((await cluster.ask('/v1/commands')).status).to.equal(405);
    });

    it('answers a query that cannot be read with 400', async () => {
      for (const path of ['/v1/nodes?all=maybe', '/v1/events?since=-1', '/v1/trace?since=soon', '/v1/trace?limit=x']) {
        const { status, body } = await cluster.ask(path);
        expect([path, status]).to.deep.equal([path, 400]);
        expect((body as ErrorBody).message).to.contain('expected');
      }
    });

    it('answers a command that is none with what was sent and what was expected', async () => {
      const wrong = [
        ['', 'no JSON'],
        ['{"command":', 'no JSON'],
        ['5', 'not a command'],
        ['null', 'not a command'],
        ['[]', 'not a command'],
        ['{}', "'command': expected stop, scale"],
        ['{"command":"fly"}', "'command': expected stop, scale"],
        ['{"command":"stop"}', "'instance': expected an instance"],
        ['{"command":"stop","instance":-5}', "'instance'"],
        ['{"command":"stop","instance":"5","hard":"yes"}', "'hard': expected true or false"],
        ['{"command":"stop","instance":"5","soft":true}', 'unknown keys: soft'],
        ['{"command":"shutdown","__proto__":{"a":1}}', 'not a command'],
      ] as const;
      for (const [body, sentence] of wrong) {
        const { status, body: answer } = await post(body);
        expect([body, status]).to.deep.equal([body, 400]);
        const { message, data } = answer as ErrorBody;
        expect(message).to.contain(sentence);
        expect(data).to.deep.include({ sent: body });
        expect(data).to.have.property('expected').that.is.an('array');
      }
      expect((await post(new Uint8Array([0xff, 0xfe, 0x00]))).status).to.equal(400);
    });

    it('answers a command for an instance that is not there with the core’s 404', async () => {
      const { status, body } = await post('{"command":"stop","instance":77}');
      expect(status).to.equal(404);
      expect(body as ErrorBody).to.deep.include({ status: 404, data: { instance: '77' } });
    });

    it('answers a body over the limit with 413, said or chunked, and closes', async () => {
      const said = await post('x'.repeat(BODY_BYTES_MAX + 1));
      expect([said.status, (said.body as ErrorBody).data]).to.deep.equal([413, { max: BODY_BYTES_MAX }]);
      expect(said.headers.get('connection')).to.equal('close');
      const status = await new Promise<number>((resolve, reject) => {
        const request = httpRequest(
          {
            host: cluster.address,
            port: OPERATOR_PORT,
            path: '/v1/commands',
            method: 'POST',
            headers: { authorization: `Bearer ${cluster.token}` },
          },
          (response) => {
            resolve(response.statusCode ?? 0);
            request.destroy();
          },
        );
        request.on('error', reject);
        for (let index = 0; index < 5; index += 1) request.write('x'.repeat(BODY_BYTES_MAX / 4));
      });
      expect(status).to.equal(413);
      expect((await post(' '.repeat(BODY_BYTES_MAX - 30) + '{"command":"fly"}')).status).to.equal(400);
    });

    it('closes whoever does not finish the head of a request', async () => {
      const socket = connect({ host: cluster.address, port: OPERATOR_PORT });
      let isClosed = false;
      socket.on('close', () => (isClosed = true));
      socket.on('error', () => undefined);
      socket.resume();
      socket.write('GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\nx-half');
      await until(() => isClosed, 'close', HEAD_MS + 4_000);
    });

    it('is not filled by connections that say nothing: the oldest stranger goes, an operator stays', async () => {
      const { socket: watcher } = watch();
      await until(() => watcher.readyState === WebSocket.OPEN, 'the watcher is in');
      const idle = await Promise.all(
        Array.from({ length: 2 * OPERATOR_CONNECTIONS_MAX }, async () => {
          const socket = connect({ host: cluster.address, port: OPERATOR_PORT });
          socket.on('error', () => undefined);
          socket.resume();
          await new Promise((resolve) => socket.on('connect', resolve));
          return socket;
        }),
      );
      expect((await cluster.ask('/v1/nodes')).status).to.equal(200);
      await until(
        () => idle.filter(({ closed }) => closed).length >= OPERATOR_CONNECTIONS_MAX,
        'half of them had to go',
      );
      expect(idle[0]?.closed, 'the oldest first').to.equal(true);
      expect(watcher.readyState).to.equal(WebSocket.OPEN);
      watcher.terminate();
      for (const socket of idle) socket.destroy();
    });

    it('refuses a head over the limit, and garbage', async () => {
      for (const text of [
        `GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`,
        '\u0000garbage\n\n\n',
      ]) {
        const socket = connect({ host: cluster.address, port: OPERATOR_PORT });
        let answer = '';
        let isClosed = false;
        socket.on('data', (chunk) => (answer += chunk.toString()));
        socket.on('close', () => (isClosed = true));
        socket.on('error', () => undefined);
        socket.write(text);
        await until(() => isClosed, 'close');
        expect(answer).to.match(/^HTTP\/1.1 4\d\d/);
      }
    });
  });

  describe('tells what happened', () => {
    it('lists events, and traces messages with hop, parties and exchange', async () => {
      const agent = await cluster.agent(11, '(store)');
      const request = await agent.hear('execution_request');
      await agent.hear('agent_health_control_request');
      const { body: events } = await cluster.ask('/v1/events?since=0');
      expect((events as TimedEvent[]).map(({ seq }) => seq)).to.deep.equal(
        (events as TimedEvent[]).map((_, index) => index + 1),
      );
      expect((events as TimedEvent[])[0]).to.have.all.keys('seq', 'time', 'what', 'text', 'data');
      expect((events as TimedEvent[])[0]?.time).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      const { body: later } = await cluster.ask('/v1/events?since=1&limit=1');
      expect((later as TimedEvent[]).map(({ seq }) => seq)).to.deep.equal([2]);

      const trace = (await cluster.ask('/v1/trace')).body as TraceEntry[];
      const parties = trace.map(({ from, to, exchange }) => `${from} ${to} ${exchange}`);
      expect(parties).to.include(`${SUBNET}.11 Manager ${SUBNET}.11/1`);
      expect(parties).to.include(`Manager ${SUBNET}.11 ${SUBNET}.11/1`);
      expect(parties).to.include(`Manager ${SUBNET}.11 Manager/${lineOf(request, 'message_id')}`);
      expect(trace.find(({ message }) => message === request)).to.deep.include({
        hop: 'agent-Manager',
        from: 'Manager',
      });
      const [first] = trace as [TraceEntry];
      const limited = (await cluster.ask('/v1/trace?limit=1')).body;
      expect(limited).to.deep.equal([first]);
      const after = (await cluster.ask(`/v1/trace?after=${first.record}`)).body as TraceEntry[];
      expect(after.length).to.be.greaterThan(0);
      expect(after.every(({ record }) => record > first.record)).to.equal(true);
      const since = (await cluster.ask(`/v1/trace?since=${encodeURIComponent(first.time)}`)).body as TraceEntry[];
      expect(since.every(({ time }) => time > first.time)).to.equal(true);
      expect((await cluster.ask('/v1/nodes')).body as unknown[]).to.have.length(1);
    });

    it('replays events to a watcher and goes on without a gap', async () => {
      const { socket, events } = watch('?since=0');
      await until(() => events.length > 2, 'events');
      await cluster.agent(12, '(nothing)');
      await until(() => events.some(({ text }) => text.startsWith(`${SUBNET}.12 registered`)), 'the new agent');
      expect(events.map(({ seq }) => seq)).to.deep.equal(events.map((_, index) => index + 1));
      const now = watch();
      await until(() => now.socket.readyState === WebSocket.OPEN, 'the stream');
      await cluster.agent(13, '(nothing)');
      await until(() => now.events.length > 0, 'an event');
      expect((now.events[0] as TimedEvent).seq).to.be.greaterThan(3);
      socket.terminate();
      now.socket.terminate();
    });

    it('drops a watcher that does not read, and nobody else notices', async function () {
      this.timeout(60_000);
      const slow = watch('?since=0');
      await until(() => slow.events.length > 0, 'events');
      const reader = watch();
      await until(() => reader.socket.readyState === WebSocket.OPEN, 'the stream');
      // From here on it takes nothing from its socket.
      (slow.socket as unknown as { _socket: { pause(): void } })._socket.pause();
      let isClosed = false;
      slow.socket.on('close', () => (isClosed = true));
      const peer = await cluster.agent(14, '(nothing)');
      // Each message from nobody is an event of some 300 bytes.
      const bogus = (id: number): string =>
        `type: session_request ~ message_id: ${id} ~ sub_type: agent_to_Manager ~ source_service_name: gate` +
        ` ~ source_service_instance_id: 99 ~ source_service_instance_network_address: ${SUBNET}.14` +
        ` ~ source_plug_name: ${'p'.repeat(60)} ~ dest_service_name: ${'d'.repeat(60)} ~ dest_socket_name: s`;
      const from = process.memoryUsage().rss;
      const total = 30_000;
      for (let id = 1; id <= total; id += 1) {
        peer.say(bogus(id));
        if (id % 500 === 0) await peer.hear('session_response');
      }
      await until(() => peer.lines.length + total / 500 >= total, 'all answers', 40_000);
      // The kernel's buffers took the first megabytes; what it was sent beyond is over the limit by far.
      await until(() => reader.events.length >= total, 'all events at the one who reads', 40_000);
      const watchers = async (): Promise<string | undefined> =>
        /^ssmmp_event_streams (\d+)/m.exec((await cluster.ask('/metrics')).body as string)?.[1];
      await until(async () => (await watchers()) === '1', 'end of the slow one at the Manager', STALLED_MS + 5_000);
      (slow.socket as unknown as { _socket: { resume(): void } })._socket.resume();
      await until(() => isClosed, 'close of the slow one');
      expect(slow.events.length).to.be.lessThan(total);
      expect(process.memoryUsage().rss - from).to.be.lessThan(300 * 1024 * 1024);
      // A reader that comes back gets all of it from the journal.
      const back = watch(`?since=${slow.events.at(-1)?.seq}`);
      await until(() => back.events.at(-1)?.seq === reader.events.at(-1)?.seq, 'the rest', 40_000);
      const all = [...slow.events, ...back.events].map(({ seq }) => seq);
      expect(all).to.deep.equal(all.map((_, index) => index + 1));
      back.socket.terminate();
      reader.socket.terminate();
    });

    it('does not collect a long trace in memory for a client that does not read it', async () => {
      const socket = connect({ host: cluster.address, port: OPERATOR_PORT });
      socket.on('error', () => undefined);
      socket.write(`GET /v1/trace HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${cluster.token}\r\n\r\n`);
      socket.pause();
      const from = process.memoryUsage().rss;
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect((await cluster.ask('/livez')).status).to.equal(200);
      expect(process.memoryUsage().rss - from).to.be.lessThan(100 * 1024 * 1024);
      let bytes = 0;
      socket.on('data', (chunk) => (bytes += chunk.length));
      socket.resume();
      await until(() => bytes > 20_000_000, 'the whole trace', 15_000);
      socket.destroy();
    });

    it('counts messages, connections and commits', async () => {
      const text = (await cluster.ask('/metrics')).body as string;
      expect(text).to.match(/ssmmp_messages_total\{type="session_request",direction="received"\} 30000/);
      expect(text).to.match(/ssmmp_messages_total\{type="session_response",direction="sent"\} 30000/);
      expect(text).to.match(/ssmmp_exchange_seconds_count\{type="session_response"\} 30000/);
      expect(text).to.match(/ssmmp_journal_commit_seconds_count\{flushed="true"\} [1-9]/);
      expect(text).to.match(/ssmmp_agents\{status="[a-z]+"\} [1-9]/);
      expect(text).to.match(/ssmmp_sessions\{source="gate",plug="store-plug",socket="store-socket",dest="store"\} 0/);
      for (const name of [
        'ssmmp_connections',
        'ssmmp_epoch 1',
        'ssmmp_journal_failed 0',
        'ssmmp_event_loop_utilization',
      ])
        expect(text).to.contain(name);
    });
  });
});

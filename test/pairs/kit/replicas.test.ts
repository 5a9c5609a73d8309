/** A plug and several instances of its destination, on real TCP. */
import { expect } from 'chai';
import { CROWDED_IN_FLIGHT } from '../../../services/kit/shell/spread.ts';
import { Bench, closeAtSource, DEST_NODE, grant, HeldHandler, until, type Running } from './node.ts';

const PLUGS = [{ plug: 'posts-plug', socket: 'posts-socket', service: 'posts-db' }];

describe('pair: a plug and its replicas', function () {
  this.timeout(20_000);
  let bench: Bench;
  beforeEach(() => (bench = new Bench()));
  afterEach(() => bench.close());

  /** Starts so many destinations; counts the requests of each. */
  async function startDests(count: number): Promise<{ ports: number[]; served: number[] }> {
    const ports = Array.from({ length: count }, () => bench.port());
    const served = ports.map(() => 0);
    for (const [at, port] of ports.entries())
      await bench.start(
        {
          sockets: {
            'posts-socket': async (request) => {
              served[at] = (served[at] as number) + 1;
              await new Promise(setImmediate);
              return { type: 'echo_response', rest: request.rest };
            },
          },
        },
        {
          serviceName: 'posts-db',
          instanceId: 60 + at,
          address: DEST_NODE,
          sockets: [{ socket: 'posts-socket', port }],
        },
      );
    return { ports, served };
  }

  /** Answers the session_requests that come, in turn over the ports, for as long as the test runs. */
  function manage(source: Running, ports: number[], replicas: () => number): () => number {
    let asked = 0;
    void (async () => {
      for (;;) {
        const request = await source.agent.next('session_request', 20_000);
        const x = replicas() > 1 ? { x: { x_replicas: String(replicas()) } } : {};
        grant(source.agent, request.message_id, DEST_NODE, ports[asked % ports.length] as number, x);
        asked += 1;
      }
    })().catch(() => undefined);
    return () => asked;
  }

  it('opens a session to each, spreads the requests evenly, and replaces the one that the Manager closes', async () => {
    const { ports, served } = await startDests(3);
    const source = await bench.start({}, { instanceId: 41, plugs: PLUGS });
    const asked = manage(source, ports, () => 3);
    const plug = source.context.plug('posts-plug');
    let stop = false;
    let answered = 0;
    const callers = Array.from({ length: 6 }, async () => {
      while (!stop) {
        await plug.request('echo_request', '', { deadlineMs: 5000 });
        answered += 1;
      }
    });
    await until('three sessions', () => source.instance.driver.state.sources.size === 3);
    const before = [...served];
    const from = answered;
    await until('some requests', () => answered > from + 600);
    const share = served.map((count, at) => count - (before[at] as number));
    expect(Math.min(...share)).to.be.greaterThan(Math.max(...share) * 0.8);

    const [first] = [...source.instance.driver.state.sources.values()];
    closeAtSource(source.agent, 41, first?.granted.sourcePort ?? 0, first?.granted.destPort ?? 0);
    await until('a fourth was asked for', () => asked() === 4);
    await until('three sessions again', () => source.instance.driver.state.sources.size === 3);
    stop = true;
    await Promise.all(callers);
    expect(asked()).to.equal(4);
  });

  it('without the line (strict) opens another session only when the one it has is crowded', async () => {
    const held = new HeldHandler();
    const port = bench.port();
    await bench.start(
      { sockets: { 'posts-socket': held.handle } },
      { serviceName: 'posts-db', instanceId: 70, address: DEST_NODE, sockets: [{ socket: 'posts-socket', port }] },
    );
    const source = await bench.start({}, { instanceId: 42, plugs: PLUGS });
    const asked = manage(source, [port], () => 1);
    const plug = source.context.plug('posts-plug');
    const send = (count: number): Promise<unknown>[] =>
      Array.from({ length: count }, () => plug.request('echo_request', ''));
    const answers = send(CROWDED_IN_FLIGHT);
    await held.count(CROWDED_IN_FLIGHT);
    await new Promise((resolve) => setTimeout(resolve, 120)); // two ticks of the plug's clock
    expect(asked()).to.equal(1);
    answers.push(...send(1));
    await until('a second session', () => source.instance.driver.state.sources.size === 2);
    held.release();
    await Promise.all(answers);
    expect(asked()).to.equal(2);
  });
});

/** Requests that belong together take effect in the order sent, however often their session moves or breaks. */
import { expect } from 'chai';
import type { PlugError } from '../../../services/kit/service.ts';
import { type LineMessage } from '../../../services/kit/service.ts';
import { Bench, closeAtDest, closeAtSource, DEST_NODE, grant, until, type Running } from './node.ts';

const DESTS = 3;
const GROUPS = 5;
const REQUESTS = 400;

describe('pair: order and completeness under moving sessions', function () {
  this.timeout(60_000);
  let bench: Bench;

  beforeEach(() => (bench = new Bench()));
  afterEach(() => bench.close());

  for (const manner of ['at its source', 'at its destination', 'by breaking'] as const)
    it(`sessions that end ${manner}: every request answered, those of one affinity in order`, async () => {
      // Effects in the order they took place. A request may take effect twice (operation ids exist for that), so the
      // first time counts.
      const effects: number[][] = Array.from({ length: GROUPS }, () => []);
      const ports: number[] = [];
      const dests: Running[] = [];
      for (let n = 0; n < DESTS; n += 1) {
        const port = bench.port();
        ports.push(port);
        dests.push(
          await bench.start(
            {
              sockets: {
                'posts-socket': async (request: LineMessage) => {
                  const [group = 0, number = 0] = request.rest.slice(' ~ Line_1: '.length).split('/').map(Number);
                  if (effects[group]?.includes(number) === false) effects[group].push(number);
                  await new Promise((resolve) => setTimeout(resolve, (number * 7) % 5));
                  return { type: 'echo_response', rest: request.rest };
                },
              },
            },
            {
              serviceName: 'posts-db',
              instanceId: 60 + n,
              address: DEST_NODE,
              sockets: [{ socket: 'posts-socket', port }],
            },
          ),
        );
      }
      const source = await bench.start(
        {},
        { instanceId: 70, plugs: [{ plug: 'posts-plug', socket: 'posts-socket', service: 'posts-db' }] },
      );
      let turn = 0;
      let stop = false;
      const manager = (async () => {
        while (!stop) {
          const request = await source.agent.next('session_request', 60_000).catch(() => null);
          if (request === null) return;
          grant(source.agent, request.message_id, DEST_NODE, ports[turn++ % DESTS] as number);
        }
      })();
      const mover = (async () => {
        while (!stop) {
          await new Promise((resolve) => setTimeout(resolve, 15));
          for (const { granted, closing } of source.instance.driver.state.sources.values()) {
            if (closing !== null) continue;
            const at = ports.indexOf(granted.destPort);
            if (manner === 'at its source') closeAtSource(source.agent, 70, granted.sourcePort, granted.destPort);
            else if (manner === 'at its destination')
              closeAtDest((dests[at] as Running).agent, 60 + at, granted.sourcePort, granted.destPort);
            else (dests[at] as Running).instance.breakSessions();
          }
        }
      })();
      const plug = source.context.plug('posts-plug');
      const answers: Promise<string>[] = [];
      for (let n = 0; n < REQUESTS; n += 1) {
        const group = n % GROUPS;
        const text = ` ~ Line_1: ${group}/${n}`;
        answers.push(plug.request('echo_request', text, { affinity: `g${group}` }).then(({ rest }) => rest));
        if (n % 4 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
      }
      const rests = await Promise.all(answers);
      stop = true;
      await mover;
      expect(rests).to.deep.equal(Array.from({ length: REQUESTS }, (_, n) => ` ~ Line_1: ${n % GROUPS}/${n}`));
      for (const numbers of effects) {
        expect(numbers).to.have.length(REQUESTS / GROUPS);
        expect(numbers, 'in the order sent').to.deep.equal([...numbers].sort((a, b) => a - b));
      }
      expect(turn, 'the session moved').to.be.above(5);
      source.agent.close();
      await manager;
    });

  it('a request that waits behind its group is not lost when the group’s session drains and its deadline passes', async () => {
    const port = bench.port();
    await bench.start(
      { sockets: { 'posts-socket': () => new Promise(() => undefined) } },
      { serviceName: 'posts-db', instanceId: 61, address: DEST_NODE, sockets: [{ socket: 'posts-socket', port }] },
    );
    const source = await bench.start(
      {},
      { instanceId: 71, plugs: [{ plug: 'posts-plug', socket: 'posts-socket', service: 'posts-db' }] },
    );
    const plug = source.context.plug('posts-plug');
    const status = (affinity: string): Promise<number> =>
      plug.request('a_request', '', { affinity, deadlineMs: 300 }).then(
        () => 200,
        (error: PlugError) => error.status,
      );
    const first = status('g');
    const request = await source.agent.next('session_request');
    grant(source.agent, request.message_id, DEST_NODE, port);
    const { source_plug_port } = await source.agent.next('session_ack');
    closeAtSource(source.agent, 71, source_plug_port as number, port);
    await until('it drains', () =>
      [...source.instance.driver.state.sources.values()].some(({ closing }) => closing !== null),
    );
    expect(await Promise.all([first, status('g')])).to.deep.equal([504, 503]);
  });
});

/** The relay, in one process: a small graph of it, with a raw user connection in front. */
import { expect } from 'chai';
import { create } from '../../../services/relay/service.ts';
import { LineClient } from './line-client.ts';
import { Bench, DEST_NODE, grant, SOURCE_NODE, type Running } from './node.ts';

const PUBLIC_PORT = 18081;

describe('pair: relay', function () {
  this.timeout(20_000);
  let bench: Bench;

  beforeEach(() => (bench = new Bench()));
  afterEach(() => bench.close());

  /** Grants every session_request of an instance by the name of the destination; unknown names are refused. */
  function manage({ agent }: Running, ports: Record<string, number>): void {
    void (async () => {
      for (;;) {
        const { message_id, dest_service_name } = await agent.next('session_request', 15_000);
        const port = ports[dest_service_name];
        if (port === undefined) grant(agent, message_id, DEST_NODE, 1, { status: 404 });
        else grant(agent, message_id, DEST_NODE, port);
      }
    })().catch(() => undefined);
  }

  it('answers with the answers of all its plugs in order; lines are answered in order; a plug without answer shows', async () => {
    const [portB, portC] = [bench.port(), bench.port()];
    const sockets = (port: number): { socket: string; port: number }[] => [{ socket: 'T', port }];
    await bench.start(create, { serviceName: 'BaaS-1', instanceId: 83, address: DEST_NODE, sockets: sockets(portC) });
    const middle = await bench.start(create, {
      serviceName: 'B',
      instanceId: 82,
      address: DEST_NODE,
      sockets: sockets(portB),
      plugs: [{ plug: 'Q', socket: 'T', service: 'BaaS-1' }],
    });
    const gateway = await bench.start(create, {
      serviceName: 'A',
      instanceId: 81,
      address: SOURCE_NODE,
      sockets: [{ socket: 'S1', port: PUBLIC_PORT }],
      plugs: [
        { plug: 'P', socket: 'S', service: 'B' },
        { plug: 'P2', socket: 'S2', service: 'BaaS-1' },
        { plug: 'P3', socket: 'S3', service: 'nowhere' },
      ],
    });
    const ports = { B: portB, 'BaaS-1': portC };
    manage(middle, ports);
    manage(gateway, ports);
    const user = await LineClient.connect(SOURCE_NODE, PUBLIC_PORT);
    user.write('hop hello\r\nhop again\nnonsense\n');
    const answer = 'A/81(B/82(BaaS-1/83), BaaS-1/83, P3!503)';
    expect([await user.line(), await user.line(), await user.line()]).to.deep.equal([
      answer,
      answer,
      "error: expected 'hop TEXT'",
    ]);
    user.destroy();
  });
});

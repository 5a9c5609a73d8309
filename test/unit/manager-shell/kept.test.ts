/** What the Manager keeps of strangers' messages: its events, and little of each. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { managerMachine } from '../../../manager/core/step.ts';
import { EventLog, RECENT_EVENTS } from '../../../manager/shell/event-log.ts';
import { TestManager } from '../manager/harness.ts';

describe('what the Manager keeps of strangers', function () {
  this.timeout(20_000);

  it('R07 R17 thousands of padded messages that each make an event leave a few bytes each', () => {
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    const m = new TestManager();
    const stranger = m.open('127.0.0.99');
    const log = new EventLog(() => (async function* () {})(), 0);
    const messages = 1000;
    gc();
    const before = process.memoryUsage().heapUsed;
    for (let at = 0; at < messages; at += 1) {
      const text = `type: initiation_request ~ message_id: ${at + 1} ~ agent_network_address: 127.0.222.${100 + (at % 100)} ~ service_repository: () ~ x_pad: ${'p'.repeat(60_000)}`;
      const line = Buffer.from(text).toString('latin1'); // flat, as it comes from a socket
      const { effects } = managerMachine.step(m.state, { kind: 'line_received', connection: stranger, line, at });
      for (const effect of effects) if (effect.kind === 'event') log.add(effect.event, at);
    }
    gc();
    const grown = process.memoryUsage().heapUsed - before;
    expect(log.last).to.be.greaterThan(messages - 1);
    expect(log.last).to.be.lessThan(RECENT_EVENTS);
    expect(grown / messages, 'bytes a message of 60 KB').to.be.lessThan(4096);
  });
});

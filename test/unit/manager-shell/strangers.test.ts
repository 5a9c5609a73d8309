/** What all strangers at the port for agents may say together, and who is read from when. */
import { expect } from 'chai';
import { Strangers, STRANGERS_BURST_BYTES, STRANGERS_BYTES_PER_S } from '../../../manager/shell/strangers.ts';
import { until } from './cluster.ts';

describe('strangers at the port for agents', () => {
  const registered = new Set<number>();
  let nowMs = 0;
  let held: number[] = [];
  let strangers: Strangers;
  beforeEach(() => {
    nowMs = 0;
    held = [];
    registered.clear();
    strangers = new Strangers({
      unregisteredMs: 10_000,
      now: () => nowMs,
      isRegistered: (id) => registered.has(id),
      drop: () => undefined,
      hold: (id, isHeld) => {
        held = isHeld ? [...held, id] : held.filter((other) => other !== id);
      },
    });
  });
  afterEach(() => strangers.stop());

  it('an empty purse holds who spoke and who comes, not who has registered; turns come in order', async () => {
    for (const id of [1, 2, 3]) strangers.add(id);
    registered.add(3);
    strangers.said(3, STRANGERS_BURST_BYTES); // an agent pays nothing
    strangers.said(1, 1000);
    expect(held).to.deep.equal([]);
    strangers.said(1, STRANGERS_BURST_BYTES);
    strangers.add(4);
    strangers.said(2, 10);
    strangers.said(3, 10);
    expect(held).to.deep.equal([1, 4, 2]);
    expect([1, 2, 3, 4].map((id) => strangers.isHeld(id))).to.deep.equal([true, true, false, true]);
    strangers.remove(4);
    nowMs += 1000;
    await until(() => held.join() === '4', 'turns', 2000); // 4 is gone: nobody tells it anything
    strangers.said(1, 10);
    expect(held).to.deep.equal([4]);
  });

  it('talks at most so many bytes a second, whatever comes', async () => {
    let said = 0;
    const talk = (): void => {
      for (let id = 1; id <= 40; id += 1)
        if (!strangers.isHeld(id)) {
          strangers.said(id, 64 * 1024);
          said += 64 * 1024;
        }
    };
    for (let id = 1; id <= 40; id += 1) strangers.add(id);
    const seconds = 3;
    for (let at = 0; at < seconds * 50; at += 1) {
      nowMs += 20;
      talk();
      await new Promise((resolve) => setTimeout(resolve, 2)); // the turns are given by a real timer
    }
    const most = STRANGERS_BURST_BYTES + seconds * STRANGERS_BYTES_PER_S + 40 * 64 * 1024;
    expect(said).to.be.within(STRANGERS_BURST_BYTES, most);
  });
});

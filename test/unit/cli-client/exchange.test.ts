/** The pure machine of the client's connection: what is sent again, when and where to, and when it is given up. */
import { expect } from 'chai';
import fc from 'fast-check';
import type { ExchangeEffect, ExchangeInput } from '../../../cli-client/core/exchange.ts';
import {
  newExchange,
  nextExchangeDeadline,
  RECONNECT_WAITS_MS,
  stepExchange,
} from '../../../cli-client/core/exchange.ts';

describe('cnapp: the exchange machine', () => {
  const limits = { openMs: 100, repeatMs: 1000, answerMs: 5000 };
  const types = (effects: ExchangeEffect[]): string[] => effects.map((e) => ('id' in e ? `${e.type} ${e.id}` : e.type));
  const request = (id: number, nowMs = 0): ExchangeInput => ({ type: 'request', nowMs, id, repeatsBusy: true });

  function opened(): ReturnType<typeof newExchange> {
    const exchange = newExchange(limits);
    expect(types(stepExchange(exchange, { type: 'open', nowMs: 0 }))).to.deep.equal(['connect']);
    expect(types(stepExchange(exchange, { type: 'connected', nowMs: 0 }))).to.deep.equal(['opened']);
    return exchange;
  }

  it('sends at once, settles with the answer', () => {
    const exchange = opened();
    expect(types(stepExchange(exchange, request(1)))).to.deep.equal(['send 1']);
    const answered = { type: 'answered', nowMs: 1, id: 1, status: 200, waitMs: null } as const;
    expect(types(stepExchange(exchange, answered))).to.deep.equal(['settle 1']);
    expect(types(stepExchange(exchange, answered))).to.deep.equal([]);
  });

  it('sends again in the first order after a broken connection, at another gateway at once', () => {
    const exchange = opened();
    for (const id of [1, 2, 3]) stepExchange(exchange, request(id));
    stepExchange(exchange, { type: 'answered', nowMs: 1, id: 2, status: 200, waitMs: null });
    expect(stepExchange(exchange, { type: 'broken', nowMs: 2, reason: 'r' })).to.deep.equal([{ type: 'connect' }]);
    expect(types(stepExchange(exchange, request(4, 3)))).to.deep.equal([]);
    expect(types(stepExchange(exchange, { type: 'connected', nowMs: 4 }))).to.deep.equal([
      'send 1',
      'send 3',
      'send 4',
    ]);
  });

  it('gives up after repeatMs of trouble, not before', () => {
    const exchange = opened();
    stepExchange(exchange, request(1));
    let nowMs = 10;
    const seen: string[] = [];
    while (!seen.includes('give_up 1')) {
      expect(nowMs).to.be.lessThan(2000);
      seen.push(...types(stepExchange(exchange, { type: 'broken', nowMs, reason: 'r' })));
      seen.push(...types(stepExchange(exchange, { type: 'exhausted', nowMs, reason: null })));
      nowMs = nextExchangeDeadline(exchange);
      seen.push(...types(stepExchange(exchange, { type: 'tick', nowMs })));
    }
    expect(nowMs).to.equal(1010);
  });

  it('waits after each round over all gateways, longer and longer, until an answer comes', () => {
    const exchange = opened();
    stepExchange(exchange, request(1));
    const waitMs = (nowMs: number): number => {
      expect(types(stepExchange(exchange, { type: 'exhausted', nowMs, reason: null }))).to.deep.equal([]);
      const waited = nextExchangeDeadline(exchange) - nowMs;
      expect(types(stepExchange(exchange, { type: 'tick', nowMs: nowMs + waited }))).to.deep.equal(['connect']);
      // Standing is not enough: a gateway that takes connections and closes them must not be hammered.
      stepExchange(exchange, { type: 'connected', nowMs: nowMs + waited });
      stepExchange(exchange, { type: 'broken', nowMs: nowMs + waited, reason: 'r' });
      return waited;
    };
    const sum = RECONNECT_WAITS_MS.map((wait, at) => [waitMs(at * 1e-3), wait]);
    for (const [waited, wait] of sum) expect(waited).to.be.closeTo(wait as number, 1e-6);
    stepExchange(exchange, { type: 'answered', nowMs: 1, id: 99, status: 200, waitMs: null });
    expect(waitMs(1)).to.equal(RECONNECT_WAITS_MS[0]);
  });

  it('nobody waits: no gateway is looked for', () => {
    const exchange = opened();
    expect(types(stepExchange(exchange, { type: 'exhausted', nowMs: 1, reason: 'no DNS' }))).to.deep.equal([]);
    expect(exchange.connectAtMs).to.equal(Infinity);
  });

  it('waits out a 503 as long as it says, then gives it back', () => {
    const exchange = opened();
    stepExchange(exchange, request(1));
    const busy = { type: 'answered', id: 1, status: 503, waitMs: 300 } as const;
    expect(types(stepExchange(exchange, { ...busy, nowMs: 0 }))).to.deep.equal([]);
    expect(types(stepExchange(exchange, { type: 'tick', nowMs: nextExchangeDeadline(exchange) }))).to.deep.equal([]);
    expect(nextExchangeDeadline(exchange)).to.equal(300);
    expect(types(stepExchange(exchange, { type: 'tick', nowMs: 299 }))).to.deep.equal([]);
    expect(types(stepExchange(exchange, { type: 'tick', nowMs: 300 }))).to.deep.equal(['send 1']);
    expect(types(stepExchange(exchange, { ...busy, nowMs: 900 }))).to.deep.equal(['settle 1']);
    stepExchange(exchange, { type: 'request', nowMs: 0, id: 2, repeatsBusy: false });
    expect(types(stepExchange(exchange, { ...busy, id: 2, nowMs: 0 }))).to.deep.equal(['settle 2']);
  });

  it('ends a connection whose gateway answers nothing', () => {
    const exchange = opened();
    stepExchange(exchange, request(1));
    expect(types(stepExchange(exchange, { type: 'tick', nowMs: 5000 }))).to.deep.equal(['give_up 1', 'disconnect']);
  });

  it('says when nothing can be reached at the start, after trying again', () => {
    const exchange = newExchange(limits);
    const seen = types(stepExchange(exchange, { type: 'open', nowMs: 0 }));
    let nowMs = 1;
    while (!seen.includes('not_opened')) {
      seen.push(...types(stepExchange(exchange, { type: 'exhausted', nowMs, reason: 'refused' })));
      nowMs = nextExchangeDeadline(exchange);
      seen.push(...types(stepExchange(exchange, { type: 'tick', nowMs })));
    }
    expect(nowMs).to.equal(100);
    expect(seen.filter((type) => type === 'connect').length).to.be.within(2, 4);
  });

  it('connects again only when somebody asks', () => {
    const exchange = opened();
    expect(types(stepExchange(exchange, { type: 'broken', nowMs: 1, reason: 'silence' }))).to.deep.equal([]);
    expect(types(stepExchange(exchange, request(1, 9)))).to.deep.equal(['connect']);
  });

  it('property: every request is settled or given up once, on any inputs', () => {
    const input = fc.record({
      kind: fc.nat(6),
      id: fc.nat(8),
      passMs: fc.nat(400),
      status: fc.constantFrom(200, 503, 401),
    });
    fc.assert(
      fc.property(fc.array(input, { maxLength: 80 }), (inputs) => {
        const exchange = newExchange(limits);
        const ended = new Map<number, number>();
        const asked = new Set<number>();
        let nowMs = 0;
        let nextId = 100;
        const feed = (given: ExchangeInput): void => {
          for (const effect of stepExchange(exchange, given)) {
            if (effect.type === 'settle' || effect.type === 'give_up')
              ended.set(effect.id, (ended.get(effect.id) ?? 0) + 1);
          }
        };
        feed({ type: 'open', nowMs });
        for (const { kind, id, passMs, status } of inputs) {
          nowMs += passMs;
          if (kind === 0) {
            asked.add(nextId);
            feed({ type: 'request', nowMs, id: nextId, repeatsBusy: id % 2 === 0 });
            nextId += 1;
          } else if (kind === 1) feed({ type: 'connected', nowMs });
          else if (kind === 2) feed({ type: 'broken', nowMs, reason: 'r' });
          else if (kind === 4) feed({ type: 'exhausted', nowMs, reason: id > 4 ? 'r' : null });
          else if (kind === 3) feed({ type: 'answered', nowMs, id: 100 + id, status, waitMs: id * 50 });
          else feed({ type: 'tick', nowMs });
        }
        feed({ type: 'tick', nowMs: nowMs + 100_000 });
        expect(exchange.pending.size).to.equal(0);
        for (const id of asked) expect(ended.get(id)).to.equal(1);
      }),
    );
  });
});

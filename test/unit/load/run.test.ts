/** A run against a gateway in this process: closed loop, open rate, connections that break, views that lie. */
import { expect } from 'chai';
import { LoadNotStarted, runLoad, type LoadOptions } from '../../../load/shell/run.ts';
import { FakeGateway } from './fake-gateway.ts';

const HOST = '127.0.53.99';

describe('load: a run', function () {
  this.timeout(20_000);
  let gateway: FakeGateway;
  let other: FakeGateway;
  beforeEach(async () => {
    gateway = await FakeGateway.listen(HOST);
    other = await FakeGateway.listen(HOST);
  });
  afterEach(async () => {
    await gateway.close();
    await other.close();
  });

  function options(more: Partial<LoadOptions> = {}): LoadOptions {
    return {
      users: 4,
      seconds: 1,
      rate: null,
      mix: { post: 1, read: 2, file: 0 },
      thinkMs: 5,
      seed: 3,
      fileBytes: 100_000,
      gateways: () => [{ host: HOST, port: gateway.port }],
      sampleInstances: null,
      onSecond: () => undefined,
      stop: new AbortController().signal,
      ...more,
    };
  }

  it('closed loop: everybody works, every second is told, the history has no violation', async () => {
    const seconds: number[] = [];
    const report = await runLoad(
      options({
        mix: { post: 2, read: 4, file: 1 },
        onSecond: ({ requests }) => seconds.push(requests),
        sampleInstances: () => Promise.resolve({ post: 2 }),
      }),
    );
    expect(report.violation).to.equal(null);
    expect(report.errors).to.deep.equal({});
    expect(report.operations).to.include.keys('post ok', 'read ok', 'upload ok', 'list ok', 'download ok');
    expect(seconds.length).to.be.within(1, 2);
    expect(report.instances[0]?.instances).to.deep.equal({ post: 2 });
    expect(report.seconds).to.be.within(0.9, 1.5);
    expect(report.rows.at(-1)?.name).to.equal('all');
  });

  it('open rate: so many a second, counted from when each was due', async () => {
    const report = await runLoad(options({ rate: 200, mix: { post: 0, read: 1, file: 0 } }));
    expect(report.operations['read ok']).to.be.within(180, 205);
  });

  it('connections that break and 503: sent again with the same Operation_id, once in effect, no error', async () => {
    let count = 0;
    gateway.mood = (type) => {
      if (type === 'registration_request' || type === 'login_request') return 'answer';
      return (
        (['answer', 'answer', 'break after', 'answer', 'busy', 'answer', 'break before'] as const)[(count += 1) % 7] ??
        'answer'
      );
    };
    const report = await runLoad(options());
    expect(report.errors).to.deep.equal({});
    expect(report.repeats).to.be.greaterThan(5);
    expect(report.violation).to.equal(null);
    const posts = gateway.requests.filter(({ type }) => type === 'send_post_request');
    expect(posts.length, 'some were sent again').to.be.greaterThan(gateway.posts.length);
    expect(new Set(gateway.posts.map(({ text }) => text)).size).to.equal(gateway.posts.length);
  });

  it('goes to another gateway when one is gone', async () => {
    const both = [other, gateway].map(({ port }) => ({ host: HOST, port }));
    setTimeout(() => void other.close(), 300);
    const report = await runLoad(options({ gateways: () => both, mix: { post: 0, read: 1, file: 0 } }));
    expect(report.errors).to.deep.equal({});
    expect(gateway.requests.length).to.be.greaterThan(20);
    other = await FakeGateway.listen(HOST);
  });

  it('a gateway that hides a post, or shows one twice, is found out', async () => {
    gateway.view = (posts) => posts.slice(1);
    expect((await runLoad(options())).violation?.law).to.equal('nothing-lost');
    gateway.view = (posts) => [...posts.slice(0, 1), ...posts.slice(0, 9)];
    expect((await runLoad(options())).violation?.law).to.equal('once');
  });

  it('stops early when it is told to; cannot start when nobody can log in', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 300);
    const report = await runLoad(options({ seconds: 60, stop: stop.signal }));
    expect(report.seconds).to.be.below(5);
    expect(report.violation).to.equal(null);
    gateway.mood = () => 'break before';
    const started = await runLoad(options()).then(
      () => null,
      (error: unknown) => error,
    );
    expect(started).to.be.instanceOf(LoadNotStarted);
  });
});

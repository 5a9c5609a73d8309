/** The names of gateways in a whole cluster: a user who knows the alias only notices no gateway that goes. */
import { Resolver } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { connect, type UserClient } from '../../cli-client/client.ts';
import { Cluster, until } from './cluster.ts';

const SUBNET = '127.0.51';
const ALIAS = 'gateway.social-media.test';
/** From the drain of a gateway to nobody being sent there any more. */
const LEAVES_MS_MAX = 2_000;

interface GatewayRow {
  readonly name: string;
  readonly address: string;
  readonly service_instance_id: number;
}

describe('e2e: DNS', function () {
  this.timeout(90_000);
  let cluster: Cluster;
  let resolver: Resolver;
  let client: UserClient;
  let token: string;

  const gateways = async (): Promise<GatewayRow[]> => {
    const { out } = await cluster.ssmmp('get', 'gateways', '-o', 'json');
    return JSON.parse(out) as GatewayRow[];
  };
  const done = async (...args: string[]): Promise<void> => {
    const { code, err } = await cluster.ssmmp(...args);
    expect(code, `ssmmp ${args.join(' ')}: ${err}`).to.equal(0);
  };
  /** Everything a name has; nothing where it does not exist. */
  const addresses = async (name: string): Promise<string[]> =>
    resolver.resolve4(name).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOTFOUND') return [];
      throw error;
    });
  /** The address that clients are sent to now. */
  const target = async (): Promise<string> => (await addresses(ALIAS))[0] ?? '';

  before(async () => {
    cluster = await Cluster.start(SUBNET, ['--nodes', '3']);
    resolver = new Resolver({ timeout: 2_000, tries: 2 });
    resolver.setServers([`${cluster.manager}:55557`]);
    const text = readFileSync(join(cluster.stateDir, 'cluster.json'), 'utf8');
    expect((JSON.parse(text) as { dns: unknown }).dns).to.deep.equal({ address: cluster.manager, port: 55557 });
  });
  after(async () => {
    client?.close();
    await cluster?.stop();
  });

  it('R23 every gateway has its name and address; the alias names one after the other', async () => {
    await done('scale', 'api-gateway', '2');
    const rows = await until('two gateways', async () => {
      const found = await gateways();
      return found.length === 2 && found;
    });
    for (const { name, address } of rows) expect(await addresses(name)).to.deep.equal([address]);
    const named = await Promise.all([target(), target()]);
    expect(named.sort()).to.deep.equal(rows.map(({ address }) => address).sort());
    expect(await addresses(`nosuch.social-media.test`)).to.deep.equal([]);
  });

  it('cnapp --gateway alias: through the running cluster’s DNS, and through --dns', async () => {
    const flags = ['--gateway', ALIAS];
    const register = await cluster.cnapp('ada', ['register', 'ada', '--password-stdin', ...flags], 'lovelace1\n');
    expect(register).to.include({ code: 0 });
    const dns = ['--dns', `${cluster.manager}:55557`];
    expect(
      await cluster.cnapp('ada', ['login', 'ada', '--password-stdin', ...flags, ...dns], 'lovelace1\n'),
    ).to.include({
      code: 0,
    });
    client = await connect({ host: ALIAS, port: 8080 }, { dns: { address: cluster.manager, port: 55557 } });
    const login = await client.request('login_request', { user: 'ada', password: 'lovelace1' });
    if (!login.ok) throw new Error(login.message);
    token = login.token;
  });

  it('gateways are killed, stopped and moved, the Manager too: a user who posts meanwhile sees no error', async () => {
    const posted: string[] = [];
    const troubles: string[] = [];
    let isOver = false;
    const posting = (async () => {
      for (let count = 0; !isOver; count += 1) {
        const answer = await client.request('send_post_request', { token, text: `post ${count}` });
        if (answer.ok) posted.push(answer.postId);
        else troubles.push(`${answer.status} ${answer.message}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    })();
    try {
      const both = await gateways();
      for (const { service_instance_id: id } of both) {
        const count = posted.length;
        await done('kill', 'instance', String(id));
        await until('posts go on', () => posted.length > count + 10);
        await until('two gateways again', async () => {
          const now = await gateways();
          return now.length === 2 && now.every(({ service_instance_id }) => service_instance_id !== id);
        });
        expect(await addresses(`api-gateway-${id}.social-media.test`)).to.deep.equal([]);
      }

      const [going] = (await gateways()) as [GatewayRow];
      const migrating = done('migrate', `api-gateway/${going.service_instance_id}`);
      await until('its name is gone', async () => (await addresses(going.name)).length === 0, 20_000);
      const gone = performance.now();
      await until('nobody is sent there', async () => ![await target(), await target()].includes(going.address));
      expect(performance.now() - gone).to.be.below(LEAVES_MS_MAX);
      await migrating;

      await done('kill', 'manager');
      await until(
        'the DNS is back, which is gone with the Manager',
        async () => (await target().catch(() => '')) !== '',
        20_000,
      );
      const count = posted.length;
      await until('posts go on', () => posted.length > count + 10);
    } finally {
      isOver = true;
      await posting;
    }
    expect(troubles).to.deep.equal([]);
    expect(new Set(posted).size).to.equal(posted.length);
    const last = await client.request('retrieve_last_10_posts_request', { token });
    const texts = last.ok ? last.posts.map(({ text }) => text) : [];
    expect(texts).to.deep.equal(Array.from({ length: 10 }, (_, at) => `post ${posted.length - 1 - at}`));
  });
});

/**
 * A small programmatic client of the gateway: `connect`, `request`, `close`. The command `cnapp` is built on it, and
 * end-to-end tests and benches use it. It knows the user protocol and nothing of SSMMP.
 *
 *     const client = await connect({ host: '127.0.0.11', port: 8080 });
 *     const login = await client.request('login_request', { user: 'bob', password: 'correct horse' });
 *     if (login.ok) await client.request('send_post_request', { token: login.token, text: 'Hello' });
 *     client.close();
 *
 * Requests may be pipelined: call again before the first promise settles. On a broken connection the client connects
 * again (to the next gateway when there are several) and repeats what was under way with the same Operation_id; see
 * core/exchange.ts for order and deadlines. Gateways behind a name are found in the Manager's DNS, anew for every connection:
 *
 *     await connect({ host: 'gateway.social-media.test', port: 8080 }, { dns: { address: '127.0.0.1', port: 55557 } });
 */
import type { ExchangeLimits } from './core/exchange.ts';
import { DEFAULT_LIMITS } from './core/exchange.ts';
import type { DnsPlace, GatewayAddress } from './core/gateways.ts';
import type { GatewayFinder } from './shell/finder.ts';
import { finderOf } from './shell/finder.ts';
import { Link } from './shell/link.ts';
import type { UserClient } from './user-client.ts';

export type { DnsPlace, GatewayAddress } from './core/gateways.ts';
export type { RequestOptions, UserClient } from './user-client.ts';
export { ClientClosed, GatewayNotReached } from './shell/link.ts';

export interface ClientOptions extends Partial<ExchangeLimits> {
  /** Told what goes wrong on the way, in a sentence; for people who wait. */
  readonly onTrouble?: (sentence: string) => void;
  /** Ends the connecting too, which then rejects with ClientClosed. */
  readonly signal?: AbortSignal;
  /** Where names of gateways are looked up; left out: where the machine looks up all names. */
  readonly dns?: DnsPlace;
}

/** Connects to the first gateway that takes the connection. Rejects with GatewayNotReached. */
export async function connect(
  gateways: GatewayAddress | readonly GatewayAddress[] | GatewayFinder,
  options: ClientOptions = {},
): Promise<UserClient> {
  const { onTrouble, signal, dns, ...limits } = options;
  const list = 'host' in gateways ? [gateways] : gateways;
  const link = new Link(
    'places' in list ? list : finderOf(() => list, dns ?? null),
    { ...DEFAULT_LIMITS, ...limits },
    onTrouble ?? (() => undefined),
  );
  signal?.addEventListener('abort', () => link.close(), { once: true });
  await link.open();
  return link;
}

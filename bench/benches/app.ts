// The app through its gateway, stores durable, with 10,000 posts stored: how long a user waits.
//
// No baseline: the limits are figures of their own. `ssmmp up` with three nodes, as `npm start` does. Every answer is matched by
// its id and checked; one that belongs to nobody ends the bench. A login costs an argon2id hash by intention, so the time of one
// hash alone, taken in this process in turns with the logins, is subtracted.
import { verify, hash } from '@node-rs/argon2';
import type { Bench } from '../lib/bench.ts';
import { GATEWAY, GATEWAY_PORT, inFlight, startApp, User } from '../lib/app.ts';
import { load, openClient, type Dialect } from '../lib/line-client.ts';
import type { Row } from '../lib/report.ts';
import { repeated, turnByTurn } from '../lib/rounds.ts';
import { median } from '../lib/stats.ts';

const POSTS = 10_000;
const CLIENTS = 16;
const PASSWORD = 'a password of some length';
const ARGON2 = { memoryCost: 19 * 1024, timeCost: 2, parallelism: 1 } as const;

export const bench: Bench = async ({ quick }) => {
  const rounds = quick ? 2 : 10;
  const each = quick ? 50 : 300;
  const app = await startApp();
  try {
    const user = await User.connect();
    const token = await user.enter('bench-user', PASSWORD);
    await inFlight(POSTS, 64, (index) =>
      user.demand('send_post_request', token, `Post number ${index} of some forty characters.`),
    );
    await user.demand('retrieve_last_10_posts_request', token);

    const figures = await repeated(rounds, async () => ({
      post: await p50(each, () =>
        user.demand('send_post_request', token, 'A post of some forty characters and no more.'),
      ),
      read: await p50(each, () => user.demand('retrieve_last_10_posts_request', token)),
    }));
    const hashed = await hash(PASSWORD, ARGON2);
    const login = await turnByTurn(
      rounds,
      async () => ({ login: await p50(each / 10, () => verify(hashed, PASSWORD)) }),
      async () => ({ login: await p50(each / 10, () => user.demand('login_request', 'bench-user', PASSWORD)) }),
    );
    const difference = (login['login']?.measured.median ?? NaN) - (login['login']?.baseline.median ?? NaN);

    const tokens = [token];
    for (let i = 1; i < CLIENTS; i += 1) tokens.push(await user.enter(`bench-user-${i}`, PASSWORD));
    const many = await repeated(rounds, () => readers(tokens, quick ? 300 : 1000));
    user.close();
    const rows: Row[] = [
      { figure: 'app: a post, p50', unit: 'ms', measured: figures['post']!, limit: { atMost: 1 } },
      { figure: 'app: the last ten posts, p50', unit: 'ms', measured: figures['read']!, limit: { atMost: 0.5 } },
      {
        figure: "app: a login without argon2's time, p50",
        unit: 'ms',
        measured: { median: difference, low: difference, high: difference },
        limit: { atMost: 1 },
        note: `a login took ${login['login']?.measured.median.toFixed(1)} ms, a hash alone ${login['login']?.baseline.median.toFixed(1)} ms`,
      },
      {
        figure: `app: ${CLIENTS} clients read the last ten posts`,
        unit: 'requests/s',
        measured: many['rate']!,
        limit: { atLeast: 10_000 },
        note: 'every answer was matched to its client and id; none was lost or misrouted',
      },
    ];
    return rows;
  } finally {
    await app.stop();
  }
};

async function p50(count: number, work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const started = performance.now();
    await work();
    times.push(performance.now() - started);
  }
  return median(times);
}

/** Each client has its own connection, token and ids, and one request under way. */
async function readers(tokens: readonly string[], durationMs: number): Promise<{ rate: number }> {
  const loads = tokens.map(async (token, client) => {
    const connection = await openClient(GATEWAY, GATEWAY_PORT);
    const first = (client + 1) * 1_000_000;
    const dialect: Dialect = {
      request: (id) => `Type: retrieve_last_10_posts_request ~ Message_id: ${first + id} ~ Line_1: ${token}\n`,
      idOf: (line) => {
        const match = /^Type: retrieve_last_10_posts_response ~ Message_id: (\d+) ~ Status: 200 ~ /.exec(line);
        return match === null ? NaN : Number(match[1]) - first;
      },
    };
    const { requests, seconds } = await load([connection], dialect, 1, durationMs);
    connection.socket.removeAllListeners('close').destroy();
    return requests / seconds;
  });
  return { rate: (await Promise.all(loads)).reduce((sum, rate) => sum + rate, 0) };
}

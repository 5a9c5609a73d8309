/**
 * The student's service in a cluster: our gateway, their program, our store.
 *
 * Lives here: building and starting it, the crowd that likes while something happens. Does not live here: what is expected
 * (../check.ts).
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { expectThat } from '../../runner/api.ts';
import type { InstanceRow, LabCluster, Work } from '../../runner/api.ts';
import { User } from './user.ts';

const GATEWAY_PORT = 8090;
const NODES = 2;
const RUNS_MS = 40_000;

const graphShape = z.looseObject({
  services: z.record(z.string(), z.looseObject({ kind: z.string() })),
  edges: z.array(z.unknown()),
});
const runShape = z.strictObject({ run: z.array(z.string()).min(1) });

/** What a crowd did: how many likes were answered 200, by post, and those that were not. */
export interface Liked {
  readonly byPost: ReadonlyMap<string, number>;
  readonly failed: readonly string[];
}

export class Bench {
  readonly cluster: LabCluster;
  readonly #work: Work;
  readonly #tricks: string;
  readonly #host: string;

  private constructor(work: Work, cluster: LabCluster, tricks: string, host: string) {
    this.#work = work;
    this.cluster = cluster;
    this.#tricks = tricks;
    this.#host = host;
  }

  /** The one bench of a run. Throws Unmet where graph, program or cluster are not in order. */
  static of(work: Work): Promise<Bench> {
    return work.once('bench', (all) => Bench.#start(all));
  }

  static async #start(work: Work): Promise<Bench> {
    const { services } = work.yaml('graph.yaml', graphShape);
    expectThat(services['likes']?.kind === 'service', {
      expected: 'a service `likes` of kind service in graph.yaml',
      came: services['likes'] === undefined ? 'there is no `likes`' : `kind: ${services['likes'].kind}`,
      page: 'docs/architecture.md',
    });
    const { run } = work.yaml('likes.yaml', runShape);
    const words: string[] = [];
    for (const word of run) {
      if (word.endsWith('.ts')) words.push(await work.bundle(word));
      else words.push(work.has(word) ? work.path(word) : word);
    }
    const folder = work.scratch('given');
    const tricks = work.scratch('tricks');
    // work.bundle takes a file from the student's folder on; ours are beside this check
    const ours = async (file: string): Promise<string[]> => [
      'node',
      await work.bundle(relative(work.folder, join(work.places.labs, work.lab, file))),
    ];
    const repository = join(folder, 'repository.yaml');
    const programs = {
      'likes-gateway': { run: await ours('given/likes-gateway.ts') },
      likes: { run: words },
      'likes-db': { run: await ours('driver/tricky-db.ts'), env: { LIKES_DB_TRICKS: tricks } },
    };
    writeFileSync(repository, stringify({ services: programs }));
    const cluster = await work.up({ nodes: NODES, graph: work.path('graph.yaml'), repository });
    const [gateway] = await cluster.running('likes-gateway', 1);
    return new Bench(work, cluster, tricks, gateway?.service_instance_network_address ?? '');
  }

  /** A new user; leaves with the run of the check. */
  user(): User {
    const user = new User(this.#host, GATEWAY_PORT);
    this.#work.atEnd(() => Promise.resolve(user.close()));
    return user;
  }

  /** Asks the store for a trick at its next commit; gives how to know that it was done. */
  trick(name: 'hold' | 'die'): () => boolean {
    const file = join(this.#tricks, name);
    rmSync(`${file}-done`, { force: true });
    writeFileSync(file, '');
    return () => existsSync(`${file}-done`);
  }

  /** Kills the process of every instance of a service. */
  async kill(service: string): Promise<void> {
    for (const { service_instance_id: id } of await this.#on(service))
      await this.cluster.must('kill', 'instance', `${service}/${id}`);
  }

  /** Moves the only instance of likes to the other node and waits until the new one is alone. */
  async migrate(): Promise<void> {
    const [old] = await this.cluster.running('likes', 1, RUNS_MS);
    await this.cluster.must('migrate', `likes/${old?.service_instance_id ?? 0}`);
    await this.#work.until(
      'likes runs elsewhere, and only there',
      async () => {
        const rows = await this.#on('likes');
        return rows.length === 1 && rows[0]?.service_instance_id !== old?.service_instance_id;
      },
      RUNS_MS,
    );
  }

  async scale(replicas: number): Promise<void> {
    await this.cluster.must('scale', 'likes', String(replicas));
    await this.cluster.running('likes', replicas, RUNS_MS);
  }

  /**
   * `users` users like the posts in turn, each one like after the other, while `meanwhile` happens. `progress(n)` resolves when
   * each user has liked n times more.
   */
  async crowd(
    name: string,
    users: number,
    posts: readonly string[],
    meanwhile: (progress: (likes: number) => Promise<void>) => Promise<void>,
  ): Promise<Liked> {
    const byPost = new Map<string, number>(posts.map((post) => [post, 0]));
    const failed: string[] = [];
    const likes = Array.from({ length: users }, () => 0);
    let isOver = false;
    const member = async (at: number): Promise<void> => {
      const user = this.user();
      for (let turn = 0; !isOver; turn += 1) {
        const post = posts[(at + turn * users) % posts.length] ?? '';
        const answered = await user.like({ post, user: `${name}-${at}`, operationId: `operation-${turn}` });
        if (answered.status === 200) byPost.set(post, (byPost.get(post) ?? 0) + 1);
        else failed.push(`a like of ${post} by ${name}-${at}: ${answered.line}`);
        likes[at] = turn + 1;
      }
      user.close();
    };
    const members = likes.map((_, at) => member(at));
    const progress = async (more: number): Promise<void> => {
      const goals = likes.map((done) => done + more);
      await this.#work.until(
        `each of ${users} users has liked ${more} times more`,
        () => failed.length > 0 || goals.every((goal, at) => (likes[at] ?? 0) >= goal),
        RUNS_MS,
      );
    };
    try {
      await meanwhile(progress);
    } finally {
      isOver = true;
      await Promise.all(members);
    }
    return { byPost, failed };
  }

  async #on(service: string): Promise<InstanceRow[]> {
    return (await this.cluster.instances(service)).filter(({ status }) => status === 'on');
  }
}

/**
 * The student's file-transfer in a cluster: the social network, the real `cnapp`, and a piece-store that can be made to wait or to die.
 *
 * Lives here: starting it, uploading while something happens in the middle. Does not live here: what is expected (../check.ts).
 *
 * Theory. "In the middle of an upload" is made, not hoped for: the store crawls while the move goes on, or holds a chunk until the kill.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { Unmet } from '../../runner/api.ts';
import type { LabCluster, Work } from '../../runner/api.ts';
import { bringersOf, chunksOf } from '../chunks.ts';
import type { Chunk } from '../chunks.ts';
import type { Trick } from './tricky-store.ts';

const USER = 'alice';
const STORE = 'piece-store';
const CHUNK_BYTES = 32 * 1024;
const MOVES_MS = 20_000;
const UPLOAD_MS = 60_000;
const TRIES = 3;
/** So long the store goes on crawling after the next instance is on. Whatever that one asks at its start, it is answered by then. */
const SETTLE_MS = 400;

/** An upload of so many chunks; what happens is named by the number of the chunk in whose place it does. */
export const CHUNKS = 100;

export interface Uploaded {
  /** What came to the store for it, in order. */
  readonly chunks: readonly Chunk[];
  readonly bytes: number;
}

/** `trick` resolves when the store has begun it; false: the upload was over before. */
type Middle = (upload: { readonly trick: (name: Trick, chunk: number) => Promise<boolean> }) => Promise<void>;

export class Bench {
  readonly cluster: LabCluster;
  readonly #work: Work;
  readonly #folder: string;
  #tricks = 0;

  private constructor(work: Work, cluster: LabCluster, folder: string) {
    this.#work = work;
    this.cluster = cluster;
    this.#folder = folder;
  }

  /** The one bench of a run. Throws Unmet where the student's service cannot be built, or the cluster does not start. */
  static of(work: Work): Promise<Bench> {
    return work.once('bench', (all) => Bench.#start(all));
  }

  static async #start(work: Work): Promise<Bench> {
    const folder = work.scratch('tricks');
    // work.bundle takes a file from the student's folder on; ours are beside this check
    const ours = (file: string): string => relative(work.folder, join(work.places.labs, work.lab, file));
    const { services } = parse(readFileSync(await work.services(), 'utf8')) as { services: Record<string, object> };
    services['file-transfer'] = { run: ['node', await work.bundle('mine/main.ts')] };
    services[STORE] = {
      run: ['node', await work.bundle(ours('driver/tricky-store.ts'))],
      env: { PIECE_STORE_TRICKS: folder },
    };
    const repository = join(work.scratch('repository'), 'repository.yaml');
    writeFileSync(repository, stringify({ services }));
    const cluster = await work.up({ graph: work.path('mine/graph.yaml'), repository });
    await cluster.enter(USER);
    return new Bench(work, cluster, folder);
  }

  /** Sends a file while `middle` happens. Throws Unmet where it does not arrive as it was sent. */
  async upload(name: string, middle: Middle): Promise<Uploaded> {
    const before = chunksOf(await this.cluster.evidence(), STORE).length;
    const bytes = randomBytes((CHUNKS - 1) * CHUNK_BYTES + 1);
    const path = join(this.#folder, name);
    writeFileSync(path, bytes);
    let isOver = false;
    const sent = this.cluster
      .cnapp(USER, ['send-file', path], { deadlineMs: UPLOAD_MS })
      .finally(() => (isOver = true));
    sent.catch(() => undefined); // told below
    const trick = async (what: Trick, chunk: number): Promise<boolean> => {
      this.#tricks += 1;
      const done = join(this.#folder, `done-${this.#tricks}`);
      // in one go: the store may look at any moment
      writeFileSync(`${done}.new`, `${what} ${chunk * CHUNK_BYTES} ${this.#tricks}`);
      renameSync(`${done}.new`, join(this.#folder, 'trick'));
      await this.#work.until(`chunk ${chunk} comes to ${STORE}`, () => isOver || existsSync(done), UPLOAD_MS);
      if (existsSync(done)) return true;
      const { code, err } = await sent;
      if (code !== 0) throw await this.#failed(name, err);
      return false;
    };
    await middle({ trick });
    const { code, err } = await sent;
    if (code !== 0) throw await this.#failed(name, err);
    await this.#expectArrived(name, bytes);
    const evidence = await this.cluster.evidence();
    return { chunks: chunksOf(evidence, STORE).slice(before), bytes: bytes.length };
  }

  /**
   * An upload in which file-transfer is moved at each of these chunks. A machine may be so slow that the upload is over before
   * it is moved; that is nobody's mistake, so there is another try.
   */
  async uploadMoved(at: readonly number[]): Promise<Uploaded> {
    for (let tries = 1; ; tries += 1) {
      const uploaded = await this.upload(`moved-${at.length}-${tries}.bin`, async ({ trick }) => {
        for (const chunk of at) {
          if (!(await trick('crawl', chunk))) break;
          await this.#migrate();
        }
      });
      if (tries === TRIES || bringersOf(uploaded.chunks).length > at.length) return uploaded;
    }
  }

  /** Moves file-transfer while the store crawls; over when the old instance is off. */
  async #migrate(): Promise<void> {
    const old = await this.#running();
    const moved = this.cluster.must('migrate', old);
    let refusal: Error | null = null;
    moved.catch((error: unknown) => (refusal = error as Error));
    try {
      await this.#work.until(
        'the next instance is on',
        async () => {
          if (refusal !== null) throw refusal;
          return (await this.#on()).some((instance) => instance !== old);
        },
        MOVES_MS,
      );
      await sleep(SETTLE_MS);
    } finally {
      this.#release();
    }
    await moved;
  }

  async kill(): Promise<void> {
    try {
      await this.cluster.must('kill', 'instance', await this.#running());
    } finally {
      this.#release();
    }
  }

  /** The store goes on as before. */
  #release(): void {
    writeFileSync(join(this.#folder, `release-${this.#tricks}`), '');
  }

  async #running(): Promise<string> {
    const one = async (): Promise<string | null> => {
      const on = await this.#on();
      return on.length === 1 ? (on[0] ?? null) : null;
    };
    return await this.#work.until('one file-transfer is on', one, MOVES_MS);
  }

  /** Instances of file-transfer that are on, by the Manager's events: on a busy machine they are told sooner than asked for. */
  async #on(): Promise<string[]> {
    const on = new Set<string>();
    for (const { what, data } of (await this.cluster.evidence()).events) {
      if (what !== 'instance' || data['service_name'] !== 'file-transfer') continue;
      const instance = `file-transfer/${String(data['service_instance_id'])}`;
      if (data['status'] === 'on') on.add(instance);
      else on.delete(instance);
    }
    return [...on];
  }

  async #expectArrived(name: string, bytes: Buffer): Promise<void> {
    const path = join(this.#folder, `${name}.back`);
    const { code, err } = await this.cluster.cnapp(USER, ['get-file', name, '--out', path]);
    if (code !== 0) throw new Unmet({ expected: `\`cnapp get-file ${name}\` gives the file back`, came: err.trim() });
    const got = readFileSync(path);
    if (got.equals(bytes)) return;
    throw new Unmet({ expected: `${name} comes back as it was sent`, came: `${got.length} bytes, and others` });
  }

  async #failed(name: string, err: string): Promise<Unmet> {
    const chunks = chunksOf(await this.cluster.evidence(), STORE);
    const came = `${err.trim() || 'it ended before'}\n(${STORE} was sent ${chunks.length} chunks so far)`;
    return new Unmet({ expected: `\`cnapp send-file ${name}\` arrives`, came });
  }
}

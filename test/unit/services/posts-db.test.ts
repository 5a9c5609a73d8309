/** posts-db: the last ten and what is kept of the rest. */
import { expect } from 'chai';
import { Archive } from '../../../services/posts-db/archive.ts';
import type { PostRow } from '../../../services/posts-db/archive.ts';
import { archivesOf, Posts } from '../../../services/posts-db/posts.ts';
import { decodePart } from '../../../services/protocols/line.ts';
import { openLowdbStore } from '../../../services/store/lowdb-store.ts';
import { Operations } from '../../../services/store/operations.ts';
import { FakeDisk } from '../store/fake-disk.ts';

async function open(disk: FakeDisk, epoch: number, now: () => number, warnings: string[] = []): Promise<Posts> {
  const store = await openLowdbStore({ disk, epoch });
  const archive = new Archive(disk, epoch);
  await archive.removeOthers(archivesOf(store));
  const operations = new Operations(store, 'posts-db', now);
  const warn = (sentence: string): void => void warnings.push(sentence);
  return new Posts({ store, operations, serviceName: 'posts-db', now, archive, warn, inStoreMax: 20 });
}

const append = (posts: Posts, n: number) =>
  posts.append({ user: 'alice', operationId: `operation-${n}`, text: `post ${n}` });
const turn = () => new Promise((resolve) => setTimeout(resolve, 5));
const lastTexts = (posts: Posts) =>
  [...posts.last().matchAll(/Line_\d+: ([^~]*)/g)].map((m) => decodePart(m[1]!.trim().split(', ')[3]!));

describe('posts-db', () => {
  it('moves old posts to files of their own, loses none, and knows the last ten again', async () => {
    const disk = new FakeDisk();
    let posts = await open(disk, 1, () => 1000);
    for (let n = 1; n <= 50; n += 1) {
      await append(posts, n);
      await turn();
    }
    await posts.close();
    posts = await open(disk, 2, () => 1000);
    expect(lastTexts(posts)).to.deep.equal(Array.from({ length: 10 }, (_, i) => `post ${50 - i}`));
    expect(await append(posts, 51)).to.equal(' ~ Status: 200 ~ Line_3: 51');
    await posts.close();
    const archives = [...disk.files.keys()].filter((name) => name.startsWith('posts-'));
    expect(archives.length).to.be.greaterThan(2);
    const data = [...disk.files.entries()].find(([name]) => name.startsWith('data-'))![1];
    const rows = (JSON.parse(data.toString()) as { tables: { posts: PostRow[] } }).tables.posts;
    expect(rows.length).to.be.at.most(20);
    const old = archives.flatMap((name) => JSON.parse(disk.files.get(name)!.toString()) as PostRow[]);
    const ids = [...old, ...rows].map((row) => Number(row.key)).sort((a, b) => a - b);
    expect(ids).to.deep.equal(Array.from({ length: 51 }, (_, i) => i + 1));
  });

  it('keeps posts where they are when they cannot be moved, and removes what a crash left of moving', async () => {
    const disk = new FakeDisk();
    const warnings: string[] = [];
    let posts = await open(disk, 1, () => 1000, warnings);
    disk.fault = (step) => (step.op === 'replace' ? { code: 'ENOSPC', kept: 0.5 } : null);
    for (let n = 1; n <= 25; n += 1) {
      expect(await append(posts, n)).to.match(/Status: 200/);
      await turn();
    }
    expect(warnings).to.have.length(1);
    expect(disk.list().filter((name) => name.startsWith('posts-'))).to.have.length(1);
    disk.fault = () => null;
    posts = await open(disk, 2, () => 1000);
    expect(disk.list().filter((name) => name.startsWith('posts-'))).to.have.length(0);
    expect(lastTexts(posts)[9]).to.equal('post 16');
  });

  it('shows a post only when it is on disk, and never lets times go back', async () => {
    const disk = new FakeDisk();
    let now = 5000;
    const posts = await open(disk, 1, () => now);
    const first = append(posts, 1);
    expect(lastTexts(posts)).to.deep.equal([]);
    await first;
    now = 4000;
    await append(posts, 2);
    const times = [...posts.last().matchAll(/\d{4}-\d\d-\d\dT[^,]*Z/g)].map((match) => match[0]);
    expect(times).to.deep.equal(['1970-01-01T00:00:05.000Z', '1970-01-01T00:00:05.000Z']);
    const again = await open(disk, 2, () => now);
    await append(again, 3);
    expect([...again.last().matchAll(/00:00:05/g)].length, 'also after a restart').to.equal(3);
  });
});

/** One upload on a disk that refuses: it stands where its bytes surely are, and its hash is that of what is there. */
import { expect } from 'chai';
import { createHash, randomBytes } from 'node:crypto';
import type { Parts, PartWriter } from '../../../services/file-store/parts.ts';
import { Upload } from '../../../services/file-store/upload.ts';

const MIB = 1024 * 1024;
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Parts in memory; `refuse` may throw at a write or a flush, after half of the bytes were written. */
class FakeParts {
  readonly files = new Map<string, Buffer>();
  refuse: (what: 'write' | 'sync') => void = () => {};
  writes = 0;

  writer(file: string): Promise<PartWriter> {
    this.files.set(file, Buffer.alloc(0));
    return Promise.resolve({
      write: async (pieces, at) => {
        await turn();
        this.writes += 1;
        const bytes = Buffer.concat(pieces);
        const put = (length: number): void => {
          const before = this.files.get(file)!;
          const after = Buffer.alloc(Math.max(before.length, at + length));
          before.copy(after);
          bytes.copy(after, at, 0, length);
          this.files.set(file, after);
        };
        put(bytes.length >> 1);
        this.refuse('write');
        put(bytes.length);
      },
      sync: async () => {
        await turn();
        this.refuse('sync');
      },
      close: () => Promise.resolve(),
    });
  }

  sync(): Promise<void> {
    return Promise.resolve();
  }

  read(file: string, at: number, length: number): Promise<Buffer> {
    return Promise.resolve(Buffer.from(this.files.get(file)!.subarray(at, at + length)));
  }
}

const open = (parts: FakeParts) => new Upload(parts as unknown as Parts, [], 'part-1-1', 0);
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const settled = (promises: Promise<unknown>[]) =>
  Promise.allSettled(promises).then((all) => all.map((one) => one.status));

describe('an upload', () => {
  it('writes together what comes during a write', async () => {
    const parts = new FakeParts();
    const upload = open(parts);
    await Promise.all(Array.from({ length: 100 }, () => upload.take(randomBytes(100))));
    expect(parts.writes).to.equal(2);
    expect(await upload.sync()).to.equal(10_000);
  });

  it('stands where it stood when the disk refuses a write, and ends with the right hash', async () => {
    const parts = new FakeParts();
    const upload = open(parts);
    const bytes = randomBytes(50_000);
    await upload.take(bytes.subarray(0, 10_000));
    let refusals = 1;
    parts.refuse = (what) => {
      if (what === 'write' && (refusals -= 1) >= 0) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    };
    const first = upload.take(bytes.subarray(10_000, 20_000));
    await Promise.resolve();
    const second = upload.take(bytes.subarray(20_000, 30_000));
    expect(await settled([first, second])).to.deep.equal(['rejected', 'rejected']);
    expect(upload.offset).to.equal(10_000);
    await upload.take(bytes.subarray(10_000, 30_000));
    await upload.take(bytes.subarray(30_000));
    expect(await upload.sync()).to.equal(50_000);
    expect(await upload.digest()).to.equal(sha256(bytes));
    expect(sha256(parts.files.get('part-1-1')!)).to.equal(sha256(bytes));
  });

  it('goes back to what is surely on disk when the disk lost what it had taken', async () => {
    const parts = new FakeParts();
    const upload = open(parts);
    const bytes = randomBytes(10 * MIB);
    await upload.take(bytes.subarray(0, MIB));
    expect(await upload.sync()).to.equal(MIB);
    let refusals = 1;
    parts.refuse = (what) => {
      if (what === 'sync' && (refusals -= 1) >= 0) throw Object.assign(new Error('lost'), { code: 'EIO' });
    };
    await upload.take(bytes.subarray(MIB, 6 * MIB)); // far enough for the disk to be told to begin
    const late = upload.take(bytes.subarray(6 * MIB, 7 * MIB));
    expect(await settled([late])).to.deep.equal(['rejected']);
    expect(await upload.sync()).to.equal(MIB);
    expect(upload.offset).to.equal(MIB);
    for (let at = MIB; at < 10 * MIB; at += MIB) await upload.take(bytes.subarray(at, at + MIB));
    expect(await upload.sync()).to.equal(10 * MIB);
    expect(await upload.digest()).to.equal(sha256(bytes));
  });

  it('tells whoever waits for the disk that it failed', async () => {
    const parts = new FakeParts();
    const upload = open(parts);
    await upload.take(randomBytes(1000));
    parts.refuse = () => {
      throw new Error('EIO');
    };
    expect(await settled([upload.sync()])).to.deep.equal(['rejected']);
    expect(upload.offset).to.equal(0);
  });
});

/** The pure machines of transfers: upload and download, against models and by table. */
import { expect } from 'chai';
import fc from 'fast-check';
import type { DownloadEffect, DownloadInput } from '../../../cli-client/core/download.ts';
import { newDownload, stepDownload } from '../../../cli-client/core/download.ts';
import type { UploadEffect, UploadInput } from '../../../cli-client/core/upload.ts';
import { UPLOAD_STALL_MS, newUpload, stepUpload } from '../../../cli-client/core/upload.ts';

const CHUNK = 10;

/** A store for one upload, with faults chosen by a list of numbers, and the clock of the test. */
function runUpload(
  size: number,
  faults: readonly number[],
  window: number,
): { effects: UploadEffect[]; stored: number } {
  const upload = newUpload(size, CHUNK, window);
  const queue: UploadInput[] = [{ type: 'start', nowMs: 0 }];
  const effects: UploadEffect[] = [];
  let nowMs = 0;
  let stored = 0;
  let durable = 0;
  let turn = 0;
  for (let steps = 0; queue.length > 0; steps += 1) {
    if (steps > 5000) throw new Error('does not end');
    const fault = faults[turn % (faults.length || 1)] ?? 0;
    turn += 1;
    nowMs += 1;
    // Answers may come in another order.
    const at = turn > faults.length ? 0 : fault % queue.length;
    const [input] = queue.splice(at, 1) as [UploadInput];
    for (const effect of stepUpload(upload, { ...input, nowMs })) {
      effects.push(effect);
      if (effect.type === 'begin') {
        durable = stored;
        queue.push({ type: 'begun', nowMs, round: effect.round, uploadId: 'u', offset: durable });
      } else if (effect.type === 'chunk') queue.push(chunkAnswer(effect));
      else if (effect.type === 'end') {
        if (stored === size) queue.push({ type: 'ended', nowMs, name: 'n' });
        else queue.push(refusal(effect.round, 'end', 409, stored));
      } else if (effect.type === 'wait') queue.push({ type: 'waited', nowMs, round: effect.round });
    }
  }
  return { effects, stored };

  function chunkAnswer(effect: UploadEffect & { type: 'chunk' }): UploadInput {
    const kind = turn < faults.length ? (faults[turn] as number) % 7 : 0;
    const end = effect.offset + effect.length;
    if (kind === 5) stored = durable; // the store fails and comes back
    if (kind === 6) return refusal(effect.round, 'chunk', 503, 5);
    if (end > stored) {
      if (effect.offset !== stored) return refusal(effect.round, 'chunk', 409, stored);
      stored = end;
    }
    return { type: 'stored', nowMs, round: effect.round, nextOffset: kind === 4 ? stored : end };
  }
}

function refusal(round: number, request: 'begin' | 'chunk' | 'end', status: number, data: number | null): UploadInput {
  return { type: 'refused', nowMs: 0, round, request, status, message: 'no', data };
}

describe('cnapp: the upload machine', () => {
  it('sends a window of chunks, then the end', () => {
    const upload = newUpload(25, CHUNK, 2);
    expect(stepUpload(upload, { type: 'start', nowMs: 0 })).to.deep.equal([{ type: 'begin', round: 1 }]);
    expect(stepUpload(upload, { type: 'begun', nowMs: 0, round: 1, uploadId: 'u', offset: 0 })).to.deep.equal([
      { type: 'progress', offset: 0 },
      { type: 'chunk', round: 1, uploadId: 'u', offset: 0, length: 10 },
      { type: 'chunk', round: 1, uploadId: 'u', offset: 10, length: 10 },
    ]);
    expect(stepUpload(upload, { type: 'stored', nowMs: 0, round: 1, nextOffset: 10 })).to.deep.equal([
      { type: 'progress', offset: 10 },
      { type: 'chunk', round: 1, uploadId: 'u', offset: 20, length: 5 },
    ]);
    stepUpload(upload, { type: 'stored', nowMs: 0, round: 1, nextOffset: 20 });
    expect(stepUpload(upload, { type: 'stored', nowMs: 0, round: 1, nextOffset: 25 })).to.deep.equal([
      { type: 'progress', offset: 25 },
      { type: 'end', round: 1, uploadId: 'u' },
    ]);
    expect(stepUpload(upload, { type: 'ended', nowMs: 0, name: 'n' })).to.deep.equal([{ type: 'done', name: 'n' }]);
  });

  it('ends an empty file at once and goes on where begin says', () => {
    const empty = newUpload(0, CHUNK);
    stepUpload(empty, { type: 'start', nowMs: 0 });
    const begun = stepUpload(empty, { type: 'begun', nowMs: 0, round: 1, uploadId: 'u', offset: 0 });
    expect(begun).to.deep.include({ type: 'end', round: 1, uploadId: 'u' });
    const resumed = newUpload(25, CHUNK);
    stepUpload(resumed, { type: 'start', nowMs: 0 });
    const effects = stepUpload(resumed, { type: 'begun', nowMs: 0, round: 1, uploadId: 'u', offset: 17 });
    expect(effects).to.deep.include({ type: 'chunk', round: 1, uploadId: 'u', offset: 17, length: 8 });
  });

  it('a wrong offset starts a round at the right one and ignores the old round', () => {
    const upload = newUpload(100, CHUNK, 4);
    stepUpload(upload, { type: 'start', nowMs: 0 });
    stepUpload(upload, { type: 'begun', nowMs: 0, round: 1, uploadId: 'u', offset: 40 });
    const [wait] = stepUpload(upload, refusal(1, 'chunk', 409, 20));
    expect(wait).to.include({ type: 'wait', round: 2 });
    expect(stepUpload(upload, { type: 'stored', nowMs: 0, round: 1, nextOffset: 50 })).to.deep.equal([]);
    const effects = stepUpload(upload, { type: 'waited', nowMs: 0, round: 2 });
    expect(effects).to.deep.include({ type: 'chunk', round: 2, uploadId: 'u', offset: 20, length: 10 });
  });

  it('a 503 waits as long as it says and begins again; 404 too; 422 and 401 end', () => {
    const at = (given: UploadInput): UploadEffect[] => {
      const upload = newUpload(100, CHUNK, 4);
      stepUpload(upload, { type: 'start', nowMs: 0 });
      stepUpload(upload, { type: 'begun', nowMs: 0, round: 1, uploadId: 'u', offset: 0 });
      return stepUpload(upload, given);
    };
    expect(at(refusal(1, 'chunk', 503, 77))).to.deep.equal([{ type: 'wait', round: 2, waitMs: 77 }]);
    expect(at(refusal(1, 'chunk', 404, null))[0]).to.include({ type: 'wait' });
    expect(at(refusal(1, 'end', 422, null))[0]).to.include({ type: 'failed', isResumable: false });
    expect(at(refusal(1, 'chunk', 401, null))[0]).to.include({ type: 'failed', isResumable: true });
    const late = { ...refusal(1, 'chunk', 503, 77), nowMs: UPLOAD_STALL_MS };
    expect(at(late)[0]).to.include({ type: 'failed', status: 503, isResumable: true });
  });

  it('property: whatever the store does, the file ends up whole', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 200 }),
        fc.array(fc.integer({ min: 0, max: 1000 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 6 }),
        (size, faults, window) => {
          const { effects, stored } = runUpload(size, faults, window);
          expect(effects.at(-1)).to.deep.equal({ type: 'done', name: 'n' });
          expect(stored).to.equal(size);
        },
      ),
    );
  });

  it('property: never throws on any inputs', () => {
    const counts = fc.integer({ min: 0, max: 30 });
    const input = fc.oneof(
      fc.record({ type: fc.constant('start'), nowMs: counts }),
      fc.record({
        type: fc.constant('begun'),
        nowMs: counts,
        round: counts,
        uploadId: fc.constant('u'),
        offset: counts,
      }),
      fc.record({ type: fc.constant('stored'), nowMs: counts, round: counts, nextOffset: counts }),
      fc.record({ type: fc.constant('waited'), nowMs: counts, round: counts }),
      fc.record({ type: fc.constant('ended'), nowMs: counts, name: fc.constant('n') }),
      fc
        .tuple(counts, fc.constantFrom('begin', 'chunk', 'end'), fc.constantFrom(401, 404, 409, 422, 503), counts)
        .map(([round, request, status, data]) => refusal(round, request as 'begin', status, data)),
    );
    fc.assert(
      fc.property(fc.array(input), (inputs) => {
        const upload = newUpload(25, CHUNK, 2);
        for (const given of inputs) stepUpload(upload, given as UploadInput);
      }),
    );
  });
});

/** A file to be fetched: answers are at most `most` bytes, come in any order; it is replaced when a fault says so. */
function runDownload(contents: readonly string[], most: number, faults: readonly number[], part: string): string {
  const download = newDownload(8, 3);
  const queue: DownloadInput[] = [{ type: 'start' }];
  let version = 0;
  let written = '';
  let turn = 0;
  for (let steps = 0; queue.length > 0; steps += 1) {
    if (steps > 5000) throw new Error('does not end');
    const fault = faults[turn] ?? 0;
    turn += 1;
    if (fault % 5 === 4) version = Math.min(version + 1, contents.length - 1);
    const [input] = queue.splice(fault % queue.length, 1) as [DownloadInput];
    for (const effect of stepDownload(download, input)) {
      const content = contents[version] as string;
      if (effect.type === 'ask') {
        const data = content.slice(effect.offset, effect.offset + Math.min(effect.mostBytes, most));
        const piece = { data, nextOffset: effect.offset + data.length, size: content.length, sha256: content };
        queue.push({ type: 'piece', round: effect.round, piece: { offset: effect.offset, ...piece } });
      } else if (effect.type === 'identify') {
        written = effect.isFresh ? '' : part.slice(0, effect.size);
        queue.push({ type: 'identified', offset: written.length });
      } else if (effect.type === 'write') {
        expect(effect.offset).to.equal(written.length);
        written += effect.data;
      } else if (effect.type === 'complete') queue.push({ type: 'verified', isRight: written === effect.sha256 });
      else if (effect.type === 'done') return `done ${written}`;
      else if (effect.type === 'failed') return `failed ${effect.message}`;
    }
  }
  throw new Error('stopped without an end');
}

describe('cnapp: the download machine', () => {
  it('asks once, then for a window of pieces', () => {
    const download = newDownload(10, 2);
    expect(stepDownload(download, { type: 'start' })).to.deep.equal([
      { type: 'ask', round: 1, offset: 0, mostBytes: 10 },
    ]);
    const piece = { offset: 0, data: 'D', nextOffset: 10, size: 45, sha256: 's' };
    expect(stepDownload(download, { type: 'piece', round: 1, piece })).to.deep.equal([
      { type: 'identify', size: 45, sha256: 's', isFresh: false },
    ]);
    expect(stepDownload(download, { type: 'identified', offset: 0 })).to.deep.equal([
      { type: 'write', offset: 0, length: 10, data: 'D' },
      { type: 'progress', offset: 10, size: 45 },
      { type: 'ask', round: 1, offset: 10, mostBytes: 10 },
      { type: 'ask', round: 1, offset: 20, mostBytes: 10 },
    ]);
  });

  it('goes on with what is here', () => {
    const download = newDownload(10, 2);
    stepDownload(download, { type: 'start' });
    const piece = { offset: 0, data: 'D', nextOffset: 10, size: 45, sha256: 's' };
    stepDownload(download, { type: 'piece', round: 1, piece });
    const effects: DownloadEffect[] = stepDownload(download, { type: 'identified', offset: 37 });
    expect(effects).to.deep.equal([
      { type: 'progress', offset: 37, size: 45 },
      { type: 'ask', round: 1, offset: 37, mostBytes: 10 },
    ]);
  });

  it('gives up on a gateway that sends nothing, or more than there is', () => {
    const first = (nextOffset: number): DownloadEffect[] => {
      const download = newDownload(10);
      stepDownload(download, { type: 'start' });
      const piece = { offset: 0, data: '', nextOffset, size: 5, sha256: 's' };
      const effects = stepDownload(download, { type: 'piece', round: 1, piece });
      return effects[0]?.type === 'identify' ? stepDownload(download, { type: 'identified', offset: 0 }) : effects;
    };
    expect(first(0)[0]).to.include({ type: 'failed' });
    expect(first(6)[0]).to.include({ type: 'failed' });
  });

  it('property: the file arrives whole, in any order, in pieces of any size, replaced meanwhile, with any part of it here', () => {
    const text = fc.string({ maxLength: 120 });
    const faults = fc.array(fc.integer({ min: 0, max: 100 }), { maxLength: 40 });
    fc.assert(
      fc.property(
        text,
        text,
        fc.integer({ min: 1, max: 20 }),
        faults,
        fc.nat(120),
        fc.boolean(),
        (a, b, most, f, n, isOurs) => {
          const part = isOurs ? a.slice(0, n) : 'z'.repeat(n);
          const contents = a === b ? [a] : [a, b];
          const result = runDownload(contents, most, f, part);
          expect(contents.map((content) => `done ${content}`)).to.include(result);
        },
      ),
    );
  });
});

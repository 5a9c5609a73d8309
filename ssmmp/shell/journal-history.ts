/**
 * The journal as history: the records of all kept segments, for people who ask what happened.
 *
 * Lives here: reading lines lazily, chunk by chunk, while the journal is being written. Does not live here: what a
 * record means. A reader is no recovery: a line that is not sound is skipped and counted, and a segment that
 * was dropped meanwhile is passed over.
 */
import fs from 'node:fs';
import { open } from 'node:fs/promises';
import { readLine } from './journal-line.ts';
import {
  CHUNK_BYTES,
  listSegments,
  readHead,
  type JournalFs,
  type Segment,
  type SegmentHead,
} from './journal-segments.ts';

const LF = 10;

export interface HistoryOptions {
  readonly folder: string;
  readonly disk?: JournalFs;
  /** Is everything wanted at or behind this segment's head? The newest one it holds for is where reading begins. */
  holdsAll?(head: SegmentHead): boolean;
}

/** Some records of one segment, in order: the JSON text of each. */
export interface HistoryPart {
  readonly head: SegmentHead;
  readonly records: readonly string[];
  /** Lines that were not sound. */
  readonly damaged: number;
}

/** Reads parts of at most a chunk (1 MiB, or one longer line); between two of them the event loop has its turn. */
export async function* readHistory(options: HistoryOptions): AsyncGenerator<HistoryPart, void, void> {
  const disk = options.disk ?? fs;
  let last = startOf(disk, options) - 1;
  for (;;) {
    // Listed anew each time: segments come and go while this reads.
    const segment = listSegments(disk, options.folder).find(({ firstRecord }) => firstRecord > last);
    if (segment === undefined) return;
    last = segment.firstRecord;
    try {
      yield* readSegment(disk, segment, () => isFollowed(disk, options.folder, segment));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

/** Number of the first record of the segment to begin with. */
function startOf(disk: JournalFs, { folder, holdsAll }: HistoryOptions): number {
  const segments = listSegments(disk, folder);
  if (holdsAll !== undefined)
    for (const segment of segments.toReversed()) if (holdsAll(readHead(disk, segment))) return segment.firstRecord;
  return segments[0]?.firstRecord ?? 0;
}

function isFollowed(disk: JournalFs, folder: string, { firstRecord }: Segment): boolean {
  return (listSegments(disk, folder).at(-1)?.firstRecord ?? 0) > firstRecord;
}

async function* readSegment(
  disk: JournalFs,
  segment: Segment,
  isFinal: () => boolean,
): AsyncGenerator<HistoryPart, void, void> {
  const head = readHead(disk, segment);
  const file = await open(segment.path, 'r');
  try {
    let chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    let held = 0;
    let at = 0;
    let headerSeen = false;
    let final = false;
    yield { head, records: [], damaged: 0 };
    for (;;) {
      if (held === chunk.length) chunk = Buffer.concat([chunk], 2 * chunk.length);
      const { bytesRead } = await file.read(chunk, held, chunk.length - held, at + held);
      if (bytesRead === 0) {
        // Its last records may have come between this end and the segment that follows it: look once more.
        if (final || !isFinal()) return;
        final = true;
        continue;
      }
      const filled = held + bytesRead;
      const records: string[] = [];
      let damaged = 0;
      let from = 0;
      for (let end = chunk.indexOf(LF, held); end !== -1 && end < filled; end = chunk.indexOf(LF, from)) {
        if (headerSeen) {
          const json = readLine(chunk, from, end);
          if (json === null) damaged += 1;
          else records.push(json);
        }
        headerSeen = true;
        from = end + 1;
      }
      chunk.copyWithin(0, from, filled);
      held = filled - from;
      at += from;
      if (records.length > 0 || damaged > 0) yield { head, records, damaged };
    }
  } finally {
    await file.close();
  }
}

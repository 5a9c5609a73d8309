/**
 * What a store of this lab writes down about every chunk: `chunks.jsonl` in its folder, a line each.
 *
 * Lives here: writing it, and its shape. Does not live here: what follows from it (../chunks.ts).
 *
 * Theory. What users send is in no trace: the mesh does not look into sessions. Who was where when a chunk came can only be seen
 * at the end of the way. `from` is the source's end of the session; the events say which instance that was.
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';

export const CHUNK_LOG = 'chunks.jsonl';

export interface ChunkLine {
  readonly time: string;
  /** `127.0.0.12:20448`. */
  readonly from: string;
  readonly upload: string;
  readonly offset: number;
  readonly bytes: number;
  /** False: refused, for the upload has another length. */
  readonly taken: boolean;
}

export function logChunk(dataDir: string, sessionKey: string, chunk: Omit<ChunkLine, 'time' | 'from'>): void {
  const [from = ''] = sessionKey.split('-');
  const line: ChunkLine = { time: new Date().toISOString(), from, ...chunk };
  appendFileSync(join(dataDir, CHUNK_LOG), `${JSON.stringify(line)}\n`);
}

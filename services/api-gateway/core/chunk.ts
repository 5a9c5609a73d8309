/**
 * Reading a send_file_chunk_request without looking at its 43 KB of data. Pure.
 *
 * Theory. The other requests are small, and user.ts reads them field by field. A chunk's data would be searched twice
 * on the way for characters that must not stand there, at more cost than everything else that happens to it here; the
 * store, which has to decode it anyway, finds them for nothing. So this way takes chunks that are as they should be and
 * leaves everything else, and all explaining, to user.ts.
 */

import { decodePart, fieldsOf } from '../../protocols/line.ts';
import { CHUNK_BYTES_MAX, checkOperationId, checkUploadId, readCount } from '../../protocols/user.ts';

export interface ChunkRequest {
  readonly token: string;
  readonly uploadId: string;
  readonly offset: number;
  /** As it came: base64, if the store agrees. */
  readonly data: string;
}

const DATA_LENGTH_MAX = Math.ceil(CHUNK_BYTES_MAX / 3) * 4;

/** Null for what parseUserRequest and checkUserRequest have to look at. */
export function readChunk(rest: string): ChunkRequest | null {
  const fields = fieldsOf(rest);
  if (typeof fields === 'string') return null;
  const token = decodePart(fields.get('Line_1') ?? '');
  const uploadId = decodePart(fields.get('Line_2') ?? '');
  const offset = readCount(fields.get('Line_3') ?? '');
  const data = fields.get('Line_4');
  const operationId = fields.get('Operation_id');
  if (token === null || uploadId === null || offset === null || data === undefined) return null;
  if (data.length > DATA_LENGTH_MAX || data.includes('%')) return null;
  if (operationId !== undefined && checkOperationId(operationId) !== null) return null;
  return checkUploadId(uploadId) === null ? { token, uploadId, offset, data } : null;
}
